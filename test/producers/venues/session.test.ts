import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { VENUES } from '../../../src/producers/venues/venues.ts';
import { effort } from '../../support/effort.ts';
import { ExchangeServer, type Mishap } from '../../support/exchange/exchangeServer.ts';
import { mishaps, tradesOfAnHour } from '../../support/exchange/session.ts';
import type { Wire } from '../../support/exchange/wire.ts';
import { WIRES } from '../../support/exchange/wires.ts';
import { type Bench, openBench } from '../support.ts';
import { expectedTicks, produceSession, SessionProgress, sourceOf, ticksOf } from './sessionRun.ts';

/** `npm run soak` has them all. */
const DISCONNECTS = Math.min(200, effort(40));
const DISCONNECTS_A_VENUE = Math.min(200, effort(8));
const TRADES_A_DISCONNECT = 100;
/** Trades from before the session. */
const BEFORE = 20;
/** More than any exchange gives in one answer. */
const MISSED = 2_500;
const TRADES_AROUND = 200;
/** The exchange waits for what it shows to be produced, so that most of it comes by the stream and not by its history. */
const MOST_AHEAD = 10;
const FROM_MICROS = Date.UTC(2024, 7, 8, 23) * 1_000;

/** The seed can be given, to repeat a run that failed. */
const seed = Number(process.env.TIDEMARK_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));

/** Each third request for past trades fails: in turn for its rate, in the server, and by an answer that is cut short. */
const REFUSALS = [
  { status: 429, body: 'slow down' },
  { status: 503, body: '' },
  { status: 200, body: '[{"trade_id": 1, ' },
] as const;
const refuse = (request: number) => (request % 3 === 2 ? (REFUSALS[Math.floor(request / 3) % 3] ?? null) : null);

describe(`an hour at an exchange (TIDEMARK_TEST_SEED=${seed})`, () => {
  let bench: Bench;
  let server: ExchangeServer | undefined;
  let progress = new SessionProgress();

  beforeEach(async () => {
    bench = await openBench();
  });

  afterEach(async () => {
    progress.isOver = true;
    await server?.close();
    await bench.close();
  });

  /** Produces a session with cuts, stalls and spoilt frames; gives what was produced and what truly happened, by symbol. */
  async function produced(name: string, symbols: readonly string[], wire: Wire, disconnects: number) {
    const trades = tradesOfAnHour(symbols, BEFORE + disconnects * TRADES_A_DISCONNECT, FROM_MICROS, seed);
    const count = trades.length - BEFORE;
    // A frame that is lost while the connection stands shows by ids that rise by one, and by nothing else.
    const showsLoss = VENUES.get(name)?.tradeIds === 'consecutive';
    const during = mishaps(count, disconnects, seed).map((one) => (one === 'lost' && !showsLoss ? 'none' : one));
    const none: readonly Mishap[] = Array.from({ length: BEFORE }, () => 'none' as const);
    progress = new SessionProgress();
    const pace = (happened: number) => progress.atLeast(happened - BEFORE - MOST_AHEAD, server);
    const session = { wire, trades, before: BEFORE, missedWhileAway: 20, mishaps: [...none, ...during], refuse, pace };
    server = await ExchangeServer.start(session);
    await produceSession(bench, sourceOf(name, symbols, server), server, count, progress);
    expect(server.connections).toBeGreaterThan(disconnects);
    const reasons = (await bench.records('deadletter')).map(({ reason }) => reason);
    expect(reasons).not.toContain('gap');
    const happened = trades.slice(BEFORE);
    return Promise.all(
      symbols.map(async (symbol) => ({
        ticks: await ticksOf(bench, `${name}:${symbol}`),
        trades: happened.filter((trade) => trade.symbol === symbol),
      })),
    );
  }

  it('with cuts, stalls, and lost, repeated and garbled frames has every trade once, in order', {
    timeout: effort(60_000),
  }, async () => {
    const symbols = ['BTC-USD', 'ETH-USD', 'ETH-BTC'];
    const wire = WIRES.get('coinbase')?.wire as Wire;
    for (const { ticks, trades } of await produced('coinbase', symbols, wire, DISCONNECTS)) {
      expect(ticks).toEqual(expectedTicks('coinbase', trades));
    }
  });

  it.each([...WIRES])('is whole at %s', { timeout: 30_000 }, async (name, { wire, symbols, id }) => {
    for (const { ticks, trades } of await produced(name, symbols, wire, DISCONNECTS_A_VENUE)) {
      expect(ticks.map(known)).toEqual(expectedTicks(name, trades, id).map(known));
    }
  });

  it.each([...WIRES])(
    'is whole after a long absence at %s',
    { timeout: 60_000 },
    async (name, { wire, symbols, id }) => {
      const symbol = symbols[0] ?? '';
      const trades = tradesOfAnHour([symbol], BEFORE + TRADES_AROUND + MISSED, FROM_MICROS, seed);
      const mishaps = trades.map((_, n): Mishap => (n === BEFORE + TRADES_AROUND / 2 ? 'cut' : 'none'));
      server = await ExchangeServer.start({ wire, trades, before: BEFORE, missedWhileAway: MISSED, mishaps });
      await produceSession(bench, sourceOf(name, [symbol], server), server, trades.length - BEFORE);
      const expected = expectedTicks(name, trades.slice(BEFORE), id);
      expect((await ticksOf(bench, `${name}:${symbol}`)).map(known)).toEqual(expected.map(known));
      expect(await bench.records('deadletter')).toEqual([]);
    },
  );

  /** Bitstamp's past trades have whole seconds. */
  function known(tick: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
    if (!String(tick.instrument).startsWith('bitstamp:')) return tick;
    return { ...tick, eventTime: Math.floor(Number(tick.eventTime) / 1e6) };
  }
});
