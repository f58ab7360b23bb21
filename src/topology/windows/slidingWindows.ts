import type { WindowSet } from './definition.ts';
import { type Emitted, FINAL, PROVISIONAL } from './emitted.ts';
import type { Firings } from './firings.ts';
import { type FoundWindow, foundWindow } from './foundWindow.ts';
import { LookBack } from './lookBack.ts';
import { MinHeap } from './minHeap.ts';
import { NEVER_FIRED, type SlotStore } from './slotStore.ts';
import { EXPIRED, type OpenWindow, type Run, type Windower } from './windower.ts';

/** A key's slots by event time, and the merge of those that its last window held. */
interface Timeline {
  readonly slots: number[];
  /** How many of the slots have expired: they are cut off now and then. */
  expired: number;
  readonly lookBack: LookBack;
  /** Event time up to which `lookBack` has taken slots in; nothing when a late record has made it useless. */
  mergedTo: number;
}

interface Saved {
  readonly slots: Int32Array;
}

const NOTHING = Number.NEGATIVE_INFINITY;

/** Look-back windows: one slot for each distinct event time of a key, which is also that window's name. */
export class SlidingWindows implements Windower {
  readonly width = 1;
  readonly mustPrepare = false;
  readonly #definition: number;
  readonly #sizeMicros: number;
  readonly #latenessMicros: number;
  readonly #isDiscarding: boolean;
  readonly #onEachChange: boolean;
  readonly #slots: SlotStore;
  readonly #timelines: Timeline[] = [];
  /** Slots by event time, then first record: those whose windows are to fire, and those that some window may still need. */
  readonly #closing: MinHeap<number>;
  readonly #kept: MinHeap<number>;
  /** Slots that held merges, to be closed. */
  readonly #spent: number[] = [];
  /** The slot of the record at hand that is late, or must show at once; in discarding windows, the one that holds it alone. */
  #toShow: { readonly slot: number; readonly alone: number } | null = null;
  #watermark = Number.NEGATIVE_INFINITY;

  constructor(
    { sizeMicros, definition }: { readonly sizeMicros: number; readonly definition: number },
    { latenessMicros, accumulation, emission }: WindowSet,
    slots: SlotStore,
  ) {
    this.#definition = definition;
    this.#sizeMicros = sizeMicros;
    this.#latenessMicros = latenessMicros;
    this.#isDiscarding = accumulation === 'discarding';
    this.#onEachChange = emission === 'eachChange';
    this.#slots = slots;
    const isBefore = (a: number, b: number): boolean => {
      const later = (slots.starts[a] as number) - (slots.starts[b] as number);
      return later < 0 || (later === 0 && (slots.firstArrivals[a] as number) < (slots.firstArrivals[b] as number));
    };
    this.#closing = new MinHeap(isBefore);
    this.#kept = new MinHeap(isBefore);
  }

  get mustRefire(): boolean {
    return this.#toShow !== null;
  }

