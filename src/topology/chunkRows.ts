import type { Columns } from '../core/columns.ts';
import { gatherDoubles, gatherIds, gatherRows } from '../core/gather.ts';
import type { Chunk } from './elements.ts';

/** The given rows of a chunk, in the order given, with all that they came with. */
export function chunkRows(chunk: Chunk, rows: Int32Array): Chunk {
  return chunkOver(chunk, rows, gatherRows(chunk.columns, rows));
}

/** Other columns for rows of a chunk: row i of them came of the chunk's row `rows[i]`. */
export function chunkOver(chunk: Chunk, rows: Int32Array, columns: Columns): Chunk {
  return {
    ...chunk,
    columns,
    offsets: gatherDoubles(chunk.offsets, rows),
    ...(chunk.sources === undefined ? {} : { sources: gatherDoubles(chunk.sources, rows) }),
    arrivals: gatherDoubles(chunk.arrivals, rows),
    timesMicros: gatherDoubles(chunk.timesMicros, rows),
    watermarks: chunk.watermarks === null ? null : gatherDoubles(chunk.watermarks, rows),
    keyIds: chunk.keyIds === null ? null : gatherIds(chunk.keyIds, rows),
  };
}
