import { Int32List } from '../../core/int32List.ts';
import { type Grid, startAtOrBefore } from './grid.ts';
import { StartHeap } from './minHeap.ts';
import { Slice } from './slice.ts';
import type { SlotStore } from './slotStore.ts';
import type { Run } from './windower.ts';

/** What the slices of one level are. Slices of a level do not overlap; where the slide is above the size they leave gaps. */
export interface LevelPlan extends Grid {
  readonly sizeMicros: number;
  /** The tumbling definition whose windows these slices are, or -1. */
  readonly definition: number;
  /** The index of the finer level whose complete slices are merged into these, or -1 for a base level. */
  readonly source: number;
  /** Hopping windows that are merged from these slices. */
  readonly mergedInto: readonly (Grid & { readonly sizeMicros: number })[];
}

const NO_SLOT = -1;
const NO_SLOTS = new Int32List();

/**
 * Slices of one size and offset: one slot for each key and slice. A slice that completes is merged into the coarser slices
 * that hold it (its dependents'), so that a record touches the finest only (shared slices: Traub et al., "Scotty", ICDE
 * 2018).
 */
export class SliceLevel {
  readonly plan: LevelPlan;
  readonly dependents: SliceLevel[] = [];
  readonly source: SliceLevel | null;
  /** Starts of slices that are not complete and must be merged into dependents, or fired. */
  readonly folding = new StartHeap();
  readonly closing = new StartHeap();
  readonly #kept = new StartHeap();
  readonly #latenessMicros: number;
  readonly #slots: SlotStore;
  readonly #slices = new Map<number, Slice>();
  /** The slice that was asked for last. */
  #latest: Slice | null = null;
  /**
   * Of a base level, by key id, the slots of its latest slice and of the one before that: most of its next records, which
   * come in some disorder, go into one of them. Two values a key.
   */
  #latestSlots = new Int32Array(0);
  highestStart = Number.NEGATIVE_INFINITY;

  constructor(plan: LevelPlan, source: SliceLevel | null, latenessMicros: number, slots: SlotStore) {
    this.plan = plan;
    this.source = source;
    this.#latenessMicros = latenessMicros;
    this.#slots = slots;
    source?.dependents.push(this);
  }

  startOf(tsMicros: number): number {
    return startAtOrBefore(this.plan, tsMicros);
  }

  /** The instant at which a slice of it is to be merged into dependents, or fired, next; infinity for none. */
  get nextClosing(): number {
    return Math.min(this.folding.lowest, this.closing.lowest) + this.plan.sizeMicros - 1;
  }

  /** Starts of the slices that are kept, in the order in which they came. */
  starts(): Iterable<number> {
    return this.#slices.keys();
  }

