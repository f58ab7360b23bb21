import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openRecordings } from '../../../src/producers/recordings/recording.ts';
import { type LeftOut, RecordingSource } from '../../../src/producers/recordings/recordingSource.ts';
import { StoredTrades } from '../../../src/producers/venues/storedTrades.ts';
import { effort } from '../../support/effort.ts';
import { COINBASE_WIRE } from '../../support/exchange/coinbaseWire.ts';
import { ExchangeServer } from '../../support/exchange/exchangeServer.ts';
import { tradesOfAnHour } from '../../support/exchange/session.ts';
import type { TrueTrade } from '../../support/exchange/wire.ts';
import { type Bench, openBench } from '../support.ts';
import { expectedTicks, produceSession, ticksOf, sourceOf as venueOf } from '../venues/sessionRun.ts';
import { END, frame, header, match, OPENED, START_MICROS, writeFile } from './files.ts';

const BOUNDS = { knownTrades: 10_000, clockErrorMs: 10_000 };
const SECOND = 1_000_000;

let bench: Bench;

beforeEach(async () => {
  bench = await openBench();
});

afterEach(() => bench.close());

interface PlayOptions {
  readonly again?: boolean;
  readonly knownTrades?: number;
  readonly onLeftOut?: (leftOut: LeftOut) => void;
}

/** As the command makes it: compares with what the topic has, unless it is to produce all again. */
async function sourceOf(
  paths: readonly string[],
  { again = false, knownTrades = BOUNDS.knownTrades, onLeftOut = () => {} }: PlayOptions = {},
): Promise<RecordingSource> {
  return new RecordingSource(await openRecordings(paths), {
    ...{ topic: 'ticks', quotesTopic: 'quotes', speed: null, rememberedTrades: 1_000, onLeftOut },
    storedTrades: async (stretch, signal) =>
      again ? StoredTrades.NONE : StoredTrades.read(bench, 'ticks', stretch, { ...BOUNDS, knownTrades }, signal),
    wait: () => Promise.reject(new Error('flat out, nothing is waited for')),
  });
}

/** What a recorder wrote that saw some trades, one a second, some time after they had happened. */
function recorded(name: string, ids: readonly number[], { delayMicros = 0, ended = true } = {}): string {
  const frames = ids.map((id) => frame(id * SECOND + delayMicros, match(id * SECOND, id)));
  return writeFile(bench.directory, `${name}.gz`, [header(1, name), OPENED, ...frames, ...(ended ? [END] : [])]);
}

function span(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, at) => first + at);
}

async function ids(): Promise<readonly number[]> {
  return (await bench.records('ticks')).map(({ tradeId }) => Number(tradeId));
}

