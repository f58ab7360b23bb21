import type { Late } from '../elements.ts';

interface LateRow {
  readonly topic: string;
  readonly key: Uint8Array;
  readonly timeMicros: number;
  readonly offset: number;
  readonly arrival: number;
  readonly watermark: number;
}

/** Late rows of both sides of a join. */
export class JoinLate {
  readonly #operator: string;
  #rows: LateRow[] = [];

  /** @param operator named in the ledger in place of the windows that a row missed */
  constructor(operator: string) {
    this.#operator = operator;
  }

  add(row: LateRow): void {
    this.#rows.push(row);
  }

  /** The rows since the last time; null when there are none. */
  take(): Late | null {
    if (this.#rows.length === 0) return null;
    const rows = this.#rows;
    this.#rows = [];
    return {
      kind: 'late',
      count: rows.length,
      keys: rows.map(({ key }) => key),
      timesMicros: Float64Array.from(rows, ({ timeMicros }) => timeMicros),
      offsets: Float64Array.from(rows, ({ offset }) => offset),
      arrivals: Float64Array.from(rows, ({ arrival }) => arrival),
      watermarks: Float64Array.from(rows, ({ watermark }) => watermark),
      topics: rows.map(({ topic }) => topic),
      intervals: rows.map(() => this.#operator),
      missedAll: new Uint8Array(rows.length).fill(1),
    };
  }
}
