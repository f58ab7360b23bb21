import { DROP, FORGET, SHOW, type Slides, TAKE } from '../../core/slides.ts';

/** A stretch of slots. Merges are of slots of their own. */
interface Stretch {
  /** Oldest last: each with the merge of it and of all after it, up to the newer ones. */
  readonly older: number[];
  readonly olderMerged: number[];
  readonly newer: number[];
  newerMerged: number | null;
}

/**
 * Stretches of slots as merges, for states that can do no more than merge: three for each slot and what it shows, however long
 * the stretch is. Older slots stand on a stack of merges from each of them to the newest, newer ones are merged into one as they
 * come (two stacks: Tangwongsan, Hirzel, Schneider, "General incremental sliding-window aggregation", VLDB 2015). The slots
 * that hold merges are numbered by themselves, from 0 on.
 */
export class SlidingMerges {
  readonly #stretches = new Map<number, Stretch>();
  readonly #free: number[] = [];
  #spent: number[] = [];
  #from: number[] = [];
  #into: number[] = [];
  #used = 0;

  /** Every slot that holds a merge is below this. */
  get capacity(): number {
    return this.#used;
  }

  /**
   * What the steps merge, in order; slot n that holds a merge is `~n`. What they show is merged into the slots from `out` on,
   * which are empty.
   */
  merges(slides: Slides, out: number): { readonly from: readonly number[]; readonly into: readonly number[] } {
    this.#from = [];
    this.#into = [];
    let shown = out;
    for (let i = 0; i < slides.count; i++) {
      const name = slides.stretches[i] as number;
      const stretch = this.#stretchOf(name);
      const kind = slides.kinds[i];
      if (kind === TAKE) this.#take(stretch, slides.slots[i] as number);
      else if (kind === DROP) this.#drop(stretch);
      else if (kind === SHOW) this.#show(stretch, shown++);
      else if (kind === FORGET) this.#forget(stretch, name);
    }
    return { from: this.#from, into: this.#into };
  }

  /** The slots that have no more use: they are to be emptied, and come into use anew. */
  takeSpent(): readonly number[] {
    const spent = this.#spent;
    this.#spent = [];
    for (const slot of spent) this.#free.push(slot);
    return spent;
  }

  #take(stretch: Stretch, slot: number): void {
    stretch.newerMerged ??= this.#open();
    this.#merge(slot, ~stretch.newerMerged);
    stretch.newer.push(slot);
  }

  #drop(stretch: Stretch): void {
    if (stretch.older.length === 0) this.#turnOver(stretch);
    stretch.older.pop();
    this.#spend(stretch.olderMerged.pop());
  }

  #show({ olderMerged, newerMerged }: Stretch, out: number): void {
    const oldest = olderMerged.at(-1);
    if (oldest !== undefined) this.#merge(~oldest, out);
    if (newerMerged !== null) this.#merge(~newerMerged, out);
  }

  #forget({ olderMerged, newerMerged }: Stretch, name: number): void {
    for (const merged of olderMerged) this.#spend(merged);
    this.#spend(newerMerged);
    this.#stretches.delete(name);
  }

  /** Makes the newer slots older ones. */
  #turnOver(stretch: Stretch): void {
    const { older, olderMerged, newer } = stretch;
    for (let slot = newer.pop(); slot !== undefined; slot = newer.pop()) {
      const merged = this.#open();
      const after = olderMerged.at(-1);
      this.#merge(slot, ~merged);
      if (after !== undefined) this.#merge(~after, ~merged);
      older.push(slot);
      olderMerged.push(merged);
    }
    this.#spend(stretch.newerMerged);
    stretch.newerMerged = null;
  }

  #merge(from: number, into: number): void {
    this.#from.push(from);
    this.#into.push(into);
  }

  #open(): number {
    return this.#free.pop() ?? this.#used++;
  }

  #spend(slot: number | null | undefined): void {
    if (slot !== null && slot !== undefined) this.#spent.push(slot);
  }

  #stretchOf(name: number): Stretch {
    let stretch = this.#stretches.get(name);
    if (stretch === undefined) {
      stretch = { older: [], olderMerged: [], newer: [], newerMerged: null };
      this.#stretches.set(name, stretch);
    }
    return stretch;
  }
}