describe('recordings that overlap', () => {
  it('give each trade once in one command, in the order of receipt, and say how many were repeated', async () => {
    const leftOut: LeftOut[] = [];
    const paths = [recorded('a', span(1, 20)), recorded('b', span(11, 30), { delayMicros: 300_000 })];
    await bench.produce(await sourceOf(paths, { onLeftOut: (counts) => leftOut.push(counts) }));
    expect(await ids()).toEqual(span(1, 30));
    expect(leftOut).toEqual([{ repeated: 10, old: 0 }]);
  });

  it('give each trade once in commands of their own, and what one of them missed', async () => {
    const seen = span(1, 20).filter((id) => id < 14 || id > 16);
    await bench.produce(await sourceOf([recorded('a', seen)]));
    const leftOut: LeftOut[] = [];
    const later = await sourceOf([recorded('b', span(11, 30))], { onLeftOut: (counts) => leftOut.push(counts) });
    await bench.produce(later);
    expect(await ids()).toEqual([...seen, 14, 15, 16, ...span(21, 30)]);
    expect(leftOut).toEqual([{ repeated: 7, old: 0 }]);
    // One that began earlier than all of them is compared, too.
    await bench.produce(await sourceOf([recorded('c', span(0, 5))]));
    expect((await ids()).filter((id) => id < 6)).toEqual([1, 2, 3, 4, 5, 0]);
  });

  it('are no history where all that is old in them is in the topic', async () => {
    const seen = span(1, 1_000).filter((id) => id !== 5);
    await bench.produce(await sourceOf([recorded('a', seen)]));
    expect(await bench.produce(await sourceOf([recorded('b', [...seen, 1_001])]))).toMatchObject({ records: 1 });
    const missed = await sourceOf([recorded('c', span(1, 9))]);
    await expect(bench.produce(missed)).rejects.toMatchObject({ code: 'TM_PRODUCE_HISTORY' });
  });

  it('are produced once more when that is asked for, each trade once', async () => {
    const paths = [recorded('a', span(1, 4)), recorded('b', span(3, 6))];
    await bench.produce(await sourceOf(paths));
    await bench.produce(await sourceOf(paths, { again: true }), { again: true, allowLate: true });
    expect(await ids()).toEqual([...span(1, 6), ...span(1, 6)]);
  });

  it('of other exchanges, symbols or times do not count among those that are compared', async () => {
    await bench.produce(await sourceOf([recorded('a', span(1, 40))]), { allowLate: true });
    const hour = span(3_600, 3_640);
    await bench.produce(await sourceOf([recorded('b', hour)], { knownTrades: 1 }), { allowLate: true });
    const full = await sourceOf([recorded('c', span(1, 40))], { knownTrades: 39 });
    await expect(bench.produce(full, { allowLate: true })).rejects.toMatchObject({ code: 'TM_STATE_FULL' });
    expect(await ids()).toEqual([...span(1, 40), ...hour]);
  });

  it('that are still written to are compared with all that comes after', async () => {
    await bench.produce(await sourceOf([recorded('a', span(1, 4_000))]));
    const path = recorded('b', span(1, 2), { ended: false });
    const source = await sourceOf([path]);
    // The recorder goes on while it is played.
    const open = bench.produce(source);
    recorded('b', span(1, 4_001), { ended: false });
    await open;
    await bench.produce(await sourceOf([path]));
    expect(await ids()).toEqual(span(1, 4_001));
  });

  it('give each trade once, however they are given to commands and wherever these are stopped', async () => {
    const recorder = fc.record({
      first: fc.integer({ min: 0, max: 60 }),
      length: fc.integer({ min: 1, max: 60 }),
      lost: fc.uniqueArray(fc.integer({ min: 0, max: 120 }), { maxLength: 20 }),
      delayMicros: fc.integer({ min: 0, max: 5 * SECOND }),
    });
    // Each run plays some of the recordings, and is stopped after some commits.
    const run = fc.record({
      which: fc.uniqueArray(fc.nat({ max: 3 }), { minLength: 1 }),
      commits: fc.integer({ min: 1, max: 6 }),
      size: fc.integer({ min: 1, max: 30 }),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(recorder, { minLength: 2, maxLength: 4 }),
        fc.array(run, { maxLength: 5 }),
        async (recorders, runs) => {
          await bench.close();
          bench = await openBench();
          const seen = recorders.map(({ first, length, lost }) =>
            span(first, first + length).filter((id) => !lost.includes(id)),
          );
          const paths = seen.map((of, n) => recorded(`r${n}`, of, recorders[n]));
          for (const { which, commits, size } of runs) {
            const stop = new AbortController();
            let left = commits;
            const files = which.flatMap((n) => paths[n] ?? []);
            if (files.length === 0) continue;
            await bench.produce(await sourceOf(files), {
              ...{ signal: stop.signal, allowLate: true },
              bounds: { maxRecords: size, maxBytes: 1e6, maxMs: 1e6 },
              onProgress: () => --left === 0 && stop.abort(),
            });
          }
          await bench.produce(await sourceOf(paths), { allowLate: true });
          const expected = [...new Set(seen.flat())].sort((a, b) => a - b);
          expect((await ids()).toSorted((a, b) => a - b)).toEqual(expected);
        },
      ),
      { numRuns: effort(25) },
    );
  });
});

describe('a recording and a run at the exchange of the same time', () => {
  const symbol = 'BTC-USD';
  const trades = tradesOfAnHour([symbol], 400, START_MICROS - 3_600 * SECOND, 11);

  /** Of what a recorder heard that was connected all the time. */
  function recordingOf(heard: readonly TrueTrade[]): string {
    const frames = heard.map((trade) => frame(trade.micros + 1_000 - START_MICROS, COINBASE_WIRE.trade(trade)));
    return writeFile(bench.directory, 'beside.gz', [header(1, 'beside'), OPENED, ...frames, END]);
  }

  /** Runs at the exchange until `until` trades are in the topic; those before `from` had happened before. */
  async function live(from: number, until: number, records: number): Promise<void> {
    const server = await ExchangeServer.start({
      ...{ wire: COINBASE_WIRE, trades: trades.slice(0, until), before: from, mishaps: [], missedWhileAway: 0 },
    });
    try {
      const source = venueOf('coinbase', [symbol], server, {
        storedTrades: (stretch, signal) => StoredTrades.read(bench, 'ticks', stretch, BOUNDS, signal),
      });
      await produceSession(bench, source, server, records);
    } finally {
      await server.close();
    }
  }

  it('give each trade once, whichever was first', async () => {
    const expected = expectedTicks('coinbase', trades);
    await live(0, 200, 200);
    await bench.produce(await sourceOf([recordingOf(trades.slice(100, 300))]), { allowLate: true });
    expect(await ticksOf(bench, `coinbase:${symbol}`)).toEqual(expected.slice(0, 300));
    // What happened since the run at the exchange ended is asked for: the recording has brought a part of it.
    await live(350, 400, 100);
    expect(await ticksOf(bench, `coinbase:${symbol}`)).toEqual(expected);
  });
});
