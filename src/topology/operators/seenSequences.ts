import type { KeyTable } from '../../core/keyTable.ts';

/** What was seen in one stretch of event time, as plain data: the bounds of each key's intervals, one key after another. */
interface SavedStretch {
  readonly start: number;
  readonly keyIds: Int32Array;
  readonly counts: Int32Array;
  readonly bounds: Float64Array;
}

export type SavedSequences = readonly SavedStretch[];

/**
 * Which sequences of each key were seen, in stretches of event time. Sequences that follow one another are one interval, so
 * what is kept goes by the gaps, not by the records; a record that fills a gap later is new.
 */
export class SeenSequences {
  readonly #lengthMicros: number;
  /** By start, then by key id: ascending, disjoint intervals, each as its first and last sequence. */
  readonly #stretches = new Map<number, Map<number, number[]>>();
  #intervals = 0;

  constructor(lengthMicros: number) {
    this.#lengthMicros = lengthMicros;
  }

  /** Intervals kept now. */
  get size(): number {
    return this.#intervals;
  }

  /** Start of the stretch that holds an event time. */
  startOf(timeMicros: number): number {
    return Math.floor(timeMicros / this.#lengthMicros) * this.#lengthMicros;
  }

  /** False when the sequence was seen in the stretch before. Else it is from now on. */
  add(start: number, keyId: number, sequence: number, keys: KeyTable): boolean {
    let stretch = this.#stretches.get(start);
    if (stretch === undefined) {
      stretch = new Map();
      this.#stretches.set(start, stretch);
    }
    const bounds = stretch.get(keyId);
    if (bounds === undefined) {
      keys.retain(keyId);
      stretch.set(keyId, [sequence, sequence]);
      this.#intervals++;
      return true;
    }
    const before = bounds.length;
    const isNew = insert(bounds, sequence);
    this.#intervals += (bounds.length - before) / 2;
    return isNew;
  }

  /** Forgets stretches that start before a time. */
  dropBefore(timeMicros: number, keys: KeyTable): void {
    for (const [start, stretch] of this.#stretches) {
      if (start >= timeMicros) continue;
      for (const [keyId, bounds] of stretch) {
        keys.release(keyId);
        this.#intervals -= bounds.length / 2;
      }
      this.#stretches.delete(start);
    }
  }

  snapshot(): SavedSequences {
    return Array.from(this.#stretches, ([start, stretch]) => ({
      start,
      keyIds: Int32Array.from(stretch.keys()),
      counts: Int32Array.from(stretch.values(), ({ length }) => length),
      bounds: Float64Array.from([...stretch.values()].flat()),
    }));
  }

  restore(saved: SavedSequences, keys: KeyTable): void {
    for (const { start, keyIds, counts, bounds } of saved) {
      const stretch = new Map<number, number[]>();
      let at = 0;
      keyIds.forEach((keyId, i) => {
        const end = at + (counts[i] as number);
        keys.retain(keyId);
        stretch.set(keyId, [...bounds.subarray(at, end)]);
        at = end;
      });
      this.#stretches.set(start, stretch);
      this.#intervals += bounds.length / 2;
    }
  }
}

/** Adds a number to ascending, disjoint intervals of whole numbers. False when it is in one already. */
function insert(bounds: number[], sequence: number): boolean {
  let low = 0;
  let high = bounds.length / 2;
  // The first interval that ends at the number or above; most numbers come in order, after the last one.
  if (high > 0 && (bounds[bounds.length - 1] as number) < sequence) low = high;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((bounds[2 * middle + 1] as number) < sequence) low = middle + 1;
    else high = middle;
  }
  const at = 2 * low;
  if (at < bounds.length && (bounds[at] as number) <= sequence) return false;
  const joinsBefore = at > 0 && bounds[at - 1] === sequence - 1;
  const joinsAfter = at < bounds.length && bounds[at] === sequence + 1;
  if (joinsBefore && joinsAfter) bounds.splice(at - 1, 2);
  else if (joinsBefore) bounds[at - 1] = sequence;
  else if (joinsAfter) bounds[at] = sequence;
  else bounds.splice(at, 0, sequence, sequence);
  return true;
}
