import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { effort } from '../../support/effort.ts';
import { COINBASE_WIRE } from '../../support/exchange/coinbaseWire.ts';
import { ExchangeServer } from '../../support/exchange/exchangeServer.ts';
import { mishaps, tradesOfAnHour } from '../../support/exchange/session.ts';
import { type Bench, openBench } from '../support.ts';
import { expectedTicks, produceSession, sourceOf, ticksOf } from './sessionRun.ts';

/** `npm run soak` has them all. */
const DISCONNECTS = Math.min(200, effort(40));
const TRADES = 100 * DISCONNECTS;
const FROM_MICROS = Date.UTC(2024, 7, 8, 23) * 1_000;

/** The seed can be given, to repeat a run that failed. */
const seed = Number(process.env.TIDEMARK_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));

describe(`an hour at an exchange (TIDEMARK_TEST_SEED=${seed})`, () => {
  let bench: Bench;
  let server: ExchangeServer | undefined;

  beforeEach(async () => {
    bench = await openBench();
  });

  afterEach(async () => {
    await server?.close();
    await bench.close();
  });

  it('with cuts, stalls, and lost, repeated and garbled frames has every trade once, in order', {
    timeout: effort(60_000),
  }, async () => {
    const symbols = ['BTC-USD', 'ETH-USD', 'ETH-BTC'];
    const trades = tradesOfAnHour(symbols, TRADES, FROM_MICROS, seed);
    server = await ExchangeServer.start({
      ...{ wire: COINBASE_WIRE, trades, missedWhileAway: 20 },
      mishaps: mishaps(TRADES, DISCONNECTS, seed),
    });
    await produceSession(bench, sourceOf('coinbase', symbols, server), server, TRADES);
    for (const symbol of symbols) {
      const expected = expectedTicks(
        'coinbase',
        trades.filter((trade) => trade.symbol === symbol),
      );
      expect(await ticksOf(bench, `coinbase:${symbol}`)).toEqual(expected);
    }
    expect(server.connections).toBeGreaterThan(DISCONNECTS);
  });
});
