import type { LogReader, ReadBounds, RecordBytes, RecordChunk, TopicPartition } from '../../src/log/log.ts';

/** A record as tests write and compare them: one object each, bytes as text of one character a byte. */
export interface TestRecord {
  readonly key: string;
  readonly value: string;
}

export interface ReadRecord extends TopicPartition {
  readonly offset: number;
  readonly key: string | null;
  readonly value: string | null;
  readonly appendMs: number;
}

export const WIDE: ReadBounds = { maxRecords: 100_000, maxBytes: 64 * 1024 * 1024 };

export function recordBytes(records: readonly TestRecord[]): RecordBytes {
  return {
    count: records.length,
    ...column(
      'keys',
      'keyOffsets',
      records.map(({ key }) => key),
    ),
    ...column(
      'values',
      'valueOffsets',
      records.map(({ value }) => value),
    ),
  };
}

function column<Bytes extends string, Offsets extends string>(
  bytes: Bytes,
  offsets: Offsets,
  texts: readonly string[],
) {
  const ends = new Int32Array(texts.length + 1);
  for (const [i, text] of texts.entries()) ends[i + 1] = (ends[i] as number) + text.length;
  return { [bytes]: Buffer.from(texts.join(''), 'latin1'), [offsets]: ends } as Record<Bytes, Uint8Array> &
    Record<Offsets, Int32Array>;
}

/** `count` records that name their place: key `k<i>`, value `<tag>-<i>`. */
export function numbered(tag: string, count: number): TestRecord[] {
  return Array.from({ length: count }, (_, i) => ({ key: `k${i}`, value: `${tag}-${i}` }));
}

export function recordsOf(chunk: RecordChunk): ReadRecord[] {
  const text = (start: number, end: number) =>
    start < 0 ? null : Buffer.from(chunk.data.subarray(start, end)).toString('latin1');
  return Array.from({ length: chunk.count }, (_, i) => ({
    topic: chunk.topic,
    partition: chunk.partition,
    offset: chunk.offsets[i] as number,
    key: text(chunk.keyStarts[i] as number, chunk.keyEnds[i] as number),
    value: text(chunk.valueStarts[i] as number, chunk.valueEnds[i] as number),
    appendMs: chunk.appendMs[i] as number,
  }));
}

/** Reads until nothing is left (nothing comes within `waitMs`). */
export async function readToEnd(reader: LogReader, bounds: ReadBounds = WIDE, waitMs = 0): Promise<ReadRecord[]> {
  const records: ReadRecord[] = [];
  for (;;) {
    const chunk = await reader.read(bounds, waitMs);
    if (chunk === null) return records;
    records.push(...recordsOf(chunk));
  }
}
