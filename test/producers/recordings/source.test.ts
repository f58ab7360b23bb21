import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openRecordings } from '../../../src/producers/recordings/recording.ts';
import {
  type LeftOut,
  RecordingSource,
  type RecordingSourceOptions,
} from '../../../src/producers/recordings/recordingSource.ts';
import { StoredTrades } from '../../../src/producers/venues/storedTrades.ts';
import { effort } from '../../support/effort.ts';
import { DATA_DIRECTORY } from '../../support/oracle/files.ts';
import { HAS_RECORDINGS } from '../market/recorded.ts';
import { type Bench, NOW_MS, openBench } from '../support.ts';
import { ORACLES } from '../venues/oracle.ts';
import { recordedFrames, SESSIONS } from '../venues/sessions.ts';
import { END, frame, header, match, OPENED, opened, START_MICROS, writeFile } from './files.ts';

let bench: Bench;

beforeEach(async () => {
  bench = await openBench();
});

afterEach(() => bench.close());

async function sourceOf(
  paths: readonly string[],
  options: Partial<RecordingSourceOptions> = {},
): Promise<RecordingSource> {
  return new RecordingSource(await openRecordings(paths), {
    ...{ topic: 'ticks', quotesTopic: 'quotes', speed: null, rememberedTrades: 100 },
    storedTrades: async () => StoredTrades.NONE,
    wait: () => Promise.reject(new Error('flat out, nothing is waited for')),
    onLeftOut: () => {},
    ...options,
  });
}

/** The ids of the trades in the log, by their partition. */
async function ids(): Promise<readonly unknown[]> {
  return (await bench.records('ticks')).map(({ tradeId }) => tradeId);
}

/** A recording of one connection, as a file. */
function recorded(...lines: readonly string[]): string {
  return writeFile(bench.directory, 'r.ndjson.gz', [header(), OPENED, ...lines]);
}

describe.skipIf(!HAS_RECORDINGS)('a recorded session in the text format', () => {
  it.each(SESSIONS)('of %s is played: each trade once, without the old ones', async (name, path) => {
    const oracle = ORACLES[name]?.();
    if (oracle === undefined) throw new Error(`no oracle for ${name}`);
    const expected = recordedFrames(path).flatMap(({ frame: text, seconds }) =>
      oracle
        .trades(text)
        .filter(([, , , , , , isOld]) => !isOld)
        .map(([symbol, tradeId, price, size, side, micros]) => {
          const numbers = { price: Number(price), size: Number(size) };
          const receiveTime = Number(seconds.replace('.', '').slice(0, 16).padEnd(16, '0'));
          return { instrument: `${name}:${symbol}`, tradeId, ...numbers, side, eventTime: Number(micros), receiveTime };
        }),
    );
    const source = await sourceOf([join(DATA_DIRECTORY, path)]);
    const { rejected } = await bench.produce(source);
    expect(rejected).toBe(0);
    const records = await bench.records('ticks');
    expect(records.length).toBe(expected.length);
    for (const { key } of records) {
      const ofKey = records.filter((record) => record.key === key);
      expect(ofKey).toMatchObject(expected.filter(({ instrument }) => instrument === key));
    }
  });

  it('of all venues together is merged, and adds nothing the second time', async () => {
    const paths = SESSIONS.map(([, path]) => join(DATA_DIRECTORY, path));
    const first = await bench.produce(await sourceOf(paths), { allowLate: true });
    expect(first).toMatchObject({ rejected: 0, complete: true });
    expect(await bench.produce(await sourceOf(paths))).toMatchObject({ rows: 0, complete: true });
    expect(first.records).toBe((await bench.records('ticks')).length + (await bench.records('quotes')).length);
  });
});

