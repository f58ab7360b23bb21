import { describe, expect, it } from 'vitest';
import type { Venue, VenueEvent } from '../../../src/producers/venues/venue.ts';
import { VENUES } from '../../../src/producers/venues/venues.ts';
import { HAS_RECORDINGS } from '../market/recorded.ts';
import { ORACLES, type QuoteRow, type TradeRow } from './oracle.ts';
import { binanceFrames, type RecordedFrame, recordedFrames, SESSIONS } from './sessions.ts';

/** Trades and best quotes of each session; so many of the trades are old. */
const COUNTS: Readonly<Record<string, readonly [trades: number, old: number, quotes: number]>> = {
  'binance-spot': [2, 0, 84],
  'binance-usdm': [91, 0, 613],
  bitmex: [27, 10, 436],
  bitstamp: [10, 0, 0],
  coinbase: [107, 10, 107],
  gemini: [516, 500, 232],
  kraken: [10, 0, 0],
  'kraken-futures': [1_003, 1_000, 107],
  okx: [74, 3, 28],
  upbit: [304, 0, 145],
};

function venueOf(name: string): Venue {
  const venue = VENUES.get(name);
  if (venue === undefined) throw new Error(`no venue ${name}`);
  return venue;
}

const microsOf = (seconds: string): number => Math.round(Number(seconds) * 1e6);

function eventsOf(name: string, frames: readonly RecordedFrame[]): readonly VenueEvent[] {
  const parser = venueOf(name).openParser();
  return frames.flatMap(({ seconds, frame }) => parser.parse(frame, microsOf(seconds)));
}

function tradeRows(events: readonly VenueEvent[]): readonly TradeRow[] {
  return events.flatMap((event) => {
    if (event.kind !== 'trade') return [];
    const { symbol, tradeId, price, size, side, eventMicros, isOld } = event;
    return [[symbol, tradeId, price, size, String(side), String(eventMicros), isOld] as const];
  });
}

function quoteRows(events: readonly VenueEvent[]): readonly QuoteRow[] {
  return events.flatMap((event) => {
    if (event.kind !== 'quote') return [];
    const { symbol, bid, bidSize, ask, askSize, eventMicros } = event;
    return [[symbol, bid, bidSize, ask, askSize, String(eventMicros)] as const];
  });
}

function checkSession(name: string, frames: readonly RecordedFrame[]): readonly [number, number, number] {
  const oracle = ORACLES[name]?.();
  if (oracle === undefined) throw new Error(`no oracle for ${name}`);
  const events = eventsOf(name, frames);
  expect(events.filter(({ kind }) => kind === 'fault' || kind === 'error')).toEqual([]);
  const trades = tradeRows(events);
  expect(trades).toEqual(frames.flatMap(({ frame }) => oracle.trades(frame)));
  const quotes = frames.flatMap(({ frame, seconds }) =>
    oracle
      .quotes(frame)
      .map(([symbol, bid, bidSize, ask, askSize, time]) => [
        ...[symbol, bid, bidSize, ask, askSize],
        time === 'received' ? String(microsOf(seconds)) : time,
      ]),
  );
  expect(quoteRows(events)).toEqual(quotes);
  return [trades.length, trades.filter(([, , , , , , isOld]) => isOld).length, quotes.length];
}

describe.skipIf(!HAS_RECORDINGS)('a recorded session', () => {
  it.each(SESSIONS)('of %s gives its trades and best quotes, digit by digit', (name, path) => {
    expect(checkSession(name, recordedFrames(path))).toEqual(COUNTS[name]);
  });

  it.each([
    ['binance-spot', 'crypto_ticks/raw/spot_btcusdt_20240809_first3000.log.gz'],
    ['binance-usdm', 'crypto_ticks/raw/usdm_btcusdt_20240808_first3000.log.gz'],
  ])('of %s with single trades gives them all', (name, path) => {
    const [trades, , quotes] = checkSession(name, binanceFrames(path));
    expect(trades).toBeGreaterThan(100);
    expect(quotes).toBeGreaterThan(1_000);
  });

  it.each(SESSIONS.filter(([name]) => !['binance-spot', 'binance-usdm', 'upbit'].includes(name)))(
    'of %s says that it is subscribed, or is alive',
    (name, path) => {
      const kinds = new Set(eventsOf(name, recordedFrames(path)).map(({ kind }) => kind));
      expect([...kinds]).toContain('subscribed');
    },
  );
});
