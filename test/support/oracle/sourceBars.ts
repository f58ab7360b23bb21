import { add, compare, type Decimal, formatDecimal, parseDecimal, ZERO } from './decimal.ts';
import { readLines } from './files.ts';
import type { Row } from './rows.ts';
import { type Interval, isoTime, type TimedEvent, tumble } from './tumble.ts';

/** A bar that an exchange published; its time is the bar's start. */
export interface PublishedBar extends TimedEvent {
  readonly open: Decimal;
  readonly high: Decimal;
  readonly low: Decimal;
  readonly close: Decimal;
  readonly volume: Decimal;
}

/** Bars of a `ms,open,high,low,close,volume` file of one day, `ms` since 00:00 UTC of `date` (yyyy-mm-dd). */
export function readDayOfBars(path: string, symbol: string, date: string): PublishedBar[] {
  const midnightMs = Date.parse(`${date}T00:00:00Z`);
  return readLines(path).map((line) => {
    const [ms, ...prices] = line.split(',');
    return publishedBar(symbol, midnightMs + Number(ms), prices);
  });
}

/** Bars of a `YYYYMMDD HH:MM,open,high,low,close,volume` file, in UTC. */
export function readDailyBars(path: string, symbol: string): PublishedBar[] {
  return readLines(path).map((line) => {
    const [day = '', ...prices] = line.split(',');
    const iso = day.replace(/^(\d{4})(\d\d)(\d\d) (\d\d:\d\d)$/, '$1-$2-$3T$4:00Z');
    return publishedBar(symbol, Date.parse(iso), prices);
  });
}

function publishedBar(symbol: string, timeMs: number, prices: readonly string[]): PublishedBar {
  if (prices.length !== 5 || Number.isNaN(timeMs)) throw new SyntaxError(`not a bar: ${timeMs} ${prices.join(',')}`);
  const [open, high, low, close, volume] = prices.map(parseDecimal) as [Decimal, Decimal, Decimal, Decimal, Decimal];
  return { symbol, timeMs, open, high, low, close, volume };
}

/** Rolls bars up: earliest open, highest high, lowest low, latest close, sum of the volumes. */
export function rollUp(bars: readonly PublishedBar[], interval: Interval): PublishedBar[] {
  return tumble(bars, interval).map(({ symbol, startMs, events }) => {
    const byTime = [...events].sort((a, b) => a.timeMs - b.timeMs);
    const first = byTime[0] as PublishedBar;
    const last = byTime[byTime.length - 1] as PublishedBar;
    const highs = byTime.map((bar) => bar.high).sort(compare);
    const lows = byTime.map((bar) => bar.low).sort(compare);
    return {
      symbol,
      timeMs: startMs,
      open: first.open,
      high: highs[highs.length - 1] as Decimal,
      low: lows[0] as Decimal,
      close: last.close,
      volume: byTime.map((bar) => bar.volume).reduce(add, ZERO),
    };
  });
}

export function publishedRows(bars: readonly PublishedBar[], interval: Interval): Row[] {
  return bars.map((bar) => ({
    symbol: bar.symbol,
    interval,
    start: isoTime(bar.timeMs),
    open: formatDecimal(bar.open),
    high: formatDecimal(bar.high),
    low: formatDecimal(bar.low),
    close: formatDecimal(bar.close),
    volume: formatDecimal(bar.volume),
  }));
}
