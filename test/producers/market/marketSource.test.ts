import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TidemarkError } from '../../../src/errors.ts';
import { BarLedger } from '../../../src/producers/market/barLedger.ts';
import {
  type MarketSeries,
  MarketSource,
  type MarketSourceOptions,
} from '../../../src/producers/market/marketSource.ts';
import type { MarketRows, PublishedBar } from '../../../src/producers/market/response.ts';
import { effort } from '../../support/effort.ts';
import { type Bench, openBench } from '../support.ts';

const MAX_BARS = 1_000;
const NONE: MarketRows = { bars: [], quotes: [], faults: [], empty: 0 };
const BOUNDS = { maxRecords: 3, maxBytes: 1_000_000, maxMs: 1_000 };

function bar(day: number, values: Partial<PublishedBar> = {}): PublishedBar {
  return {
    ...{
      instrument: 'v:A',
      interval: '1d',
      eventTime: day * 86_400_000_000,
      open: 1,
      high: 2,
      low: 1,
      close: 2,
      volume: 9,
    },
    ...{ currency: null, adjusted: false, provisional: false, adjustedClose: null, dividend: null, splitFactor: null },
    capitalGain: null,
    suspect: null,
    ...values,
  };
}

function bars(...days: readonly (readonly [number, Partial<PublishedBar>?])[]): MarketRows {
  return { ...NONE, bars: days.map(([day, values]) => bar(day, values)) };
}

function series(label: string, kind: MarketSeries['kind'] = 'bars'): MarketSeries {
  const request = { url: new URL(`http://vendor.test/${label}`), headers: {}, secrets: {} };
  return {
    label,
    kind,
    interval: '1d',
    instruments: ['v:A'],
    request,
    parse: ({ body }) => JSON.parse(body) as MarketRows,
    endsMicros: null,
  };
}

