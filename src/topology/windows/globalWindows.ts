import { END_OF_TIME, NO_WATERMARK } from '../elements.ts';
import { GLOBAL_BOUNDS, type GlobalDefinition, type WindowSet } from './definition.ts';
import { type Emitted, FINAL, PROVISIONAL } from './emitted.ts';
import type { Firings } from './firings.ts';
import { type FoundWindow, foundWindow } from './foundWindow.ts';
import { multipleAfter } from './grid.ts';
import { mustFire, type SlotStore } from './slotStore.ts';
import type { OpenWindow, Run, Windower } from './windower.ts';

interface Saved {
  readonly slots: Int32Array;
  /** Of each slot, the records since its count trigger last fired. */
  readonly counts: Float64Array;
  readonly changed: Int32Array;
}

/** Global windows: one slot for each key. */
export class GlobalWindows implements Windower {
  readonly width = 1;
  readonly mustPrepare = false;
  /** After all windows that complete at the same instant. */
  readonly nextStart = Number.POSITIVE_INFINITY;
  readonly #definition: number;
  readonly #everyCount: number;
  readonly #everyMicros: number;
  readonly #isDiscarding: boolean;
  readonly #onEachChange: boolean;
  readonly #slots: SlotStore;
  /** By key id. */
  readonly #slotOf: (number | undefined)[] = [];
  readonly #counts: number[] = [];
  /** Slots that records came into since the time trigger last fired. */
  readonly #changed = new Set<number>();
  /** The watermark at which the time trigger fires next; not known before the first watermark. */
  #nextFiring: number;
  /** The slot of the record at hand, when it is to be emitted at once. */
  #toShow: { readonly slot: number; readonly emitted: Emitted } | null = null;

  constructor(
    { everyCount, everyMicros, definition }: GlobalDefinition & { readonly definition: number },
    { accumulation, emission }: WindowSet,
    slots: SlotStore,
  ) {
    this.#definition = definition;
    this.#everyCount = everyCount;
    this.#everyMicros = everyMicros;
    this.#isDiscarding = accumulation === 'discarding';
    this.#onEachChange = emission === 'eachChange';
    this.#slots = slots;
    this.#nextFiring = this.#firingAfter(NO_WATERMARK);
  }

  get mustRefire(): boolean {
    return this.#toShow !== null;
  }

  get nextClosing(): number {
    if (this.#changed.size === 0) return Number.POSITIVE_INFINITY;
    return this.#nextFiring === NO_WATERMARK ? END_OF_TIME : Math.min(this.#nextFiring, END_OF_TIME);
  }

  assign(run: Run, [slots]: readonly Int32Array[], from: number, to: number): number {
    const { watermarks, keyIds, arrivals } = run;
    const out = slots as Int32Array;
    // What has been emitted takes more records always.
    run.revisits = true;
    for (let at = from; at < to; at++) {
      const watermark = watermarks[at] as number;
      if (watermark >= this.nextClosing) return at;
      this.#pass(watermark);
      const keyId = keyIds[at] as number;
      const slot = this.#slotFor(keyId, arrivals[at] as number);
      out[at] = slot;
      this.#changed.add(slot);
      const count = (this.#counts[keyId] ?? 0) + 1;
      const isDue = count === this.#everyCount;
      this.#counts[keyId] = isDue ? 0 : count;
      if (isDue || this.#onEachChange) {
        this.#toShow = { slot, emitted: isDue ? FINAL : PROVISIONAL };
        return at + 1;
      }
    }
    return to;
  }

  /** Such a window is never complete. */
  refire(firings: Firings): number {
    if (this.#toShow !== null) this.#fire(this.#toShow.slot, this.#toShow.emitted, firings);
    this.#toShow = null;
    return 0;
  }

  /** Fires the time trigger, or, at the end of input, whatever has something left. */
  *close(firings: Firings): Generator<void> {
    const changed = this.#slots.byFirstRecord(this.#changed);
    this.#changed.clear();
    for (const slot of changed) yield* this.#flush(slot, FINAL, firings);
  }

  *openWindows(): Iterable<OpenWindow> {
    const bounds = { startMicros: GLOBAL_BOUNDS.start, endMicros: GLOBAL_BOUNDS.end, definition: this.#definition };
    for (const slot of this.#slots.byFirstRecord(this.#openSlots())) {
      yield { ...bounds, flush: (firings, emitted) => this.#flush(slot, emitted, firings) };
    }
  }

  find(definition: number, keyId: number): FoundWindow | null {
    const slot = definition === this.#definition ? this.#slotOf[keyId] : undefined;
    return slot === undefined ? null : foundWindow(this.#slots, slot);
  }

  /** Nothing expires. */
  expire(watermark: number): Iterable<void> {
    this.#pass(watermark);
    return [];
  }

  snapshot(): Saved {
    const slots = Int32Array.from(this.#openSlots());
    const counts = Float64Array.from(slots, (slot) => this.#counts[this.#slots.keyIds[slot] as number] as number);
    return { slots, counts, changed: Int32Array.from(this.#changed) };
  }

  restore({ slots, counts, changed }: Saved, watermark: number): void {
    for (const [i, slot] of slots.entries()) {
      const keyId = this.#slots.keyIds[slot] as number;
      this.#slotOf[keyId] = slot;
      this.#counts[keyId] = counts[i] as number;
    }
    for (const slot of changed) this.#changed.add(slot);
    this.#nextFiring = this.#firingAfter(watermark);
  }

  #slotFor(keyId: number, arrival: number): number {
    const found = this.#slotOf[keyId];
    if (found !== undefined) {
      this.#slots.touch(found, arrival);
      return found;
    }
    const slot = this.#slots.open(keyId, GLOBAL_BOUNDS.start, GLOBAL_BOUNDS.end, arrival);
    this.#slotOf[keyId] = slot;
    return slot;
  }

  #openSlots(): number[] {
    return this.#slotOf.filter((slot) => slot !== undefined);
  }

  *#flush(slot: number, emitted: Emitted, firings: Firings): Generator<void> {
    if (mustFire(this.#slots, slot, emitted, this.#isDiscarding)) this.#fire(slot, emitted, firings);
    if (firings.spend()) yield;
  }

  #fire(slot: number, emitted: Emitted, firings: Firings): void {
    firings.addSlot(this.#definition, slot, emitted);
    if (this.#isDiscarding) firings.empty(slot);
  }

  #pass(watermark: number): void {
    if (watermark >= this.#nextFiring) this.#nextFiring = this.#firingAfter(watermark);
  }

  /** The first watermark past another at which nothing before some multiple is to come any more. */
  #firingAfter(watermark: number): number {
    if (this.#everyMicros === Number.POSITIVE_INFINITY) return Number.POSITIVE_INFINITY;
    return multipleAfter(watermark, this.#everyMicros);
  }
}
