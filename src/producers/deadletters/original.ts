import type { Log } from '../../log/log.ts';
import type { PlacedLetter } from './letters.ts';

/** A larger payload of a letter was cut there. */
const MAX_PAYLOAD_BYTES = 65_536;
const READ_BOUNDS = { maxRecords: 1, maxBytes: 1 };
const READ_WAIT_MS = 1_000;
const MAX_EMPTY_READS = 60;

/** A bad row as it is to be written again. */
export interface OriginalRecord {
  /** Null where the record is gone, or was none of a topic. */
  readonly key: Uint8Array | null;
  readonly value: Uint8Array;
  /** Where it was; null of a row that never was in a topic. */
  readonly partition: number | null;
}

/**
 * What a letter was written of: the record itself while the log has it, with its key and however long, else the letter's own
 * copy; null when that copy was cut.
 */
export async function originalOf(log: Log, letter: PlacedLetter): Promise<OriginalRecord | null> {
  const partition = partitionOfSource(letter);
  const record = partition === null ? null : await recordAt(log, letter.topic, partition, letter.position);
  if (record !== null && beginsWith(record.value, letter.payload)) return record;
  if (letter.payload.length >= MAX_PAYLOAD_BYTES) return null;
  return { key: null, value: letter.payload, partition };
}

/** The partition of a letter's record; null where the source is no partition, but a file or an API. */
function partitionOfSource({ source, topic }: PlacedLetter): number | null {
  const number = source.startsWith(`${topic}/`) ? source.slice(topic.length + 1) : '';
  return /^\d{1,4}$/.test(number) ? Number(number) : null;
}

async function recordAt(
  log: Log,
  topic: string,
  partition: number,
  offset: number,
): Promise<(OriginalRecord & { readonly key: Uint8Array }) | null> {
  const topics = await log.listTopics();
  if (!topics.some((known) => known.topic === topic)) return null;
  const range = (await log.ranges(topic))[partition];
  if (range === undefined || offset < range.begin || offset >= range.end) return null;
  const reader = await log.openReader([{ topic, partition, offset }]);
  try {
    for (let emptyReads = 0; emptyReads < MAX_EMPTY_READS; emptyReads++) {
      const chunk = await reader.read(READ_BOUNDS, READ_WAIT_MS);
      if (chunk === null) continue;
      if (chunk.offsets[0] !== offset) return null;
      const slice = (starts: Int32Array, ends: Int32Array): Uint8Array =>
        chunk.data.slice(Math.max(0, starts[0] as number), Math.max(0, ends[0] as number));
      return {
        key: slice(chunk.keyStarts, chunk.keyEnds),
        value: slice(chunk.valueStarts, chunk.valueEnds),
        partition,
      };
    }
    return null;
  } finally {
    await reader.close();
  }
}

function beginsWith(bytes: Uint8Array, start: Uint8Array): boolean {
  return Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, start.length)).equals(start);
}