  get nextClosing(): number {
    const { first } = this.#closing;
    return first === undefined ? Number.POSITIVE_INFINITY : (this.#slots.starts[first] as number);
  }

  get nextStart(): number {
    return this.nextClosing - this.#sizeMicros + 1;
  }

  assign(run: Run, [slots]: readonly Int32Array[], from: number, to: number): number {
    const { timesMicros, watermarks, keyIds, arrivals } = run;
    const out = slots as Int32Array;
    let closing = this.nextClosing;
    for (let at = from; at < to; at++) {
      const watermark = watermarks[at] as number;
      this.#watermark = watermark;
      const tsMicros = timesMicros[at] as number;
      if (watermark >= closing && watermark >= tsMicros) return at;
      if (
        watermark >= tsMicros + this.#latenessMicros &&
        !this.#isHeldLater(keyIds[at] as number, tsMicros, watermark)
      ) {
        run.late.add(at, this.#definition);
        out[at] = EXPIRED;
        continue;
      }
      const slot = this.#slotFor(keyIds[at] as number, tsMicros, arrivals[at] as number);
      out[at] = slot;
      if (watermark >= tsMicros || this.#onEachChange) {
        run.revisits = true;
        this.#toShow = { slot, alone: this.#isDiscarding ? this.#holdAlone(run, at, slot) : slot };
        return at + 1;
      }
      if (tsMicros < closing) closing = tsMicros;
    }
    return to;
  }

  prepare(): void {}

  /** Emits the window of the record, and the others that hold it and are to be shown, by time. */
  refire(firings: Firings): number {
    if (this.#toShow === null) return 0;
    const { slot, alone } = this.#toShow;
    this.#toShow = null;
    const { starts, lastArrivals } = this.#slots;
    const tsMicros = starts[slot] as number;
    const timeline = this.#timelineOf(slot);
    const { slots } = timeline;
    const merged = new LookBack(this.#slots, this.#spent);
    let fired = 0;
    for (let i = indexFrom(timeline, starts, tsMicros - this.#sizeMicros + 1); i < slots.length; i++) {
      const held = slots[i] as number;
      const heldTo = starts[held] as number;
      const isComplete = this.#watermark >= heldTo;
      if (heldTo >= tsMicros + this.#sizeMicros || (!isComplete && !this.#onEachChange)) break;
      merged.push(held, firings);
      if (heldTo < tsMicros || this.#watermark >= heldTo + this.#latenessMicros) continue;
      merged.dropBefore(heldTo - this.#sizeMicros + 1, firings);
      const hasFired = this.#slots.firedArrivals[held] !== NEVER_FIRED;
      if (this.#isDiscarding && hasFired) firings.addPane(alone);
      else merged.addPanes(firings);
      this.#emit(held, lastArrivals[slot] as number, isComplete ? FINAL : PROVISIONAL, firings);
      if (isComplete) fired++;
    }
    merged.clear();
    if (alone !== slot) this.#spent.push(alone);
    return fired;
  }

  *close(firings: Firings): Generator<void> {
    const slot = this.#closing.pop();
    if (slot === undefined) return;
    this.#kept.push(slot);
    this.#fire(slot, FINAL, firings);
    if (firings.spend()) yield;
  }

  *openWindows(): Iterable<OpenWindow> {
    // What a discarding window holds since it last fired is not kept apart: it fires at completion only.
    if (this.#isDiscarding) return;
    const { starts, ends } = this.#slots;
    const kept = this.#timelines.flatMap(({ slots, expired }) => slots.slice(expired));
    // A complete one has fired with all that it holds.
    const open = kept.filter((slot) => this.#watermark < (starts[slot] as number));
    for (const slot of this.#slots.byFirstRecord(open)) {
      const startMicros = (ends[slot] as number) - this.#sizeMicros;
      const flush = (firings: Firings, emitted: Emitted) => this.#flush(slot, emitted, firings);
      yield { startMicros, endMicros: ends[slot] as number, definition: this.#definition, flush };
    }
  }

  find(definition: number, keyId: number, atMicros: number): FoundWindow | null {
    if (definition !== this.#definition) return null;
    const { starts, lastArrivals } = this.#slots;
    const startMicros = atMicros - this.#sizeMicros + 1;
    const held = (this.#timelines[keyId]?.slots ?? []).filter(
      (each) => (starts[each] as number) >= startMicros && (starts[each] as number) <= atMicros,
    );
    const slot = held.at(-1);
    if (slot === undefined || starts[slot] !== atMicros) return null;
    const lastArrival = held.reduce((last, each) => Math.max(last, lastArrivals[each] as number), NEVER_FIRED);
    return { ...foundWindow(this.#slots, slot, lastArrival), startMicros };
  }

  *expire(watermark: number, firings: Firings): Generator<void> {
    this.#watermark = watermark;
    const { starts } = this.#slots;
    const keptFor = this.#sizeMicros - 1 + this.#latenessMicros;
    for (let slot = this.#kept.first; slot !== undefined; slot = this.#kept.first) {
      if (watermark < (starts[slot] as number) + keptFor) break;
      this.#kept.pop();
      const timeline = this.#timelineOf(slot);
      dropFirst(timeline);
      timeline.lookBack.dropBefore((starts[slot] as number) + 1, firings);
      this.#spent.push(slot);
      if (firings.spend()) yield;
    }
    this.#closeSpent(firings);
  }

  /** Merges are given up: they are made anew, here as well as there. */
  snapshot(firings: Firings): Saved {
    for (const timeline of this.#timelines) forget(timeline);
    this.#closeSpent(firings);
    return { slots: Int32Array.from(this.#timelines.flatMap(({ slots, expired }) => slots.slice(expired))) };
  }

  restore({ slots }: Saved, watermark: number): void {
    this.#watermark = watermark;
    for (const slot of slots) {
      this.#timelineFor(this.#slots.keyIds[slot] as number).slots.push(slot);
      (watermark >= (this.#slots.starts[slot] as number) ? this.#kept : this.#closing).push(slot);
    }
  }

  /** True where the window of a later record looks back on an instant, and has not expired. */
  #isHeldLater(keyId: number, tsMicros: number, watermark: number): boolean {
    const timeline = this.#timelines[keyId];
    if (timeline === undefined) return false;
    const { starts } = this.#slots;
    const slot = timeline.slots[indexFrom(timeline, starts, watermark - this.#latenessMicros + 1)];
    return slot !== undefined && (starts[slot] as number) < tsMicros + this.#sizeMicros;
  }

  #slotFor(keyId: number, tsMicros: number, arrival: number): number {
    const timeline = this.#timelineFor(keyId);
    if (tsMicros <= timeline.mergedTo) forget(timeline);
    const { slots } = timeline;
    const index = indexFrom(timeline, this.#slots.starts, tsMicros);
    const found = slots[index];
    if (found !== undefined && this.#slots.starts[found] === tsMicros) {
      this.#slots.touch(found, arrival);
      return found;
    }
    const slot = this.#slots.open(keyId, tsMicros, tsMicros + 1, arrival);
    slots.splice(index, 0, slot);
    (this.#watermark >= tsMicros ? this.#kept : this.#closing).push(slot);
    return slot;
  }

  /** A slot that holds nothing but the record at hand. */
  #holdAlone(run: Run, at: number, slot: number): number {
    const { keyIds, starts, ends } = this.#slots;
    const arrival = run.arrivals[at] as number;
    const alone = this.#slots.open(keyIds[slot] as number, starts[slot] as number, ends[slot] as number, arrival);
    run.extraRows.push(at);
    run.extraSlots.push(alone);
    return alone;
  }

  /** Emits a window unless it has been, with the same contents. */
  #fire(slot: number, emitted: Emitted, firings: Firings): void {
    const { starts, firedArrivals, provisional } = this.#slots;
    const timeline = this.#timelineOf(slot);
    const tsMicros = starts[slot] as number;
    const mustSettle = emitted === FINAL && provisional[slot] === 1;
    if (tsMicros <= timeline.mergedTo) {
      // A flush has merged up to here, and nothing has come since.
      if (!mustSettle) return;
      forget(timeline);
    }
    const { slots, lookBack } = timeline;
    const from = Math.max(timeline.mergedTo + 1, tsMicros - this.#sizeMicros + 1);
    for (let i = indexFrom(timeline, starts, from); slots[i] !== undefined; i++) {
      if ((starts[slots[i] as number] as number) > tsMicros) break;
      lookBack.push(slots[i] as number, firings);
    }
    lookBack.dropBefore(tsMicros - this.#sizeMicros + 1, firings);
    timeline.mergedTo = tsMicros;
    if (lookBack.lastArrival === firedArrivals[slot] && !mustSettle) return;
    lookBack.addPanes(firings);
    this.#emit(slot, lookBack.lastArrival, emitted, firings);
  }

  *#flush(slot: number, emitted: Emitted, firings: Firings): Generator<void> {
    this.#fire(slot, emitted, firings);
    if (firings.spend()) yield;
  }

  #emit(slot: number, lastArrival: number, emitted: Emitted, firings: Firings): void {
    const { keyIds, ends, revisions, firedArrivals, provisional } = this.#slots;
    const revision = revisions[slot] as number;
    revisions[slot] = revision + 1;
    firedArrivals[slot] = lastArrival;
    provisional[slot] = emitted === PROVISIONAL ? 1 : 0;
    const end = ends[slot] as number;
    firings.add(this.#definition, end - this.#sizeMicros, end, revision, keyIds[slot] as number, emitted);
  }

  #closeSpent(firings: Firings): void {
    for (const slot of this.#spent) firings.close(slot);
    this.#spent.length = 0;
  }

  /** The timeline of a key that may be new. */
  #timelineFor(keyId: number): Timeline {
    while (this.#timelines.length <= keyId) {
      this.#timelines.push({
        slots: [],
        expired: 0,
        lookBack: new LookBack(this.#slots, this.#spent),
        mergedTo: NOTHING,
      });
    }
    return this.#timelines[keyId] as Timeline;
  }

  #timelineOf(slot: number): Timeline {
    return this.#timelines[this.#slots.keyIds[slot] as number] as Timeline;
  }
}

function forget(timeline: Timeline): void {
  timeline.lookBack.clear();
  timeline.mergedTo = NOTHING;
}

/** Takes out the first slot. */
function dropFirst(timeline: Timeline): void {
  timeline.expired++;
  if (timeline.expired * 2 < timeline.slots.length) return;
  timeline.slots.splice(0, timeline.expired);
  timeline.expired = 0;
}

/** Index of the first slot that starts at an instant or later; most often it is past the last. */
function indexFrom({ slots, expired }: Timeline, starts: Float64Array, tsMicros: number): number {
  let low = expired;
  let high = slots.length;
  if (high > 0 && (starts[slots[high - 1] as number] as number) < tsMicros) return high;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((starts[slots[middle] as number] as number) < tsMicros) low = middle + 1;
    else high = middle;
  }
  return low;
}
