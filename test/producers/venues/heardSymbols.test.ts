import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TidemarkError } from '../../../src/errors.ts';
import { HeardSymbols } from '../../../src/producers/venues/heardSymbols.ts';
import { VENUES } from '../../../src/producers/venues/venues.ts';
import { ExchangeServer } from '../../support/exchange/exchangeServer.ts';
import { tradesOfAnHour } from '../../support/exchange/session.ts';
import { WIRES } from '../../support/exchange/wires.ts';
import { type Bench, openBench } from '../support.ts';
import { produceSession, sourceOf } from './sessionRun.ts';

const QUIET_MS = 12_345;
const COUNT = 50;

/** What is warned of when so long has passed. */
async function warnings(symbols: readonly string[], name: string, frames: readonly string[]): Promise<string[]> {
  const heard = new HeardSymbols(symbols);
  const parser = VENUES.get(name)?.openParser();
  for (const event of frames.flatMap((frame) => parser?.parse(frame, 1_700_000_000_000_000) ?? [])) heard.hear(event);
  const said: string[] = [];
  const options = { venue: { name }, url: 'ws://x', quietMs: QUIET_MS, wait: async () => {} };
  await heard.watch({ ...options, onWarning: ({ message }) => said.push(message) }, new AbortController().signal);
  return said;
}

describe('a symbol of which nothing has come', () => {
  let bench: Bench;

  beforeEach(async () => {
    bench = await openBench();
  });

  afterEach(() => bench.close());

  it('is warned of, and no other: a trade, a best quote, a sign of life or a word of it is enough', async () => {
    const trade =
      '{"ty":"trade","cd":"KRW-A","tp":1,"tv":1,"ab":"BID","sid":1,"ttms":1700000000000,"tms":1700000000000}';
    const book =
      '{"ty":"orderbook","cd":"KRW-B","tms":1700000000000,"obu":[{"ap":2,"bp":1,"as":1,"bs":1}],"st":"SNAPSHOT"}';
    const symbols = ['KRW-A', 'KRW-B', 'KRW-C', 'KRW-D'];
    expect(await warnings(symbols, 'upbit', [trade, book, '{"status":"UP"}'])).toEqual([
      `upbit has said nothing of KRW-C, KRW-D for ${QUIET_MS} ms`,
    ]);
    const heartbeat =
      '{"type":"heartbeat","last_trade_id":null,"product_id":"A-USD","sequence":1,"time":"2023-11-14T22:13:20Z"}';
    const accepted = '{"type":"subscriptions","channels":[{"name":"matches","product_ids":["B-USD"]}]}';
    expect(await warnings(['A-USD', 'B-USD'], 'coinbase', [heartbeat, accepted])).toEqual([]);
    // Binance accepts what it is asked for as a whole, whatever it has of it.
    expect(await warnings(['NONE'], 'binance-spot', ['{"result":null,"id":1}'])).toHaveLength(1);
  });

  it('is warned of at an exchange that takes a subscription without a word, and the others go on', async () => {
    const { wire } = WIRES.get('upbit') ?? {};
    if (wire === undefined) throw new Error('no wire');
    const trades = tradesOfAnHour(['KRW-BTC'], COUNT, Date.UTC(2024, 7, 8, 23) * 1_000, 5);
    const server = await ExchangeServer.start({ wire, trades, mishaps: [], missedWhileAway: 0 });
    const said: TidemarkError[] = [];
    // So long has passed once a trade has come.
    let pass = (): void => {};
    const passed = new Promise<void>((done) => {
      pass = done;
    });
    const source = sourceOf('upbit', ['KRW-BTC', 'KRW-NOPE'], server, {
      quietMs: QUIET_MS,
      onWarning: (error) => said.push(error),
      wait: (ms, signal) =>
        ms === QUIET_MS ? passed : new Promise((done) => setTimeout(done, signal.aborted ? 0 : Math.min(ms, 5))),
    });
    try {
      const produced = produceSession(bench, source, server, COUNT);
      while ((await bench.log.listTopics()).length === 0 || (await tickCount()) === 0) {
        await new Promise(setImmediate);
      }
      pass();
      await produced;
    } finally {
      await server.close();
    }
    expect(said.map(({ code, message }) => [code, message])).toEqual([
      ['TM_VENUE_QUIET', `upbit has said nothing of KRW-NOPE for ${QUIET_MS} ms`],
    ]);
    expect(await tickCount()).toBe(COUNT);
  });

  async function tickCount(): Promise<number> {
    const known = (await bench.log.listTopics()).some(({ topic }) => topic === 'ticks');
    return known ? (await bench.log.ranges('ticks')).reduce((sum, { end }) => sum + end, 0) : 0;
  }
});
