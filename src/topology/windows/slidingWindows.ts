import { orderByTime } from '../../core/sortTimes.ts';
import type { WindowSet } from './definition.ts';
import { type Emitted, FINAL, PROVISIONAL } from './emitted.ts';
import { ExpiryQueue } from './expiryQueue.ts';
import type { Firings } from './firings.ts';
import { type FoundWindow, foundWindow } from './foundWindow.ts';
import { mustFire, NEVER_FIRED, type SlotStore } from './slotStore.ts';
import { Timeline } from './timeline.ts';
import { EXPIRED, type OpenWindow, type Run, type Windower } from './windower.ts';

interface Saved {
  readonly slots: Int32Array;
  readonly since: ReadonlyMap<number, number>;
}

/**
 * Look-back windows: one slot for each distinct event time of a key, which is also that window's name. A slot's last arrival is
 * that of its window, once this has fired.
 */
export class SlidingWindows implements Windower {
  readonly width = 1;
  readonly mustPrepare = false;
  readonly #definition: number;
  readonly #sizeMicros: number;
  readonly #latenessMicros: number;
  readonly #isDiscarding: boolean;
  readonly #onEachChange: boolean;
  readonly #slots: SlotStore;
  /** By key id. */
  readonly #timelines: Timeline[] = [];
  /** Slots whose windows are not complete, by first record. */
  readonly #open: number[] = [];
  /** The earliest of them. */
  #nextClosing = Number.POSITIVE_INFINITY;
  /** When slots of complete windows expire: no window needs them any more. */
  readonly #expiring = new ExpiryQueue();
  /** Slots of stretches that are given up. */
  readonly #forgotten: number[] = [];
  /** The slot of the record at hand that is late, or must show at once; in discarding windows, the one that holds it alone. */
  #toShow: { readonly slot: number; readonly alone: number } | null = null;
  /** By slot of a discarding window that was emitted before it is complete: the slot of what has come since. */
  #since = new Map<number, number>();
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
  }

  get mustRefire(): boolean {
    return this.#toShow !== null;
  }

  get nextClosing(): number {
    return this.#nextClosing;
  }

  get nextStart(): number {
    return this.#nextClosing - this.#sizeMicros + 1;
  }

  assign(run: Run, [slots]: readonly Int32Array[], from: number, to: number): number {
    const { timesMicros, watermarks, keyIds, arrivals } = run;
    const out = slots as Int32Array;
    for (let at = from; at < to; at++) {
      const watermark = watermarks[at] as number;
      this.#watermark = watermark;
      const tsMicros = timesMicros[at] as number;
      if (watermark >= tsMicros && watermark >= this.#nextClosing) return at;
      const hasExpired = watermark >= tsMicros + this.#latenessMicros;
      if (hasExpired && !this.#isHeldLater(keyIds[at] as number, tsMicros, watermark)) {
        run.late.add(at, this.#definition);
        out[at] = EXPIRED;
        continue;
      }
      const slot = this.#slotFor(keyIds[at] as number, tsMicros, arrivals[at] as number);
      out[at] = slot;
      if (this.#isDiscarding && !this.#onEachChange) this.#addSince(run, at);
      if (watermark >= tsMicros || this.#onEachChange) {
        run.revisits = true;
        this.#toShow = { slot, alone: this.#isDiscarding ? this.#holdAlone(run, at, slot) : slot };
        return at + 1;
      }
    }
    return to;
  }

  /** Emits the window of the record, and the others that hold it and are to be shown, by time. */
  refire(firings: Firings): number {
    if (this.#toShow === null) return 0;
    const { slot, alone } = this.#toShow;
    this.#toShow = null;
    const { starts } = this.#slots;
    const tsMicros = starts[slot] as number;
    const timeline = this.#timelineOf(slot);
    let fired = 0;
    for (let i = timeline.indexFrom(tsMicros); i < timeline.slots.length; i++) {
      const held = timeline.slots[i] as number;
      const heldTo = this.#slots.starts[held] as number;
      const isComplete = this.#watermark >= heldTo;
      if (heldTo >= tsMicros + this.#sizeMicros || (!isComplete && !this.#onEachChange)) break;
      if (this.#watermark >= heldTo + this.#latenessMicros) continue;
      if (this.#isDiscarding && this.#slots.firedArrivals[held] !== NEVER_FIRED) firings.addPane(alone);
      else this.#show(timeline, i, firings);
      this.#emit(timeline, held, isComplete ? FINAL : PROVISIONAL, firings);
      if (isComplete) fired++;
    }
    if (alone !== slot) firings.close(alone);
    return fired;
  }

  *close(firings: Firings, upTo: number, causeOf: (instant: number) => number): Generator<void> {
    for (const slot of this.#takeComplete(upTo)) {
      const instant = this.#slots.starts[slot] as number;
      firings.afterArrival = causeOf(instant);
      this.#keep(slot);
      this.#fire(slot, FINAL, firings);
      if (firings.spend()) yield;
    }
  }

  *openWindows(): Iterable<OpenWindow> {
    const { ends } = this.#slots;
    for (const slot of this.#slots.byFirstRecord(this.#open)) {
      const endMicros = ends[slot] as number;
      const flush = (firings: Firings, emitted: Emitted) => this.#flush(slot, emitted, firings);
      yield { startMicros: endMicros - this.#sizeMicros, endMicros, definition: this.#definition, flush };
    }
  }

  find(definition: number, keyId: number, atMicros: number): FoundWindow | null {
    const timeline = this.#timelines[keyId];
    if (definition !== this.#definition || timeline === undefined) return null;
    const { starts } = this.#slots;
    const index = timeline.indexFrom(atMicros);
    const slot = timeline.slots[index];
    if (slot === undefined || starts[slot] !== atMicros) return null;
    return { ...foundWindow(this.#slots, slot), startMicros: atMicros - this.#sizeMicros + 1 };
  }

  *expire(watermark: number, firings: Firings): Generator<void> {
    this.#watermark = watermark;
    for (let keyId = this.#expiring.take(watermark); keyId >= 0; keyId = this.#expiring.take(watermark)) {
      const timeline = this.#timelines[keyId] as Timeline;
      for (let slot = timeline.first; slot !== undefined; slot = timeline.first) {
        if (watermark < this.#expiryOf(slot)) break;
        timeline.dropFirst(firings.slides);
        firings.close(slot);
      }
      if (timeline.first === undefined) this.#giveUp(timeline);
      if (firings.spend()) yield;
    }
    this.#closeForgotten(firings);
  }

  /** Stretches are given up: they are made anew, here as well as there. */
  snapshot(firings: Firings): Saved {
    for (const timeline of this.#timelines) this.#giveUp(timeline);
    this.#closeForgotten(firings);
    return { slots: Int32Array.from(this.#timelines.flatMap(({ live }) => live)), since: this.#since };
  }

  restore({ slots, since }: Saved, watermark: number): void {
    this.#watermark = watermark;
    this.#since = new Map(since);
    const { starts, keyIds, firedArrivals } = this.#slots;
    for (const slot of slots) {
      const timeline = this.#timelineFor(keyIds[slot] as number);
      timeline.slots.push(slot);
      if (firedArrivals[slot] !== NEVER_FIRED) timeline.firedTo = starts[slot] as number;
    }
    const isComplete = (slot: number) => watermark >= (starts[slot] as number);
    const complete = slots.filter(isComplete).sort((a, b) => (starts[a] as number) - (starts[b] as number));
    for (const slot of complete) this.#keep(slot);
    const open = slots.filter((slot) => !isComplete(slot));
    for (const slot of this.#slots.byFirstRecord(open)) this.#wait(slot);
  }

  /** True where the window of a later record looks back on an instant, and has not expired. */
  #isHeldLater(keyId: number, tsMicros: number, watermark: number): boolean {
    const timeline = this.#timelines[keyId];
    if (timeline === undefined) return false;
    const slot = timeline.slots[timeline.indexFrom(watermark - this.#latenessMicros + 1)];
    return slot !== undefined && (this.#slots.starts[slot] as number) < tsMicros + this.#sizeMicros;
  }

  #slotFor(keyId: number, tsMicros: number, arrival: number): number {
    const timeline = this.#timelineFor(keyId);
    const index = timeline.indexFrom(tsMicros);
    if (index < timeline.stretch.to) this.#giveUp(timeline);
    if (tsMicros < timeline.firedTo) this.#touchFrom(timeline, index, tsMicros + this.#sizeMicros, arrival);
    const found = timeline.slots[index];
    if (found !== undefined && this.#slots.starts[found] === tsMicros) {
      this.#slots.touch(found, arrival);
      return found;
    }
    const slot = this.#slots.open(keyId, tsMicros, tsMicros + 1, arrival);
    timeline.insert(index, slot);
    if (this.#watermark >= tsMicros) this.#keep(slot);
    else this.#wait(slot);
    return slot;
  }

  /** Takes note that windows hold a record, from one on. */
  #touchFrom({ slots }: Timeline, index: number, toMicros: number, arrival: number): void {
    for (let i = index; i < slots.length; i++) {
      const slot = slots[i] as number;
      if ((this.#slots.starts[slot] as number) >= toMicros) break;
      this.#slots.touch(slot, arrival);
    }
  }

  /** A slot that holds nothing but the record at hand. */
  #holdAlone(run: Run, at: number, slot: number): number {
    const alone = this.#openAlone(slot, run.arrivals[at] as number);
    run.extraRows.push(at);
    run.extraSlots.push(alone);
    return alone;
  }

  #openAlone(slot: number, arrival: number): number {
    const { keyIds, starts, ends } = this.#slots;
    return this.#slots.open(keyIds[slot] as number, starts[slot] as number, ends[slot] as number, arrival);
  }

  /** Puts a record into what has come since of the discarding windows that hold it, and were emitted before they are complete. */
  #addSince(run: Run, at: number): void {
    const tsMicros = run.timesMicros[at] as number;
    const keyId = run.keyIds[at] as number;
    const timeline = this.#timelines[keyId] as Timeline;
    if (tsMicros > timeline.firedTo || this.#watermark >= timeline.firedTo) return;
    const { starts, firedArrivals } = this.#slots;
    for (let i = timeline.indexFrom(tsMicros); i < timeline.slots.length; i++) {
      const slot = timeline.slots[i] as number;
      const heldTo = starts[slot] as number;
      if (heldTo >= tsMicros + this.#sizeMicros) break;
      if (heldTo <= this.#watermark || firedArrivals[slot] === NEVER_FIRED) continue;
      if (!this.#since.has(slot)) this.#since.set(slot, this.#openAlone(slot, run.arrivals[at] as number));
      run.extraRows.push(at);
      run.extraSlots.push(this.#since.get(slot) as number);
    }
  }

  /** Takes out the slots whose windows are complete at a watermark, by time, then first record. */
  #takeComplete(watermark: number): Int32Array {
    const { starts } = this.#slots;
    const open = this.#open;
    const slots = new Int32Array(open.length);
    const times = new Float64Array(open.length);
    let complete = 0;
    let left = 0;
    let next = Number.POSITIVE_INFINITY;
    for (let i = 0; i < open.length; i++) {
      const slot = open[i] as number;
      const tsMicros = starts[slot] as number;
      if (tsMicros <= watermark) {
        slots[complete] = slot;
        times[complete++] = tsMicros;
      } else {
        open[left++] = slot;
        if (tsMicros < next) next = tsMicros;
      }
    }
    open.length = left;
    this.#nextClosing = next;
    const order = orderByTime(times.subarray(0, complete));
    for (let i = 0; i < complete; i++) order[i] = slots[order[i] as number] as number;
    return order;
  }

  /** Emits a window unless it has been, with the same contents. */
  #fire(slot: number, emitted: Emitted, firings: Firings): void {
    const timeline = this.#timelineOf(slot);
    if (!mustFire(this.#slots, slot, emitted, this.#isDiscarding)) return;
    const since = this.#since.get(slot);
    if (since !== undefined) {
      firings.addPane(since);
      this.#emit(timeline, slot, emitted, firings);
      firings.close(since);
      this.#since.delete(slot);
      return;
    }
    const { slots, stretch } = timeline;
    // Before the first that is kept there are slots that have expired, and that others may have by now.
    const isNext = stretch.slot >= 0 && slots[stretch.to] === slot;
    const index = isNext ? stretch.to : timeline.indexFrom(this.#slots.starts[slot] as number);
    this.#show(timeline, index, firings);
    this.#emit(timeline, slot, emitted, firings);
  }

  *#flush(slot: number, emitted: Emitted, firings: Firings): Generator<void> {
    this.#fire(slot, emitted, firings);
    if (firings.spend()) yield;
  }

  /** Makes what the window at an index holds a pane. */
  #show(timeline: Timeline, index: number, firings: Firings): void {
    if (index < timeline.stretch.to - 1) this.#giveUp(timeline);
    const tsMicros = this.#slots.starts[timeline.slots[index] as number] as number;
    timeline.move(tsMicros - this.#sizeMicros + 1, index, firings.slides);
    firings.addPane(firings.slides.show(timeline.stretch.slot));
  }

  #emit(timeline: Timeline, slot: number, emitted: Emitted, firings: Firings): void {
    const { keyIds, ends, revisions, firedArrivals, lastArrivals, provisional } = this.#slots;
    const revision = revisions[slot] as number;
    revisions[slot] = revision + 1;
    firedArrivals[slot] = lastArrivals[slot] as number;
    provisional[slot] = emitted === PROVISIONAL ? 1 : 0;
    const end = ends[slot] as number;
    if (end - 1 > timeline.firedTo) timeline.firedTo = end - 1;
    firings.add(this.#definition, end - this.#sizeMicros, end, revision, keyIds[slot] as number, emitted);
  }

  #wait(slot: number): void {
    this.#open.push(slot);
    this.#nextClosing = Math.min(this.#nextClosing, this.#slots.starts[slot] as number);
  }

  #keep(slot: number): void {
    this.#expiring.push(this.#slots.keyIds[slot] as number, this.#expiryOf(slot));
  }

  /** The watermark at which no window needs a slot any more. */
  #expiryOf(slot: number): number {
    return (this.#slots.starts[slot] as number) + this.#sizeMicros - 1 + this.#latenessMicros;
  }

  /** What the stretch holds is made anew when it is shown next. */
  #giveUp({ stretch }: Timeline): void {
    if (stretch.slot >= 0) this.#forgotten.push(stretch.slot);
    stretch.slot = -1;
    stretch.from = 0;
    stretch.to = 0;
  }

  #closeForgotten(firings: Firings): void {
    for (const slot of this.#forgotten) {
      firings.slides.forget(slot);
      firings.close(slot);
    }
    this.#forgotten.length = 0;
  }

  /** The timeline of a key that may be new. */
  #timelineFor(keyId: number): Timeline {
    while (this.#timelines.length <= keyId) this.#timelines.push(new Timeline(this.#slots));
    return this.#timelines[keyId] as Timeline;
  }

  #timelineOf(slot: number): Timeline {
    return this.#timelines[this.#slots.keyIds[slot] as number] as Timeline;
  }
}
