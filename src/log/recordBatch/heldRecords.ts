import type { ReadBounds, RecordChunk, TopicPartition } from '../log.ts';
import type { RecordColumns } from './recordColumns.ts';

/** A partition as it is being read. Records `[next, columns.count)` are decoded and not yet handed out. */
export interface HeldRecords extends TopicPartition {
  readonly columns: RecordColumns;
  next: number;
  /** The offset after the decoded records: where reading goes on. */
  decodedTo: number;
  position: number;
}

/** The next decoded records that stay within the bounds: one at least. */
export function takeChunk(held: HeldRecords, { maxRecords, maxBytes }: ReadBounds): RecordChunk {
  const { columns, next } = held;
  const last = Math.min(columns.count, next + Math.max(1, maxRecords));
  let bytes = columns.recordBytes(next);
  let end = next + 1;
  for (; end < last; end++) {
    bytes += columns.recordBytes(end);
    if (bytes > maxBytes) break;
  }
  held.next = end;
  held.position = end < columns.count ? (columns.offsets[end] as number) : held.decodedTo;
  return columns.chunk(held, next, end, held.position);
}
