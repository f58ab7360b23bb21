import { stat } from 'node:fs/promises';
import type { Log } from '../log/log.ts';
import type { Arrival } from './jobs.ts';

export interface ArrivalOptions {
  readonly openLog: () => Promise<Log>;
  readonly fetch: typeof fetch;
  /** Of one look. */
  readonly timeoutMs: number;
}

/** What a file, an object or a topic is now, as a text that is another one once data has arrived; null where there is none. */
export async function markOf(arrival: Arrival, options: ArrivalOptions): Promise<string | null> {
  if ('file' in arrival) return markOfFile(arrival.file);
  if ('object' in arrival) return markOfObject(arrival.object, options);
  return markOfTopic(arrival.topic, options);
}

async function markOfFile(path: string): Promise<string | null> {
  try {
    const { size, mtimeMs } = await stat(path);
    return `${size} ${mtimeMs}`;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}

/** Of an object that cannot be had, nothing has arrived: the next look may find it. */
async function markOfObject(url: string, { fetch, timeoutMs }: ArrivalOptions): Promise<string | null> {
  try {
    const response = await fetch(url, { method: 'HEAD', signal: AbortSignal.timeout(timeoutMs) });
    await response.body?.cancel();
    if (!response.ok) return null;
    const { headers } = response;
    return [headers.get('etag'), headers.get('last-modified'), headers.get('content-length')].join(' ');
  } catch (error) {
    if (error instanceof TypeError || (error instanceof Error && error.name === 'TimeoutError')) return null;
    throw error;
  }
}

async function markOfTopic(topic: string, { openLog }: ArrivalOptions): Promise<string | null> {
  const log = await openLog();
  try {
    if (!(await log.listTopics()).some((each) => each.topic === topic)) return null;
    const ends = (await log.ranges(topic)).map(({ end }) => end);
    return ends.some((end) => end > 0) ? ends.join(' ') : null;
  } finally {
    await log.close();
  }
}
