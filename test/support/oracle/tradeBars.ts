import { add, compare, type Decimal, formatDecimal, multiply, nearestQuotient, parseDecimal, ZERO } from './decimal.ts';
import { readLines } from './files.ts';
import type { Row } from './rows.ts';
import { type Interval, isoTime, type TimedEvent, tumble, type WindowOf } from './tumble.ts';

export interface Trade extends TimedEvent {
  readonly tradeId: bigint;
  readonly price: Decimal;
  readonly size: Decimal;
}

/** Trades of a `recv_ns,market,symbol,event_ms,trade_ms,trade_id,price,qty,…` file, in the file's order. */
export function readTrades(path: string): Trade[] {
  const [header, ...lines] = readLines(path);
  if (!header?.startsWith('recv_ns,market,symbol,event_ms,trade_ms,trade_id,price,qty')) {
    throw new SyntaxError(`${path}: not a trades file: ${header}`);
  }
  return lines.map((line) => {
    const [, market, symbol, , tradeMs, tradeId = '', price = '', qty = ''] = line.split(',');
    return {
      symbol: `binance-${market}:${symbol}`,
      timeMs: Number(tradeMs),
      tradeId: BigInt(tradeId),
      price: parseDecimal(price),
      size: parseDecimal(qty),
    };
  });
}

/** Bars of one interval in the columns of `tidemark bars`, and `notional`; revision is left out, since it tells of emissions. */
export function tradeBars(trades: readonly Trade[], interval: Interval): Row[] {
  return tumble(trades, interval).map(tradeBar);
}

function tradeBar(window: WindowOf<Trade>): Row {
  const byTime = [...window.events].sort(
    (a, b) => a.timeMs - b.timeMs || (a.tradeId < b.tradeId ? -1 : a.tradeId > b.tradeId ? 1 : 0),
  );
  const open = byTime[0] as Trade;
  const close = byTime[byTime.length - 1] as Trade;
  let high = open.price;
  let low = open.price;
  let volume = ZERO;
  let notional = ZERO;
  for (const trade of byTime) {
    if (compare(trade.price, high) > 0) high = trade.price;
    if (compare(trade.price, low) < 0) low = trade.price;
    volume = add(volume, trade.size);
    notional = add(notional, multiply(trade.price, trade.size));
  }
  return {
    symbol: window.symbol,
    start: isoTime(window.startMs),
    end: isoTime(window.endMs),
    open: formatDecimal(open.price),
    high: formatDecimal(high),
    low: formatDecimal(low),
    close: formatDecimal(close.price),
    volume: formatDecimal(volume),
    notional: formatDecimal(notional),
    vwap: String(nearestQuotient(notional, volume)),
    count: String(byTime.length),
  };
}
