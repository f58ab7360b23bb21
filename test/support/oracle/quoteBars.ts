import { basename } from 'node:path';
import { compare, type Decimal, midpoint, parseDecimal, toDouble } from './decimal.ts';
import { readLines } from './files.ts';
import type { Row } from './rows.ts';
import { type Interval, isoTime, type TimedEvent, tumble, type WindowOf } from './tumble.ts';

export interface Quote extends TimedEvent {
  readonly bid: Decimal;
  readonly ask: Decimal;
}

/** Where local midnight of a file's date lies after 00:00 UTC: Oanda's files are in UTC, FXCM's in fixed UTC-05:00. */
const MIDNIGHT_AFTER_UTC_MS: Readonly<Record<string, number>> = { oanda: 0, fxcm: 5 * 3_600_000 };

/** Quotes of `{venue}_{pair}_{yyyymmdd}_tick_quote.csv.gz`: `ms,bid,ask` since local midnight, in the file's order. */
export function readQuotes(path: string): Quote[] {
  const parts = /^(\w+?)_(\w+?)_(\d{4})(\d\d)(\d\d)_tick_quote\.csv\.gz$/.exec(basename(path));
  if (parts === null) throw new SyntaxError(`${path}: not the name of a quotes file`);
  const [, venue = '', pair = '', year, month, day] = parts;
  const midnightAfterUtcMs = MIDNIGHT_AFTER_UTC_MS[venue];
  if (midnightAfterUtcMs === undefined) throw new SyntaxError(`${path}: the time zone of ${venue} is unknown`);
  const midnightMs = Date.UTC(Number(year), Number(month) - 1, Number(day)) + midnightAfterUtcMs;
  return readLines(path).map((line) => {
    const [ms, bid = '', ask = ''] = line.split(',');
    return {
      symbol: `${venue}:${pair.toUpperCase()}`,
      timeMs: midnightMs + Number(ms),
      bid: parseDecimal(bid),
      ask: parseDecimal(ask),
    };
  });
}

/**
 * Bars of mid prices, each price the double nearest to the exact (bid + ask) / 2. Quotes have no number of their own, so
 * those of the same instant are ordered as they arrived: the first of them can open, the last can close.
 */
export function midBars(quotes: readonly Quote[], interval: Interval): Row[] {
  return tumble(quotes, interval).map(midBar);
}

function midBar(window: WindowOf<Quote>): Row {
  // Array.prototype.sort is stable: equal times keep the order of arrival.
  const byTime = [...window.events].sort((a, b) => a.timeMs - b.timeMs);
  const mids = byTime.map((quote) => midpoint(quote.bid, quote.ask));
  const byPrice = [...mids].sort(compare);
  const price = (mid: Decimal | undefined) => String(toDouble(mid as Decimal));
  return {
    symbol: window.symbol,
    interval: window.interval,
    start: isoTime(window.startMs),
    end: isoTime(window.endMs),
    open: price(mids[0]),
    high: price(byPrice[byPrice.length - 1]),
    low: price(byPrice[0]),
    close: price(mids[mids.length - 1]),
    count: String(mids.length),
  };
}
