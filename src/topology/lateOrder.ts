import type { Late } from './elements.ts';

interface LateRow {
  readonly output: number;
  readonly late: Late;
  readonly index: number;
}

/**
 * Brings late records of one push into the order in which they arrived. Steps tell of them a chunk at a time, each of its
 * own, so that without this the order in the ledger would depend on where chunks are cut.
 */
export class LateOrder {
  #rows: LateRow[] = [];

  /** @param output its place among the outputs: of one record, the first output's entry comes first */
  add(output: number, late: Late): void {
    for (let index = 0; index < late.count; index++) this.#rows.push({ output, late, index });
  }

  /** Hands out all that was added, as few elements as the order allows. */
  take(emit: (output: number, late: Late) => void): void {
    if (this.#rows.length === 0) return;
    const rows = this.#rows.sort((a, b) => arrivalOf(a) - arrivalOf(b) || a.output - b.output);
    this.#rows = [];
    for (let from = 0, to = 0; from < rows.length; from = to) {
      const first = rows[from] as LateRow;
      while (to < rows.length && goesWith(rows[to] as LateRow, first)) to++;
      emit(first.output, lateOf(rows.slice(from, to), first.late.reason));
    }
  }
}

function arrivalOf({ late, index }: LateRow): number {
  return late.arrivals[index] as number;
}

function goesWith(row: LateRow, first: LateRow): boolean {
  return row.output === first.output && row.late.reason === first.late.reason;
}

function lateOf(rows: readonly LateRow[], reason: Late['reason']): Late {
  const numbers = (name: 'timesMicros' | 'offsets' | 'arrivals' | 'watermarks') =>
    Float64Array.from(rows, ({ late, index }) => late[name][index] as number);
  const topics = rows.flatMap(({ late, index }) => late.topics?.[index] ?? []);
  return {
    kind: 'late',
    count: rows.length,
    keys: rows.map(({ late, index }) => late.keys[index] as Uint8Array),
    timesMicros: numbers('timesMicros'),
    offsets: numbers('offsets'),
    arrivals: numbers('arrivals'),
    watermarks: numbers('watermarks'),
    intervals: rows.map(({ late, index }) => late.intervals[index] as string),
    missedAll: Uint8Array.from(rows, ({ late, index }) => late.missedAll[index] as number),
    ...(topics.length === rows.length ? { topics } : {}),
    ...(reason === undefined ? {} : { reason }),
  };
}
