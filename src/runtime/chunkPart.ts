import type { RecordChunk } from '../log/log.ts';

/** The records of a chunk from an index up to, not with, another. The buffers are shared. */
export function partOf(records: RecordChunk, from: number, to: number): RecordChunk {
  if (from === 0 && to === records.count) return records;
  return {
    ...records,
    count: to - from,
    keyStarts: records.keyStarts.subarray(from, to),
    keyEnds: records.keyEnds.subarray(from, to),
    valueStarts: records.valueStarts.subarray(from, to),
    valueEnds: records.valueEnds.subarray(from, to),
    offsets: records.offsets.subarray(from, to),
    appendMs: records.appendMs.subarray(from, to),
    nextOffset: to < records.count ? (records.offsets[to] as number) : records.nextOffset,
  };
}

/** First index from `from` on whose record is at or above an offset. */
export function firstAtOrAbove({ offsets, count }: RecordChunk, from: number, offset: number): number {
  let at = from;
  while (at < count && (offsets[at] as number) < offset) at++;
  return at;
}
