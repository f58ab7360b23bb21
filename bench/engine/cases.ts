import { aggregate } from '../../src/topology/aggregates/aggregate.ts';
import { count } from '../../src/topology/aggregates/count.ts';
import { ohlcv } from '../../src/topology/aggregates/ohlcv.ts';
import { sum } from '../../src/topology/aggregates/sum.ts';
import { asOfJoin } from '../../src/topology/joins/asOfJoin.ts';
import { keyBy } from '../../src/topology/operators/keyBy.ts';
import { type Topology, topology } from '../../src/topology/topology.ts';
import { bounded } from '../../src/topology/watermarks/bounded.ts';
import { watermark } from '../../src/topology/watermarks/watermark.ts';
import type { GlobalDefinition, WindowDefinition } from '../../src/topology/windows/definition.ts';
import { hopping } from '../../src/topology/windows/hopping.ts';
import { session } from '../../src/topology/windows/session.ts';
import { sliding } from '../../src/topology/windows/sliding.ts';
import { tumbling } from '../../src/topology/windows/tumbling.ts';
import { window } from '../../src/topology/windows/window.ts';

/**
 * A little below the disorder of the ticks: of those that come after the watermark has passed them, some find their window
 * complete, and fire it again.
 */
const OUT_OF_ORDERNESS_MS = 990;

/** The kinds that the baseline has too. */
export type CaseWindow = Exclude<WindowDefinition, GlobalDefinition>;

/** One row of the table: a job, and what its speed is measured against. */
export interface Case {
  readonly name: string;
  readonly keys: number;
  readonly windows: readonly CaseWindow[];
  /** How old a quote may be that a tick is joined with first; null where there are no quotes. */
  readonly maxQuoteAgeMs: number | null;
  readonly outOfOrdernessMs: number;
  readonly allowedLatenessMs: number;
  /** The speed is to be at least `atLeast` times that of the baseline doing the same, or of another case. */
  readonly against: 'baseline' | 'tumbling';
  readonly atLeast: number;
  /** False where the baseline would take too long; its output is compared on few ticks all the same. */
  readonly isBaselineTimed: boolean;
}

const JOB = {
  keys: 500,
  outOfOrdernessMs: OUT_OF_ORDERNESS_MS,
  allowedLatenessMs: 300_000,
  maxQuoteAgeMs: null,
  against: 'tumbling',
  isBaselineTimed: true,
} as const;

export const CASES = {
  tumbling: { ...JOB, name: '1 m', windows: [tumbling('1m')], against: 'baseline', atLeast: 4 },
  intervals: {
    ...JOB,
    name: '1 s, 1 m, 5 m, 1 h in one pass',
    windows: [tumbling('1s'), tumbling('1m'), tumbling('5m'), tumbling('1h')],
    atLeast: 0.3,
  },
  hopping: {
    ...JOB,
    name: '1 h every 10 s',
    windows: [hopping('1h', '10s')],
    allowedLatenessMs: 0,
    atLeast: 0.25,
    isBaselineTimed: false,
  },
  session: { ...JOB, name: 'sessions, 5 s gap', windows: [session('5s')], atLeast: 0.25 },
  lookBack: {
    ...JOB,
    name: 'looking back 60 s from each',
    windows: [sliding('60s')],
    allowedLatenessMs: 0,
    atLeast: 0.2,
    isBaselineTimed: false,
  },
  manyKeys: { ...JOB, name: '1 m, 100,000 keys', keys: 100_000, windows: [tumbling('1m')], atLeast: 0.3 },
  asOf: {
    ...JOB,
    name: '1 m with the quote in force',
    windows: [tumbling('1m')],
    allowedLatenessMs: 0,
    maxQuoteAgeMs: 10_000,
    atLeast: 0.2,
  },
} as const satisfies Readonly<Record<string, Case>>;

export type CaseName = keyof typeof CASES;
export const CASE_NAMES = Object.keys(CASES) as CaseName[];

/** The job as a user would write it: what `bars` does, over the case's windows. */
export function topologyOf(job: Case): Topology {
  return job.maxQuoteAgeMs === null ? barsOf(job) : quotedBarsOf(job, job.maxQuoteAgeMs);
}

function barsOf({ windows, outOfOrdernessMs, allowedLatenessMs }: Case): Topology {
  return topology({
    name: 'bench',
    version: 1,
    inputs: { ticks: 'ticks' },
    build: ({ ticks }) => ({
      bench: ticks.pipe(
        watermark(bounded(outOfOrdernessMs)),
        keyBy('instrument'),
        window(windows, { allowedLatenessMs }),
        aggregate({ ...ohlcv('price', 'size'), count: count() }),
      ),
    }),
  });
}

function quotedBarsOf({ windows, outOfOrdernessMs, allowedLatenessMs }: Case, maxAgeMs: number): Topology {
  return topology({
    name: 'bench',
    version: 1,
    inputs: { ticks: 'ticks', quotes: 'quotes' },
    build: ({ ticks, quotes }) => ({
      bench: asOfJoin(
        ticks.pipe(watermark(bounded(outOfOrdernessMs)), keyBy('instrument')),
        quotes.pipe(watermark(bounded(outOfOrdernessMs)), keyBy('instrument')),
        { take: { bid: 'bid', ask: 'ask' }, maxAgeMs },
      ).pipe(
        window(windows, { allowedLatenessMs }),
        aggregate({
          ...ohlcv('price', 'size'),
          count: count(),
          quoted: count('ask'),
          bids: sum('bid'),
        }),
      ),
    }),
  });
}
