import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { openEmbeddedLog } from '../../src/log/embedded/embeddedLog.ts';
import type { Log, RecordChunk } from '../../src/log/log.ts';

const READ_BOUNDS = { maxRecords: 65_536, maxBytes: 16 * 1024 * 1024 };

/** The committed records of one partition, told by their count and by a digest of keys and values in order. */
export interface PartitionContents {
  readonly records: number;
  readonly digest: string;
}

/** Opens the log of a data directory for the length of `use`; other processes may have it open too. */
export async function withLog<T>(dataDirectory: string, use: (log: Log) => Promise<T>): Promise<T> {
  const log = await openEmbeddedLog({ directory: join(dataDirectory, 'log'), now: Date.now });
  try {
    return await use(log);
  } finally {
    await log.close();
  }
}

/** What each partition of a topic holds. Batch boundaries, gaps in offsets and append times do not count. */
export function contentsOf(dataDirectory: string, topic: string): Promise<PartitionContents[]> {
  return withLog(dataDirectory, (log) => contentsOfLog(log, topic));
}

/** The same of a log that is open. */
export async function contentsOfLog(log: Log, topic: string): Promise<PartitionContents[]> {
  const contents: PartitionContents[] = [];
  for (const { partition, begin, end } of await log.ranges(topic)) {
    const hash = createHash('sha256');
    let records = 0;
    const reader = await log.openReader([{ topic, partition, offset: begin }]);
    while (reader.position({ topic, partition }) < end) {
      const chunk = await reader.read(READ_BOUNDS, 0);
      if (chunk === null) break;
      addRecords(hash, chunk);
      records += chunk.count;
    }
    await reader.close();
    contents.push({ records, digest: hash.digest('hex') });
  }
  return contents;
}

function addRecords(hash: ReturnType<typeof createHash>, chunk: RecordChunk): void {
  const { keyStarts, keyEnds, valueStarts, valueEnds, data } = chunk;
  for (let i = 0; i < chunk.count; i++) {
    const [keyStart = 0, keyEnd = 0, valueStart = 0, valueEnd = 0] = [
      keyStarts[i],
      keyEnds[i],
      valueStarts[i],
      valueEnds[i],
    ];
    // The lengths keep apart records whose bytes would run together.
    hash.update(`${keyEnd - keyStart} ${valueEnd - valueStart} ${keyStart < 0} ${valueStart < 0};`);
    if (keyStart >= 0) hash.update(data.subarray(keyStart, keyEnd));
    if (valueStart >= 0) hash.update(data.subarray(valueStart, valueEnd));
  }
}