describe('a market source', () => {
  let bench: Bench;

  beforeEach(async () => {
    bench = await openBench();
  });

  afterEach(() => bench.close());

  /** A source that is answered so, one answer after another. */
  function sourceOf(
    answers: readonly (MarketRows | TidemarkError)[],
    options: Partial<MarketSourceOptions> = {},
  ): MarketSource {
    let asked = 0;
    return new MarketSource({
      vendor: 'v',
      series: [series('one')],
      client: {
        async ask(_, parse) {
          const answer = answers[asked++] ?? NONE;
          if (answer instanceof TidemarkError) throw answer;
          return parse({ status: 200, body: JSON.stringify(answer), receivedMicros: 1, cookies: [], retryAfterMs: 0 });
        },
      },
      barsTopic: 'source_bars',
      openLedger: (instruments) => BarLedger.read(bench.log, bench.registry, ['source_bars'], instruments, MAX_BARS),
      everyMs: null,
      wait: async () => {},
      onFailure: () => {},
      ...options,
    });
  }

  const published = async () =>
    (await bench.records('source_bars')).map(({ eventTime, close, revision, provisional }) => ({
      ...{ day: Number(eventTime) / 86_400_000_000, close, revision, provisional },
    }));

  it('writes a bar that has changed with the next revision, and one that has not, never again', async () => {
    await bench.produce(sourceOf([bars([1], [2])]));
    expect(await bench.produce(sourceOf([bars([1], [2])]))).toMatchObject({ rows: 0, skipped: 2 });
    await bench.produce(sourceOf([bars([1], [2, { close: 1.5 }], [3])]));
    await bench.produce(sourceOf([bars([2, { close: 2 }], [3])]));
    expect(await published()).toMatchObject([
      ...[
        { day: 1, revision: 0 },
        { day: 2, revision: 0 },
        { day: 2, close: 1.5, revision: 1 },
      ],
      ...[
        { day: 3, revision: 0 },
        { day: 2, close: 2, revision: 2 },
      ],
    ]);
  });

  it('tells when a provisional bar is settled, and lets no provisional one revise a settled one', async () => {
    await bench.produce(sourceOf([bars([1, { provisional: true }])]));
    await bench.produce(sourceOf([bars([1])]));
    await bench.produce(sourceOf([bars([1, { provisional: true, close: 7 }])]));
    expect(await published()).toEqual([
      { day: 1, close: 2, revision: 0, provisional: true },
      { day: 1, close: 2, revision: 1, provisional: false },
    ]);
  });

  it('keeps what an answer does not give of a bar', async () => {
    await bench.produce(sourceOf([bars([1, { adjustedClose: 1.9, dividend: 0.1 }])]));
    expect(await bench.produce(sourceOf([bars([1])]))).toMatchObject({ rows: 0 });
    await bench.produce(sourceOf([bars([1, { open: null, high: null, low: null, volume: null, close: 3 }])]));
    expect((await bench.records('source_bars')).at(-1)).toMatchObject({
      ...{ open: 1, high: 2, close: 3, volume: 9, adjustedClose: 1.9, dividend: 0.1, revision: 1 },
    });
  });

  it('holds adjusted bars apart from unadjusted ones, and intervals from each other', async () => {
    await bench.produce(sourceOf([bars([1], [1, { adjusted: true }], [1, { interval: '1w' }])]));
    expect((await published()).map(({ revision }) => revision)).toEqual([0, 0, 0]);
  });

  it('writes the same quotes and the same faults once', async () => {
    const quote = { instrument: 'v:A', eventTime: 1_000_000, bid: 1, ask: 2, bidSize: null, askSize: null };
    const fault = { reason: 'symbol', detail: 'no B', position: 2, payload: 'B' } as const;
    const answer: MarketRows = { ...NONE, quotes: [quote], faults: [fault] };
    const quotes = { series: [series('quotes', 'quotes')] };
    expect(await bench.produce(sourceOf([answer], quotes))).toMatchObject({ records: 1, rejected: 1 });
    expect(await bench.produce(sourceOf([answer], quotes))).toMatchObject({ rows: 0, skipped: 2 });
    const next: MarketRows = { ...answer, quotes: [{ ...quote, bid: 1.5 }], faults: [{ ...fault, detail: 'no C' }] };
    expect(await bench.produce(sourceOf([next], quotes))).toMatchObject({ records: 1, rejected: 1 });
    expect((await bench.records('quotes')).map(({ bid }) => bid)).toEqual([1, 1.5]);
    expect(await bench.records('deadletter')).toMatchObject([
      { source: 'quotes', position: 2, topic: 'quotes', reason: 'symbol', detail: 'no B' },
      { detail: 'no C' },
    ]);
  });

  it('reports a series that cannot be had, and goes on with the others', async () => {
    const failures: string[] = [];
    const source = sourceOf([new TidemarkError('TM_SOURCE_SYMBOL', 'no'), bars([1])], {
      series: [series('one'), series('two')],
      onFailure: (label, { code }) => failures.push(`${label} ${code}`),
    });
    expect(await bench.produce(source)).toMatchObject({ records: 1 });
    expect(failures).toEqual(['one TM_SOURCE_SYMBOL']);
  });

  it.each(['TM_SOURCE_ACCESS', 'TM_SOURCE_QUOTA'] as const)(
    'ends with %s, with which no series can be had',
    async (code) => {
      const source = sourceOf([bars([1]), new TidemarkError(code, 'no'), bars([2])], {
        series: [series('one'), series('two'), series('three')],
      });
      await expect(bench.produce(source)).rejects.toMatchObject({ code });
      expect(await published()).toMatchObject([{ day: 1 }]);
    },
  );

  it('goes round after round, each so long after the one before began', async () => {
    const stop = new AbortController();
    const waited: number[] = [];
    const source = sourceOf([bars([1]), new TidemarkError('TM_SOURCE_QUOTA', 'no'), bars([1], [2])], {
      everyMs: 60_000,
      wait: async (ms) => {
        if (waited.push(ms) === 3) stop.abort();
      },
    });
    await bench.produce(source, { signal: stop.signal });
    expect(waited).toEqual([60_000, 60_000, 60_000]);
    expect(await published()).toMatchObject([{ day: 1 }, { day: 2 }]);
  });

  it('is done with a series once an answer came after its end, also one without rows, and asks no more', async () => {
    const asked: string[] = [];
    const ended = (label: string, endsMicros: number): MarketSeries => ({
      ...series(label),
      parse(response) {
        asked.push(label);
        return series(label).parse(response);
      },
      endsMicros,
    });
    // The answers come at 1 microsecond.
    const both = { series: [ended('past', 1), ended('present', 2)] };
    await bench.produce(sourceOf([NONE, bars([1])], both));
    await bench.produce(sourceOf([bars([1])], both));
    expect(asked).toEqual(['past', 'present', 'present']);
  });

  it('is not done with a series that has a bar yet to be settled, though its end has passed', async () => {
    const one = { series: [{ ...series('one'), endsMicros: 1 }] };
    await bench.produce(sourceOf([bars([1, { provisional: true }])], one));
    await bench.produce(sourceOf([bars([1])], one));
    expect(await bench.produce(sourceOf([bars([1, { close: 7 }])], one))).toMatchObject({ rows: 0 });
    expect(await published()).toEqual([
      { day: 1, close: 2, revision: 0, provisional: true },
      { day: 1, close: 2, revision: 1, provisional: false },
    ]);
  });

  it('ends a round when the plan has no request left, and begins the next where it ended: each series has its turn', async () => {
    const stop = new AbortController();
    const asked: string[] = [];
    let rounds = 0;
    let left = 2;
    const source = sourceOf([], {
      series: [series('one'), series('two'), series('three')],
      client: {
        async ask({ url }) {
          asked.push(url.pathname);
          if (left-- === 0) throw new TidemarkError('TM_SOURCE_QUOTA', 'no');
          throw new TidemarkError('TM_SOURCE_SYMBOL', 'no');
        },
      },
      everyMs: 60_000,
      wait: async () => {
        asked.push('round');
        left = 2;
        if (++rounds === 3) stop.abort();
      },
    });
    await bench.produce(source, { signal: stop.signal });
    expect(asked.join(' ')).toBe('/one /two /three round /three /one /two round /two /three /one round');
  });

  it('asks for the other series round after round, though one fails for ever', async () => {
    const stop = new AbortController();
    let rounds = 0;
    const no = new TidemarkError('TM_SOURCE_SYMBOL', 'no');
    const failures: string[] = [];
    const source = sourceOf([no, bars([1]), no, bars([2]), no, bars([3])], {
      series: [series('one'), series('two')],
      everyMs: 60_000,
      wait: async () => {
        if (++rounds === 3) stop.abort();
      },
      onFailure: (label, { code }) => failures.push(`${label} ${code}`),
    });
    await bench.produce(source, { signal: stop.signal });
    expect(failures).toEqual(Array.from({ length: 3 }, () => 'one TM_SOURCE_SYMBOL'));
    expect(await published()).toMatchObject([{ day: 1 }, { day: 2 }, { day: 3 }]);
  });

  it('is refused more bars than it may keep in mind', async () => {
    const openLedger = async () => new BarLedger(2);
    await expect(bench.produce(sourceOf([bars([1], [2], [3])], { openLedger }))).rejects.toMatchObject({
      code: 'TM_STATE_FULL',
    });
  });

  it('gives the same bars and revisions wherever it is killed, and begun anew', async () => {
    const answer = fc.uniqueArray(
      fc.record({ day: fc.integer({ min: 1, max: 6 }), close: fc.constantFrom(2, 3), provisional: fc.boolean() }),
      { maxLength: 6, selector: ({ day }) => day },
    );
    let round = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(answer, { minLength: 1, maxLength: 4 }),
        fc.array(fc.nat({ max: 2 }), { maxLength: 3 }),
        async (answers, kills) => {
          const instrument = `v:${round++}`;
          const rows = answers.map((found) =>
            bars(...found.map(({ day, ...values }) => [day, { ...values, instrument }] as const)),
          );
          const one = { series: [{ ...series(instrument), instruments: [instrument] }] };
          for (const found of rows) {
            // Each answer is produced by runs that die after so many transactions, then by one that ends.
            for (const transactions of kills) {
              let left = transactions;
              const onProgress = () => (left-- === 0 ? fail() : undefined);
              const killed = bench.produce(sourceOf([found], one), { bounds: BOUNDS, onProgress });
              await killed.catch((error: Error) => expect(error.message).toBe('killed'));
            }
            await bench.produce(sourceOf([found], one), { bounds: BOUNDS });
          }
          const stored = (await bench.records('source_bars')).filter(({ key }) => key === instrument);
          const got = stored.map(({ eventTime, close, provisional, revision }) => {
            return { day: Number(eventTime) / 86_400_000_000, close, provisional, revision };
          });
          expect(got).toEqual(expected(answers));
        },
      ),
      { numRuns: effort(30) },
    );
  });
});

function fail(): never {
  throw new Error('killed');
}

interface Value {
  readonly day: number;
  readonly close: number;
  readonly provisional: boolean;
}

/** What is to be in the topic, the obvious way. */
function expected(answers: readonly (readonly Value[])[]): readonly (Value & { readonly revision: number })[] {
  const written: (Value & { readonly revision: number })[] = [];
  for (const answer of answers) {
    for (const value of answer) {
      const last = written.findLast(({ day }) => day === value.day);
      if (last === undefined) written.push({ ...value, revision: 0 });
      else if (value.provisional && !last.provisional) continue;
      else if (last.close !== value.close || last.provisional !== value.provisional) {
        written.push({ ...value, revision: last.revision + 1 });
      }
    }
  }
  return written;
}
