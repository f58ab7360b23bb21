import { type Grid, startAtOrBefore } from './grid.ts';
import { StartHeap } from './minHeap.ts';
import { SlotIndex } from './slotIndex.ts';
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

/**
 * Slices of one size and offset: one slot for each key and slice. The slots of a slice form a bucket, in the order of their
 * first records. A slice that completes is merged into the coarser slices that hold it (its dependents'), so that a record
 * touches the finest only (shared slices: Traub et al., "Scotty", ICDE 2018).
 */
export class SliceLevel {
  readonly plan: LevelPlan;
  readonly dependents: SliceLevel[] = [];
  readonly source: SliceLevel | null;
  readonly index = new SlotIndex();
  readonly buckets = new Map<number, number[]>();
  /** Starts of slices that are not complete and must be merged into dependents, or fired. */
  readonly folding = new StartHeap();
  readonly closing = new StartHeap();
  readonly #kept = new StartHeap();
  readonly #latenessMicros: number;
  /** The slot that a key's last record went into, by key id: most of its next ones go there too. */
  lastSlots = new Int32Array(0);
  highestStart = Number.NEGATIVE_INFINITY;

  constructor(plan: LevelPlan, source: SliceLevel | null, latenessMicros: number) {
    this.plan = plan;
    this.source = source;
    this.#latenessMicros = latenessMicros;
    source?.dependents.push(this);
  }

  startOf(tsMicros: number): number {
    return startAtOrBefore(this.plan, tsMicros);
  }

  /** The watermark from which on nothing needs a slice. */
  keptUntil(start: number): number {
    const { sizeMicros, definition, mergedInto } = this.plan;
    const complete = start + sizeMicros - 1;
    let until = definition < 0 ? complete : complete + this.#latenessMicros;
    for (const hopping of mergedInto) {
      const lastInstant = startAtOrBefore(hopping, start) + hopping.sizeMicros - 1;
      until = Math.max(until, lastInstant + this.#latenessMicros);
    }
    return until;
  }

  /** Takes a slot that was opened for a key into its slice. */
  add(slots: SlotStore, slot: number, isComplete: boolean): void {
    const keyId = slots.keyIds[slot] as number;
    const start = slots.starts[slot] as number;
    this.index.set(keyId, start, slot);
    if (keyId >= this.lastSlots.length) this.#growKeys(keyId);
    const bucket = this.buckets.get(start);
    if (bucket !== undefined) {
      bucket.push(slot);
      return;
    }
    this.buckets.set(start, [slot]);
    this.#kept.push(start);
    this.highestStart = Math.max(this.highestStart, start);
    if (isComplete) return;
    if (this.dependents.length > 0) this.folding.push(start);
    if (this.plan.definition >= 0) this.closing.push(start);
  }

  /** The start of a slice that nothing needs at a watermark, or null. Takes it out. */
  takeExpired(watermark: number): number | null {
    return watermark >= this.keptUntil(this.#kept.lowest) ? this.#kept.pop() : null;
  }

  /**
   * Puts records into the slots of their keys' records before, up to the first that has to go elsewhere, whose index it
   * returns. Nearly all records pass here, so it is a loop of its own.
   */
  repeatSlots({ starts, ends, lastArrivals }: SlotStore, run: Run, into: Int32Array, from: number, to: number): number {
    const { timesMicros, watermarks, arrivals, keyIds } = run;
    const { lastSlots } = this;
    for (let at = from; at < to; at++) {
      const slot = lastSlots[keyIds[at] as number] ?? NO_SLOT;
      if (slot === NO_SLOT) return at;
      const tsMicros = timesMicros[at] as number;
      const end = ends[slot] as number;
      if (tsMicros >= end || tsMicros < (starts[slot] as number) || (watermarks[at] as number) >= end - 1) return at;
      lastArrivals[slot] = arrivals[at] as number;
      into[at] = slot;
    }
    return to;
  }

  remove(slots: SlotStore, slot: number): void {
    const keyId = slots.keyIds[slot] as number;
    this.index.delete(keyId, slots.starts[slot] as number);
    if (this.lastSlots[keyId] === slot) this.lastSlots[keyId] = NO_SLOT;
  }

  #growKeys(keyId: number): void {
    const larger = new Int32Array(Math.max(keyId + 1, this.lastSlots.length * 2, 1024)).fill(NO_SLOT);
    larger.set(this.lastSlots);
    this.lastSlots = larger;
  }
}