describe('a recording', () => {
  it('gives repeats of a trade once, and old trades only where they fell between two connections', async () => {
    const old = { type: 'last_match' };
    const path = recorded(
      frame(0, match(-1_000_000, 7, old)),
      frame(1_000, match(1_000, 8)),
      frame(2_000, match(1_000, 8)),
      frame(3_000, match(3_000, 9)),
      opened(9_000),
      frame(9_000, match(3_000, 9, old)),
      frame(9_000, match(0, 6, old)),
      frame(9_000, match(8_000, 11, old)),
      frame(10_000, match(10_000, 12)),
      END,
    );
    const leftOut: LeftOut[] = [];
    await bench.produce(await sourceOf([path], { onLeftOut: (counts) => leftOut.push(counts) }));
    expect(await ids()).toEqual(['8', '9', '11', '12']);
    expect(leftOut).toEqual([{ repeated: 2, old: 2 }]);
  });

  it('of a venue whose messages go by earlier ones begins anew with each connection', async () => {
    const change = (at: number, side: string, price: string) =>
      frame(at, `{"type":"l2_updates","symbol":"BTCUSD","changes":[["${side}","${price}","1"]]}`);
    const path = writeFile(bench.directory, 'g.ndjson.gz', [
      ...[header(1, 'g', 'gemini'), OPENED, change(1, 'buy', '10'), change(2, 'sell', '12'), frame(3, '{"type":')],
      ...[change(4, 'sell', '11'), opened(5), change(6, 'buy', '9'), change(7, 'sell', '13'), END],
    ]);
    await bench.produce(await sourceOf([path]));
    const quotes = await bench.records('quotes');
    expect(quotes).toMatchObject([
      { instrument: 'gemini:BTCUSD', bid: 10, ask: 12, eventTime: START_MICROS + 2 },
      { instrument: 'gemini:BTCUSD', bid: 9, ask: 13, eventTime: START_MICROS + 7 },
    ]);
  });

  it('remembers the ids of so many trades of a symbol', async () => {
    const path = recorded(...[1, 2, 3, 1, 3].map((id, at) => frame(at, match(at, id))), END);
    await bench.produce(await sourceOf([path], { rememberedTrades: 2 }));
    expect(await ids()).toEqual(['1', '2', '3', '1']);
  });

  it('gives frames and lines that cannot be read to dead letters, with file and line', async () => {
    const path = recorded(frame(1, match(1, 1)), frame(2, '{"type":"mat'), 'garbage', frame(3, match(3, 2)), END);
    expect(await bench.produce(await sourceOf([path]))).toMatchObject({ records: 2, rejected: 2 });
    const letters = await bench.records('deadletter');
    expect(letters.map(({ source, position, reason, payload }) => [source, position, reason, String(payload)])).toEqual(
      [
        ['r.ndjson.gz', 4, 'frame', '{"type":"mat'],
        ['r.ndjson.gz', 5, 'frame', 'garbage'],
      ],
    );
  });

  it('is read up to its last whole line, wherever it was cut off', async () => {
    const lines = Array.from({ length: 20 }, (_, at) => frame(at, match(at, at)));
    const whole = readFileSync(recorded(...lines));
    const ends = [header(), OPENED, ...lines].map((line) => gzipSync(`${line}\n`).length);
    const begun = (ends[0] ?? 0) + (ends[1] ?? 0);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: begun, max: whole.length }), async (cut) => {
        const path = join(bench.directory, 'cut.ndjson.gz');
        writeFileSync(path, whole.subarray(0, cut));
        const [recording] = await openRecordings([path]);
        expect(recording).toBeDefined();
        const source = await sourceOf([path]);
        let trades = 0;
        for await (const { outputs, deadLetters } of source.batches(fromStart())) {
          expect(deadLetters.length).toBe(0);
          for (const { columns } of outputs) trades += columns.length;
        }
        let members = -2;
        for (let at = 0, left = cut; left >= (ends[at] ?? Number.POSITIVE_INFINITY); at++) {
          left -= ends[at] ?? 0;
          members++;
        }
        // A member that was cut may have given its line before its checksum.
        expect([members, members + 1]).toContain(trades);
      }),
      { numRuns: effort(60) },
    );
  });

  it('that is still written to goes on where it was, when it is produced again', async () => {
    const path = recorded(frame(1, match(1, 1)), frame(2, match(2, 2)));
    expect(await bench.produce(await sourceOf([path]))).toMatchObject({ records: 2 });
    expect(await bench.produce(await sourceOf([path]))).toMatchObject({ rows: 0, skipped: 4, done: [] });
    appendFileSync(path, gzipSync(`${frame(3, match(3, 2))}\n${frame(4, match(4, 3))}\n`));
    expect(await bench.produce(await sourceOf([path]))).toMatchObject({ records: 1 });
    const next = writeFile(bench.directory, 'next.ndjson.gz', [
      header(2),
      frame(5, match(5, 3)),
      frame(6, match(6, 4)),
      END,
    ]);
    expect(await bench.produce(await sourceOf([next, path]))).toMatchObject({ records: 1 });
    expect(await bench.produce(await sourceOf([path, next]))).toMatchObject({ rows: 0, done: ['r.ndjson.gz'] });
    expect(await ids()).toEqual(['1', '2', '3', '4']);
  });

  it('gives the same records, wherever its batches end and it is taken up again', async () => {
    const lines = Array.from({ length: 120 }, (_, at) => {
      if (at % 40 === 39) return opened(at);
      const symbol = at % 3 === 0 ? 'ETH-USD' : 'BTC-USD';
      const type = at % 40 < 2 ? 'last_match' : 'match';
      return at % 17 === 5 ? frame(at, '{') : frame(at, match(at, Math.floor(at / 2), { type, symbol }));
    });
    const paths = [
      writeFile(bench.directory, 'a.ndjson.gz', [header(), OPENED, ...lines, END]),
      writeFile(bench.directory, 'b.ndjson.gz', [header(1, 'other'), OPENED, ...lines.slice(30, 60)]),
    ];
    const whole = await rowsOf(paths, () => 1_000);
    expect(whole.length).toBeGreaterThan(70);
    await fc.assert(
      fc.asyncProperty(fc.infiniteStream(fc.integer({ min: 1, max: 30 })), async (sizes) => {
        expect(await rowsOf(paths, () => Number(sizes.next().value))).toEqual(whole);
      }),
      { numRuns: effort(15) },
    );
  });

  it('keeps its pace: a line is given when as much time has passed as when it was received, by its speed', async () => {
    const lines = [0, 1_000, 500_000, 2_000_000].map((micros, at) => frame(micros, match(micros, at)));
    const path = recorded(...lines, END);
    let nowMs = NOW_MS;
    const source = await sourceOf([path], {
      speed: 2,
      wait: async (ms) => {
        nowMs += ms;
      },
    });
    const given: number[] = [];
    const options = { ...fromStart(), now: () => nowMs, bounds: { maxRecords: 100, maxBytes: 1e6, maxMs: 100 } };
    for await (const { outputs } of source.batches(options)) {
      for (const { columns } of outputs) for (let row = 0; row < columns.length; row++) given.push(nowMs - NOW_MS);
    }
    // Two of them wait for a batch of 100 ms; the third too, after half the 500 ms that it came later.
    expect(given).toEqual([100, 100, 350, 1_000]);
  });

  it('is refused when it is none, or when an earlier file of it is missing', async () => {
    const other = writeFile(bench.directory, 'other.gz', ['time,price', '1,2']);
    await expect(openRecordings([other])).rejects.toMatchObject({ code: 'TM_RECORDING', where: other });
    const second = writeFile(bench.directory, 'second.gz', [header(2)]);
    await expect(openRecordings([second])).rejects.toMatchObject({ code: 'TM_RECORDING', where: second });
    const unknown = writeFile(bench.directory, 'unknown.gz', ['wss://ws.nowhere.example/ws/v1 <-> 1626994927.139662']);
    await expect(openRecordings([unknown])).rejects.toMatchObject({ code: 'TM_RECORDING' });
    await expect(openRecordings([join(bench.directory, 'none.gz')])).rejects.toMatchObject({ code: 'TM_PRODUCE_FILE' });
    expect(gunzipSync(readFileSync(second)).toString()).toContain(String(START_MICROS));
  });
});

