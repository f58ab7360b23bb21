import type { Row } from './tabSeparated.ts';

const BLOCK_ROWS = 4_096;

/**
 * The rows of two results that come in one order, as one, at most `limit`; of two at the same place, the first result's alone.
 */
export async function* mergedRows(
  first: AsyncIterable<readonly Row[]>,
  second: AsyncIterable<readonly Row[]>,
  order: (a: Row, b: Row) => number,
  limit = Number.POSITIVE_INFINITY,
): AsyncIterable<readonly Row[]> {
  const one = new RowCursor(first);
  const other = new RowCursor(second);
  let block: Row[] = [];
  let left = limit;
  try {
    await Promise.all([one.next(), other.next()]);
    for (; left > 0; left--) {
      const { row: a } = one;
      const { row: b } = other;
      if (a === null && b === null) break;
      const before = a === null ? 1 : b === null ? -1 : order(a, b);
      const row = before > 0 ? b : a;
      if (row !== null) block.push(row);
      if (before <= 0 && !one.step()) await one.next();
      if (before >= 0 && !other.step()) await other.next();
      if (block.length < BLOCK_ROWS) continue;
      yield block;
      block = [];
    }
    if (block.length > 0) yield block;
  } finally {
    await Promise.all([one.close(), other.close()]);
  }
}

/** Where the reading of a result is: rows of the block at hand are had without waiting. */
class RowCursor {
  /** Null at the result's end. */
  row: Row | null = null;
  readonly #blocks: AsyncIterator<readonly Row[]>;
  #block: readonly Row[] = [];
  #at = -1;

  constructor(blocks: AsyncIterable<readonly Row[]>) {
    this.#blocks = blocks[Symbol.asyncIterator]();
  }

  /** Goes to the next row of the block; false at the block's end. */
  step(): boolean {
    const row = this.#block[++this.#at];
    this.row = row ?? null;
    return row !== undefined;
  }

  /** Goes to the first row of the next block that has any. */
  async next(): Promise<void> {
    do {
      const next = await this.#blocks.next();
      if (next.done === true) {
        this.row = null;
        return;
      }
      this.#block = next.value;
      this.#at = -1;
    } while (!this.step());
  }

  async close(): Promise<void> {
    await this.#blocks.return?.();
  }
}
