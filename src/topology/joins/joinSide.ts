import { gatherDoubles, gatherIds } from '../../core/gather.ts';
import type { KeyTable } from '../../core/keyTable.ts';
import type { FieldSchema } from '../../core/schema.ts';
import { TidemarkError } from '../../errors.ts';
import type { Chunk, Shape } from '../elements.ts';
import { sortLate } from '../operators/release.ts';
import { stateFull } from '../operators/stateFull.ts';
import { type RowList, type SavedRows, WaitingRows } from '../operators/waitingRows.ts';
import { topicsOf } from '../sources.ts';
import type { JoinLate } from './joinLate.ts';
import type { Batch } from './twoInputs.ts';

/** One side of a join: its rows in the order of event time, under the join's key ids. Each row kept retains its key. */
export class JoinSide {
  readonly rows: WaitingRows;
  readonly #operator: string;
  readonly #shape: Shape;
  readonly #keys: KeyTable;
  readonly #maxRows: number;
  readonly #late: JoinLate;

  /** @param fields of the side that are kept */
  constructor(
    operator: string,
    shape: Shape,
    fields: readonly FieldSchema[],
    keys: KeyTable,
    maxRows: number,
    late: JoinLate,
  ) {
    this.#operator = operator;
    this.#shape = shape;
    this.rows = new WaitingRows(fields);
    this.#keys = keys;
    this.#maxRows = maxRows;
    this.#late = late;
  }

  /** Takes in the rows of a batch; late ones are noted. @throws TM_STATE_FULL */
  add(chunks: readonly Chunk[], { steps, watermarkBefore }: Batch): void {
    for (const chunk of chunks) {
      const { inTime, late, lateWatermarks } = sortLate(chunk, steps, watermarkBefore);
      late.forEach((row, i) => {
        this.#noteLate(chunk, row, lateWatermarks[i] as number);
      });
      const keyIds = this.#idsOf(chunk, inTime);
      const { timesMicros, offsets, arrivals } = chunk;
      const kept = (values: Float64Array) => (late.length === 0 ? values : gatherDoubles(values, inTime));
      this.rows.add(chunk.columns, inTime, {
        timesMicros: kept(timesMicros),
        offsets: kept(offsets),
        arrivals: kept(arrivals),
        keyIds,
      });
    }
    if (this.rows.pool.size > this.#maxRows) throw stateFull(this.#operator, 'maxRows', this.#maxRows);
  }

  /** Gives up rows that were released. */
  free(list: RowList): void {
    this.rows.free(list);
    for (let i = 0; i < list.keyIds.length; i++) this.#keys.release(list.keyIds[i] as number);
  }

  restore(saved: SavedRows): void {
    for (const keyId of this.rows.restore(saved).keyIds) this.#keys.retain(keyId);
  }

  /** The join's ids for the keys of rows. A chunk has few keys, so each is looked up once a chunk. */
  #idsOf({ keys, keyIds }: Chunk, rows: Int32Array): Int32Array {
    if (keys === null || keyIds === null) throw notKeyed(this.#operator);
    const ids = gatherIds(keyIds, rows);
    const known = new Int32Array(keys.capacity).fill(-1);
    for (let i = 0; i < ids.length; i++) {
      const theirs = ids[i] as number;
      if (known[theirs] === -1) known[theirs] = this.#keys.internFrom(keys, theirs);
      const id = known[theirs] as number;
      this.#keys.retain(id);
      ids[i] = id;
    }
    return ids;
  }

  #noteLate(chunk: Chunk, row: number, watermark: number): void {
    const { keys, keyIds, timesMicros, offsets, arrivals } = chunk;
    if (keys === null || keyIds === null) throw notKeyed(this.#operator);
    this.#late.add({
      topic: topicsOf(this.#shape, chunk, [row])?.[0] ?? this.#shape.origins.map(({ topic }) => topic).join(','),
      key: keys.bytesOf(keyIds[row] as number),
      timeMicros: timesMicros[row] as number,
      offset: offsets[row] as number,
      arrival: arrivals[row] as number,
      watermark,
    });
  }
}

/** What both sides of a join must be. @throws TM_TOPOLOGY */
export function checkSides(operator: string, left: Shape, right: Shape): void {
  if (left.keyField === null || right.keyField === null) throw notKeyed(operator);
  if (left.windows !== null || right.windows !== null || left.result !== null || right.result !== null) {
    throw new TidemarkError('TM_TOPOLOGY', `${operator}(...) joins records, not windows`, {
      hint: 'Put window(...) and aggregate(...) after it.',
    });
  }
}

function notKeyed(operator: string): TidemarkError {
  return new TidemarkError('TM_TOPOLOGY', `${operator}(...) joins rows of one key`, {
    hint: 'Put watermark(...) and keyBy(...) before it, on both sides.',
  });
}