  /** The slice with a start, or null where no record came into it or nothing needs it any more. */
  sliceAt(start: number): Slice | null {
    if (this.#latest?.start === start) return this.#latest;
    const slice = this.#slices.get(start) ?? null;
    if (slice !== null) this.#latest = slice;
    return slice;
  }

  /** The slots of a slice, in the order of their first records. */
  slotsAt(start: number): Int32List {
    return this.sliceAt(start)?.slots ?? NO_SLOTS;
  }

  /** The slots of all slices, each slice in order. */
  slotsInOrder(): Int32Array {
    return Int32Array.from(Array.from(this.#slices.values(), ({ slots }) => [...slots.toArray()]).flat());
  }

  /** The slot of a key in a slice, or -1. */
  find(keyId: number, start: number): number {
    return this.sliceAt(start)?.find(keyId, this.#slots.keyIds) ?? NO_SLOT;
  }

  /** The watermark from which on nothing needs a slice. */
  keptUntil(start: number): number {
    const slice = this.sliceAt(start);
    if (slice !== null) return slice.keptUntil;
    const { sizeMicros, definition, mergedInto } = this.plan;
    const complete = start + sizeMicros - 1;
    let until = definition < 0 ? complete : complete + this.#latenessMicros;
    for (const hopping of mergedInto) {
      const lastInstant = startAtOrBefore(hopping, start) + hopping.sizeMicros - 1;
      until = Math.max(until, lastInstant + this.#latenessMicros);
    }
    return until;
  }

  /** Takes a slot that was opened for a key into its slice. True when the slice is a new one. */
  add(slot: number, isComplete: boolean): boolean {
    const { keyIds, starts } = this.#slots;
    const start = starts[slot] as number;
    const found = this.sliceAt(start);
    const slice = found ?? this.#open(start, isComplete);
    slice.add(slot, keyIds);
    if (this.source === null) this.#noteLatest(slot);
    return found === null;
  }

  /**
   * Puts records into the slots of their keys' records before, up to the first that has to go elsewhere, whose index it
   * returns. Nearly all records pass here, so it is a loop of its own.
   */
  repeatSlots(run: Run, into: Int32Array, from: number, to: number): number {
    const { timesMicros, watermarks, arrivals, keyIds } = run;
    const { starts, ends, lastArrivals } = this.#slots;
    const latestSlots = this.#latestSlots;
    for (let at = from; at < to; at++) {
      const tsMicros = timesMicros[at] as number;
      const latest = 2 * (keyIds[at] as number);
      let slot = latestSlots[latest] ?? NO_SLOT;
      if (slot === NO_SLOT) return at;
      if (tsMicros < (starts[slot] as number)) {
        slot = latestSlots[latest + 1] as number;
        if (slot === NO_SLOT || tsMicros < (starts[slot] as number)) return at;
      }
      const end = ends[slot] as number;
      if (tsMicros >= end || (watermarks[at] as number) >= end - 1) return at;
      lastArrivals[slot] = arrivals[at] as number;
      into[at] = slot;
    }
    return to;
  }

  /** A slice that nothing needs at a watermark, or null. Takes it out; its slots are still to be taken out. */
  takeExpired(watermark: number): Slice | null {
    // Of all slices, those that start first are needed least long.
    const slice = this.#slices.get(this.#kept.lowest);
    if (slice === undefined || watermark < slice.keptUntil) return null;
    this.#kept.pop();
    this.#slices.delete(slice.start);
    if (this.#latest === slice) this.#latest = null;
    return slice;
  }

  /** Forgets a slot of a slice that was taken out. */
  remove(slot: number): void {
    if (this.source !== null) return;
    const at = 2 * (this.#slots.keyIds[slot] as number);
    if (this.#latestSlots[at] === slot) this.#latestSlots[at] = NO_SLOT;
    if (this.#latestSlots[at + 1] === slot) this.#latestSlots[at + 1] = NO_SLOT;
  }

  #open(start: number, isComplete: boolean): Slice {
    const slice = new Slice(start, this.keptUntil(start), this.#latest?.slots.length ?? 0);
    this.#slices.set(start, slice);
    this.#latest = slice;
    this.#kept.push(start);
    this.highestStart = Math.max(this.highestStart, start);
    if (!isComplete && this.dependents.length > 0) this.folding.push(start);
    if (!isComplete && this.plan.definition >= 0) this.closing.push(start);
    return slice;
  }

  #noteLatest(slot: number): void {
    const { keyIds, starts } = this.#slots;
    const at = 2 * (keyIds[slot] as number);
    if (at >= this.#latestSlots.length) this.#growKeys(at + 2);
    const slots = this.#latestSlots;
    const latest = slots[at] as number;
    const before = slots[at + 1] as number;
    const start = starts[slot] as number;
    if (latest === NO_SLOT || start > (starts[latest] as number)) {
      slots[at] = slot;
      slots[at + 1] = latest;
    } else if (before === NO_SLOT || start > (starts[before] as number)) {
      slots[at + 1] = slot;
    }
  }

  #growKeys(length: number): void {
    const larger = new Int32Array(Math.max(length, this.#latestSlots.length * 2, 1024)).fill(NO_SLOT);
    larger.set(this.#latestSlots);
    this.#latestSlots = larger;
  }
}
