import { setTimeout as pause } from 'node:timers/promises';
import type { Log } from '../../../src/log/log.ts';
import { MarketClient } from '../../../src/producers/market/client.ts';
import { RequestBudget } from '../../../src/producers/market/requestBudget.ts';
import { HISTORIES } from '../../../src/producers/venues/histories/histories.ts';
import { StoredTrades } from '../../../src/producers/venues/storedTrades.ts';
import type { VenueSourceOptions } from '../../../src/producers/venues/venueRun.ts';
import { VenueSource } from '../../../src/producers/venues/venueSource.ts';
import { VENUES } from '../../../src/producers/venues/venues.ts';
import type { ExchangeServer } from '../../support/exchange/exchangeServer.ts';
import type { TrueTrade } from '../../support/exchange/wire.ts';
import { seededRandom } from '../../support/killing.ts';
import { memoryStore } from '../market/fakeClock.ts';
import { type Bench, NOW_MS } from '../support.ts';

/** A stalled exchange is given up after so long; on a machine that has much to do, a live one may be as quiet for less. */
const SILENCE_MS = 500;
const LONGEST_WAIT_MS = 5;

/** The clock of a run: real, since sockets are, from a time after the trades of the tests. */
const beganMs = performance.now();
export const now = (): number => Math.floor(NOW_MS + performance.now() - beganMs);

/** Waits are real and short: what is waited for is on this machine. */
async function wait(ms: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((done) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      done();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
    if (signal.aborted) end();
  });
}

/** A venue's source that talks to a server of the tests. */
export function sourceOf(
  name: string,
  symbols: readonly string[],
  server: Pick<ExchangeServer, 'address'>,
  options: Partial<VenueSourceOptions> = {},
): VenueSource {
  const venue = VENUES.get(name);
  const history = HISTORIES.get(name);
  if (venue === undefined || history === undefined) throw new Error(`no venue ${name}`);
  const random = seededRandom(7);
  const budget = new RequestBudget({ store: memoryStore(), name: 'test', limits: [], maxWaitMs: 0, now, wait });
  const bounds = {
    timeoutMs: 5_000,
    maxBytes: 16_777_216,
    retries: 3,
    backoffMs: LONGEST_WAIT_MS,
    maxBackoffMs: LONGEST_WAIT_MS,
  };
  return new VenueSource({
    venue: { ...venue, silenceMs: SILENCE_MS },
    url: `ws://${server.address}`,
    symbols,
    bounds: {
      ...{ connectMs: 5_000, maxFrameBytes: 1_048_576, queueBytes: 67_108_864 },
      ...{ backoffMs: LONGEST_WAIT_MS, maxBackoffMs: LONGEST_WAIT_MS },
    },
    quietMs: 3_600_000,
    maxHeld: 1_000,
    repair: {
      client: new MarketClient({ fetch, now, wait, random, bounds, budget }),
      history,
      historyUrl: `http://${server.address}`,
      tries: 20,
      maxTrades: 10_000,
      waitMs: LONGEST_WAIT_MS,
    },
    storedTrades: async () => StoredTrades.NONE,
    random,
    wait,
    onOutage: () => {},
    onWarning: () => {},
    onClock: () => {},
    ...options,
  });
}

/** How far a run has come. */
export class SessionProgress {
  records = 0;
  isOver = false;

  /** Resolves once so many are there, or never more will be, or the client has connected anew: it may wait for a frame then. */
  async atLeast(records: number, server: Pick<ExchangeServer, 'connections'> | undefined): Promise<void> {
    const connections = server?.connections;
    while (this.records < records && !this.isOver && server?.connections === connections) await pause(1);
  }
}

/** Produces while the server plays its session, until as many records are there as trades happened. */
export async function produceSession(
  bench: Bench,
  source: VenueSource,
  server: ExchangeServer,
  trades: number,
  progress = new SessionProgress(),
): Promise<void> {
  const stop = new AbortController();
  void server.play();
  try {
    await bench.produce(source, {
      ...{ now, allowLate: true, signal: stop.signal },
      bounds: { maxRecords: 500, maxBytes: 4_194_304, maxMs: 1 },
      onProgress({ records }) {
        progress.records = records;
        if (records >= trades) stop.abort();
      },
    });
  } finally {
    progress.isOver = true;
  }
}

/** How many records `ticks` has. */
export async function produced(log: Log): Promise<number> {
  const known = (await log.listTopics()).some(({ topic }) => topic === 'ticks');
  return known ? (await log.ranges('ticks')).reduce((sum, range) => sum + range.end, 0) : 0;
}

/** The true trades as records of `ticks`, without when they were received. */
export function expectedTicks(
  venue: string,
  trades: readonly TrueTrade[],
  idOf: (id: number) => string = String,
): readonly Readonly<Record<string, unknown>>[] {
  return trades.map(({ symbol, id, micros, price, size, side }) => ({
    instrument: `${venue}:${symbol}`,
    eventTime: micros,
    price: Number(price),
    size: Number(size),
    side,
    tradeId: idOf(id),
  }));
}

/** Records of `ticks` of one instrument, in the log's order, with the same fields. */
export async function ticksOf(
  bench: Pick<Bench, 'records'>,
  instrument: string,
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const records = await bench.records('ticks');
  return records
    .filter((record) => record.instrument === instrument)
    .map(({ eventTime, price, size, side, tradeId }) => ({ instrument, eventTime, price, size, side, tradeId }));
}
