import type { KeyTable } from '../../core/keyTable.ts';
import type { Chunk, Late, Shape } from '../elements.ts';
import { topicsOf } from '../sources.ts';

/** Collects the records of a chunk that came after windows of theirs had expired. */
export class LateRecords {
  readonly #intervals: readonly string[];
  /** Record index -> definitions missed, in the order of the records. */
  readonly #missed = new Map<number, number[]>();
  /** Record index -> how many definitions have no window for it at all. */
  readonly #unassigned = new Map<number, number>();
  /** How often a record had no window of a definition, since the start. */
  unassigned = 0;

  constructor(intervals: readonly string[]) {
    this.#intervals = intervals;
  }

  add(index: number, definition: number): void {
    const missed = this.#missed.get(index);
    if (missed === undefined) this.#missed.set(index, [definition]);
    else missed.push(definition);
  }

  addUnassigned(index: number): void {
    this.unassigned++;
    this.#unassigned.set(index, (this.#unassigned.get(index) ?? 0) + 1);
  }

  /** The late records of a chunk, or null; starts afresh. */
  take(shape: Shape, chunk: Chunk, keys: KeyTable, keyIds: Int32Array): Late | null {
    const rows = [...this.#missed.keys()];
    const topics = topicsOf(shape, chunk, rows);
    const late: Late | null =
      rows.length === 0
        ? null
        : {
            kind: 'late',
            count: rows.length,
            keys: rows.map((row) => keys.bytesOf(keyIds[row] as number)),
            timesMicros: Float64Array.from(rows, (row) => chunk.timesMicros[row] as number),
            offsets: Float64Array.from(rows, (row) => chunk.offsets[row] as number),
            arrivals: Float64Array.from(rows, (row) => chunk.arrivals[row] as number),
            watermarks: Float64Array.from(rows, (row) => chunk.watermarks?.[row] as number),
            intervals: rows.map((row) =>
              this.#missedBy(row)
                .map((d) => this.#intervals[d])
                .join(','),
            ),
            ...(topics === undefined ? {} : { topics }),
            missedAll: Uint8Array.from(rows, (row) => (this.#inNoWindow(row) ? 1 : 0)),
          };
    this.#missed.clear();
    this.#unassigned.clear();
    return late;
  }

  #missedBy(row: number): readonly number[] {
    return this.#missed.get(row) ?? [];
  }

  #inNoWindow(row: number): boolean {
    return this.#missedBy(row).length + (this.#unassigned.get(row) ?? 0) === this.#intervals.length;
  }
}