function fromStart() {
  const bounds = { maxRecords: 1_000, maxBytes: 1e6, maxMs: 1_000_000 };
  return { from: [], bounds, now: () => NOW_MS, signal: new AbortController().signal };
}

/** All rows, each batch read by a source of its own that takes up where the last one ended. */
async function rowsOf(paths: readonly string[], size: () => number): Promise<readonly string[]> {
  const rows: string[] = [];
  const letters: string[] = [];
  const from = new Map<number, { readonly offset: number; readonly isDone: boolean }>();
  for (;;) {
    const source = await sourceOf(paths);
    const bounds = { maxRecords: size(), maxBytes: 1e6, maxMs: 1_000_000 };
    const options = { ...fromStart(), bounds, from: paths.map((_, part) => from.get(part) ?? null) };
    const { done, value } = await source.batches(options)[Symbol.asyncIterator]().next();
    if (done === true) return [...rows, ...letters];
    for (const { target, columns } of value.outputs) {
      const { byName } = columns;
      const [instrument, time, id] = [byName.get('instrument'), byName.get('eventTime'), byName.get('tradeId')];
      if (instrument?.kind !== 'string' || time?.kind !== 'long' || id?.kind !== 'string') throw new Error('columns');
      for (let row = 0; row < columns.length; row++) {
        const text = ({ bytes, offsets }: typeof id) =>
          Buffer.from(bytes.subarray(offsets[row], offsets[row + 1])).toString();
        rows.push([target.topic, text(instrument), time.values[row], text(id)].join(' '));
      }
    }
    for (let letter = 0; letter < value.deadLetters.length; letter++) letters.push('dead letter');
    for (const [part, position] of value.positions) from.set(part, position);
  }
}
