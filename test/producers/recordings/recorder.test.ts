import { readdirSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises';
import { constants, gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TidemarkError } from '../../../src/errors.ts';
import { type RecordedEvent, record } from '../../../src/producers/recordings/recorder.ts';
import { openRecordings } from '../../../src/producers/recordings/recording.ts';
import { RecordingCursor } from '../../../src/producers/recordings/recordingCursor.ts';
import { type RecordingBounds, RecordingWriter } from '../../../src/producers/recordings/recordingWriter.ts';
import { effort } from '../../support/effort.ts';

const LARGE: RecordingBounds = { flushBytes: 1e6, flushMs: 1e6, fileBytes: 1e9, fileMs: 1e9 };
const NOW_MS = 1_723_161_600_000;

let directory: string;
let files: string[];
let nowMs: number;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tidemark-recorder-'));
  files = [];
  nowMs = NOW_MS;
});

afterEach(() => rm(directory, { recursive: true, force: true }));

function writerOf(bounds: Partial<RecordingBounds> = {}, out = directory): RecordingWriter {
  return new RecordingWriter({
    directory: out,
    of: { recording: '0123456789', venue: 'coinbase', url: 'wss://x', symbols: ['BTC-USD'] },
    bounds: { ...LARGE, ...bounds },
    now: () => nowMs,
    onFile: (path) => files.push(path),
  });
}

function frames(...texts: readonly string[]): RecordedEvent {
  return { kind: 'frames', frames: texts.map((text) => ({ text, receivedMicros: nowMs * 1_000 })) };
}

async function run(writer: RecordingWriter, events: () => AsyncIterable<RecordedEvent>, wait = asleep) {
  return record(events, { writer, now: () => nowMs, wait, onProgress: () => {} }, new AbortController().signal);
}

/** Waits until it is told to wait no more. */
function asleep(_: number, signal: AbortSignal): Promise<void> {
  return new Promise((woken) => {
    if (signal.aborted) woken();
    signal.addEventListener('abort', () => woken(), { once: true });
  });
}

/** What is in a file so far; nothing where there is none. */
async function textOf(path: string | undefined): Promise<string> {
  const bytes = path === undefined ? Buffer.alloc(0) : await readFile(path);
  return bytes.length === 0 ? '' : gunzipSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH }).toString();
}

/** The lines of a file as values. */
async function linesOf(path: string | undefined): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const text = await textOf(path);
  expect(text.endsWith('\n')).toBe(true);
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

describe('a recorder', () => {
  it('writes down frames, connections and the end, as they came', async () => {
    const summary = await run(writerOf(), async function* () {
      yield { kind: 'open' };
      yield frames('{"a": 1.50}', 'not JSON "\n\u0000');
      nowMs += 5;
      yield { kind: 'closed', error: new TidemarkError('TM_VENUE_CONNECTION', 'cut') };
      yield { kind: 'open' };
      yield frames('x');
    });
    expect(summary).toEqual({ frames: 3, connections: 2 });
    const at = NOW_MS * 1_000;
    expect(files.length).toBe(1);
    expect(await linesOf(files[0])).toEqual([
      {
        ...{ format: 'tidemark-recording-1', recording: '0123456789', part: 1, venue: 'coinbase', url: 'wss://x' },
        ...{ symbols: ['BTC-USD'], startedMicros: at + 5_000 },
      },
      { receivedMicros: at, connection: 'open' },
      { receivedMicros: at, frame: '{"a": 1.50}' },
      { receivedMicros: at, frame: 'not JSON "\n\u0000' },
      { receivedMicros: at + 5_000, connection: 'closed', reason: 'cut' },
      { receivedMicros: at + 5_000, connection: 'open' },
      { receivedMicros: at + 5_000, frame: 'x' },
      { end: true },
    ]);
  });

  it('loses no character of a frame, whatever is in it', async () => {
    const text = fc.string({ unit: 'binary', maxLength: 50 });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(text), { maxLength: 5 }), async (batches) => {
        files = [];
        const out = await mkdtemp(join(directory, 'out-'));
        await run(writerOf({ flushBytes: 100, fileBytes: 300 }, out), async function* () {
          for (const texts of batches) yield frames(...texts);
        });
        const [recording] = await openRecordings(files);
        if (recording === undefined) throw new Error('nothing was recorded');
        const cursor = new RecordingCursor(recording);
        const read: string[] = [];
        while (cursor.advance() || (await cursor.nextBlock())) {
          if (cursor.head.kind === 'frame') read.push(cursor.head.frame);
        }
        expect(read).toEqual(batches.flat());
        expect(cursor.isDone).toBe(true);
      }),
      { numRuns: effort(50) },
    );
  });

  it('begins a new file when one is large, or old', async () => {
    await run(writerOf({ flushBytes: 1, fileBytes: 150, fileMs: 1_000 }), async function* () {
      for (const text of ['a'.repeat(100), 'b', 'c']) yield frames(text);
      nowMs += 1_000;
      yield frames('d');
    });
    const parts = await Promise.all(files.map(linesOf));
    const texts = parts.map((lines) => lines.map(({ part, frame, end }) => frame ?? end ?? part));
    expect(texts).toEqual([
      [1, 'a'.repeat(100), 'b'],
      [2, 'c'],
      [3, 'd', true],
    ]);
    expect([...files].sort()).toEqual(files);
  });

  it('shows no file that is none yet: each has its header from the first instant on, for a kill may fall anywhere', async () => {
    let hasEnded = false;
    const ended = run(writerOf({ flushBytes: 1, fileBytes: 1 }), async function* () {
      for (let count = 0; count < 100; count++) yield frames('a');
    }).finally(() => {
      hasEnded = true;
    });
    const shown = new Set<string>();
    while (!hasEnded) {
      for (const name of readdirSync(directory)) {
        if (!name.endsWith('.ndjson.gz') || shown.has(name)) continue;
        shown.add(name);
        expect(await textOf(join(directory, name))).toContain('"format"');
      }
      await nextTurn();
    }
    await ended;
    expect(readdirSync(directory).sort()).toEqual(files.map((file) => basename(file)));
  });

  it('writes what came when it has waited long enough, though nothing more comes', async () => {
    const waits: number[] = [];
    let wake = (): void => {};
    const woken = new Promise<void>((done) => {
      wake = done;
    });
    const ended = run(
      writerOf({ flushMs: 700 }),
      async function* () {
        yield frames('a');
        await woken;
      },
      async (ms) => {
        waits.push(ms);
        nowMs += ms;
      },
    );
    while (!(await textOf(files[0])).includes('"frame":"a"')) await pause(1);
    expect(waits).toEqual([700]);
    wake();
    await ended;
    expect((await linesOf(files[0])).map(({ frame, end }) => frame ?? end)).toEqual([undefined, 'a', true]);
  });

  it('stops with a code when it cannot write, and takes nothing more', async () => {
    const file = join(directory, 'file');
    await writeFile(file, '');
    let signal: AbortSignal | undefined;
    const failed = record(
      (until) => {
        signal = until;
        return (async function* () {
          yield frames('a');
          await asleep(0, until);
        })();
      },
      { writer: writerOf({ flushMs: 0 }, join(file, 'out')), now: () => nowMs, wait: asleep, onProgress: () => {} },
      new AbortController().signal,
    );
    await expect(failed).rejects.toMatchObject({ code: 'TM_RECORD_FILE', where: join(file, 'out') });
    expect(signal?.aborted).toBe(true);
  });
});
