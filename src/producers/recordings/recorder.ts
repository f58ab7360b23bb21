import { MICROS_PER_MS } from '../../core/time.ts';
import type { TidemarkError } from '../../errors.ts';
import { connectionLine, frameLine } from './format.ts';
import type { RecordingWriter } from './recordingWriter.ts';

/** What happens on a line to a venue. */
export type RecordedEvent =
  | { readonly kind: 'open' }
  | {
      readonly kind: 'frames';
      readonly frames: readonly { readonly text: string; readonly receivedMicros: number }[];
    }
  | { readonly kind: 'closed'; readonly error: TidemarkError };

export interface RecorderOptions {
  readonly writer: RecordingWriter;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Resolves after `ms`, and at once when the signal is aborted. */
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
  /** After each event. */
  readonly onProgress: (summary: RecorderSummary) => void;
}

export interface RecorderSummary {
  readonly frames: number;
  readonly connections: number;
}

/**
 * Writes what comes from a venue until the signal is aborted or it ends by itself, and ends the recording. When it fails, the
 * recording is left without an end, as if it had been killed.
 * @param connect ends what it gives when its signal is aborted
 * @throws TM_RECORD_FILE
 */
export async function record(
  connect: (signal: AbortSignal) => AsyncIterable<RecordedEvent>,
  { writer, now, wait, onProgress }: RecorderOptions,
  signal: AbortSignal,
): Promise<RecorderSummary> {
  const ended = new AbortController();
  const onStop = (): void => ended.abort();
  signal.addEventListener('abort', onStop, { once: true });
  if (signal.aborted) ended.abort();
  const iterator = connect(ended.signal)[Symbol.asyncIterator]();
  let summary: RecorderSummary = { frames: 0, connections: 0 };
  try {
    for (;;) {
      const { done, value } = await flushedUntil(iterator.next(), writer, now, wait);
      if (done === true) break;
      summary = added(summary, value, writer, now() * MICROS_PER_MS);
      if (writer.dueMs <= now()) await writer.flush();
      onProgress(summary);
    }
    await writer.end();
    return summary;
  } finally {
    signal.removeEventListener('abort', onStop);
    ended.abort();
    await iterator.return?.();
    await writer.close();
  }
}

/** Waits for an event, and flushes what is due meanwhile. */
async function flushedUntil<T>(
  event: Promise<T>,
  writer: RecordingWriter,
  now: () => number,
  wait: RecorderOptions['wait'],
): Promise<T> {
  if (writer.dueMs === Number.POSITIVE_INFINITY) return event;
  const come = new AbortController();
  const timer = wait(Math.max(0, writer.dueMs - now()), come.signal);
  try {
    const first = await Promise.race([event, timer.then(() => null)]);
    if (first !== null) return first;
    await writer.flush();
    return await event;
  } catch (error) {
    // Where it was not the event that failed, that may come after it, and has nobody to tell.
    event.catch(() => undefined);
    throw error;
  } finally {
    come.abort();
    await timer;
  }
}

function added(
  { frames, connections }: RecorderSummary,
  event: RecordedEvent,
  writer: RecordingWriter,
  nowMicros: number,
): RecorderSummary {
  switch (event.kind) {
    case 'open':
      writer.add(connectionLine(Math.floor(nowMicros), 'open'));
      return { frames, connections: connections + 1 };
    case 'closed':
      writer.add(connectionLine(Math.floor(nowMicros), 'closed', event.error.message));
      return { frames, connections };
    case 'frames':
      for (const { receivedMicros, text } of event.frames) writer.add(frameLine(receivedMicros, text));
      return { frames: frames + event.frames.length, connections };
  }
}
