/**
 * What is in recorded frames, found by patterns in their text: independent of how they are parsed. Numbers are the digits that
 * stand there.
 */

/** Symbol, id, price, size, side, time in microseconds, whether it is old. */
export type TradeRow = readonly [string, string | null, string, string, string, string, boolean];
/** Symbol, bid, bid size, ask, ask size, time in microseconds or that of receipt. */
export type QuoteRow = readonly [string, string, string | null, string, string | null, string | 'received'];

export interface SessionOracle {
  trades(frame: string): readonly TradeRow[];
  quotes(frame: string): readonly QuoteRow[];
}

/** The text of a field, whether it is a string or a number. */
function field(text: string, name: string): string {
  return new RegExp(`"${name}":"?([^",}\\]]*)`).exec(text)?.[1] ?? `no ${name}`;
}

function fieldOrNull(text: string, name: string): string | null {
  return text.includes(`"${name}":`) ? field(text, name) : null;
}

/** The objects that have none inside. */
function innermost(frame: string): readonly string[] {
  return frame.match(/\{[^{}]*\}/g) ?? [];
}

const ofMillis = (millis: string): string => `${millis}000`;

function ofIso(iso: string): string {
  const fraction = /\.(\d+)Z$/.exec(iso)?.[1] ?? '';
  return `${Date.parse(`${iso.slice(0, 19)}Z`) / 1_000}${fraction.padEnd(6, '0')}`;
}

const BINANCE: SessionOracle = {
  trades: (frame) =>
    innermost(frame)
      .filter((text) => /"e":"(aggTrade|trade)"/.test(text))
      .map((text) => [
        field(text, 's'),
        field(text, text.includes('aggTrade') ? 'a' : 't'),
        field(text, 'p'),
        field(text, 'q'),
        text.includes('"m":true') ? 'sell' : 'buy',
        ofMillis(field(text, 'T')),
        false,
      ]),
  quotes: (frame) => {
    if (!frame.includes('@bookTicker"')) return [];
    return innermost(frame).map((text) => [
      field(text, 's'),
      field(text, 'b'),
      field(text, 'B'),
      field(text, 'a'),
      field(text, 'A'),
      text.includes('"T":') ? ofMillis(field(text, 'T')) : 'received',
    ]);
  },
};

const BITMEX: SessionOracle = {
  trades: (frame) =>
    innermost(frame)
      .filter((text) => text.includes('"trdMatchID":') && !text.includes('"guid"'))
      .map((text) => [
        field(text, 'symbol'),
        field(text, 'trdMatchID'),
        field(text, 'price'),
        field(text, 'size'),
        field(text, 'side').toLowerCase(),
        ofIso(field(text, 'timestamp')),
        frame.includes('"action":"partial"'),
      ]),
  quotes: (frame) =>
    innermost(frame)
      .filter((text) => text.includes('"bidPrice":') && !text.includes('"float"'))
      .map((text) => [
        field(text, 'symbol'),
        field(text, 'bidPrice'),
        field(text, 'bidSize'),
        field(text, 'askPrice'),
        field(text, 'askSize'),
        ofIso(field(text, 'timestamp')),
      ]),
};

const BITSTAMP: SessionOracle = {
  trades: (frame) =>
    innermost(frame)
      .filter((text) => text.includes('"price_str":'))
      .map((text) => [
        field(frame, 'channel').replace('live_trades_', ''),
        field(text, 'id'),
        field(text, 'price_str'),
        field(text, 'amount_str'),
        field(text, 'type') === '0' ? 'buy' : 'sell',
        field(text, 'microtimestamp'),
        false,
      ]),
  quotes: () => [],
};

const COINBASE: SessionOracle = {
  trades: (frame) => {
    const type = field(frame, 'type');
    if (type !== 'match' && type !== 'last_match') return [];
    const taker = field(frame, 'side') === 'sell' ? 'buy' : 'sell';
    const [symbol, id] = [field(frame, 'product_id'), field(frame, 'trade_id')];
    const [price, size, time] = [field(frame, 'price'), field(frame, 'size'), ofIso(field(frame, 'time'))];
    return [[symbol, id, price, size, taker, time, type === 'last_match']];
  },
  quotes: (frame) => {
    if (field(frame, 'type') !== 'ticker') return [];
    const [symbol, time] = [field(frame, 'product_id'), ofIso(field(frame, 'time'))];
    const sizes = ['best_bid_size', 'best_ask_size'].map((name) => fieldOrNull(frame, name));
    return [[symbol, field(frame, 'best_bid'), sizes[0] ?? null, field(frame, 'best_ask'), sizes[1] ?? null, time]];
  },
};

const KRAKEN: SessionOracle = {
  trades: (frame) => {
    const symbol = /"trade","([^"]+)"\]$/.exec(frame)?.[1];
    if (symbol === undefined) return [];
    return [...frame.matchAll(/\["([\d.]+)","([\d.]+)","([\d.]+)","([bs])"/g)].map(
      ([, price = '', size = '', seconds = '', side]) => {
        return [symbol, null, price, size, side === 'b' ? 'buy' : 'sell', seconds.replace('.', ''), false];
      },
    );
  },
  quotes: () => [],
};

const KRAKEN_FUTURES: SessionOracle = {
  trades: (frame) =>
    innermost(frame)
      .filter((text) => text.includes('"feed":"trade"') && text.includes('"uid":'))
      .map((text) => {
        const [id, price, size] = [field(text, 'uid'), field(text, 'price'), field(text, 'qty')];
        const [symbol, time] = [field(text, 'product_id'), ofMillis(field(text, 'time'))];
        return [symbol, id, price, size, field(text, 'side'), time, frame.includes('"trade_snapshot"')];
      }),
  quotes: (frame) =>
    frame.includes('"feed":"ticker_lite"') && !frame.includes('"event"')
      ? [[field(frame, 'product_id'), field(frame, 'bid'), null, field(frame, 'ask'), null, 'received']]
      : [],
};

const UPBIT: SessionOracle = {
  trades: (frame) => {
    if (field(frame, 'ty') !== 'trade') return [];
    const side = field(frame, 'ab') === 'BID' ? 'buy' : 'sell';
    const [symbol, time] = [field(frame, 'cd'), ofMillis(field(frame, 'ttms'))];
    return [[symbol, field(frame, 'sid'), field(frame, 'tp'), field(frame, 'tv'), side, time, false]];
  },
  quotes: (frame) => {
    if (field(frame, 'ty') !== 'orderbook') return [];
    const unit = innermost(frame)[0] ?? '';
    const [symbol, time] = [field(frame, 'cd'), ofMillis(field(frame, 'tms'))];
    return [[symbol, field(unit, 'bp'), field(unit, 'bs'), field(unit, 'ap'), field(unit, 'as'), time]];
  },
};

/** The first message of an instrument is the trade from before. */
function okx(): SessionOracle {
  const begun = new Set<string>();
  return {
    trades: (frame) => {
      if (!frame.includes('"data":') || !frame.includes('{"channel":"trades"')) return [];
      const symbol = field(frame, 'instId');
      const isOld = !begun.has(symbol);
      begun.add(symbol);
      return innermost(frame)
        .filter((text) => text.includes('"tradeId":'))
        .map((text) => {
          const [id, price, size] = [field(text, 'tradeId'), field(text, 'px'), field(text, 'sz')];
          return [symbol, id, price, size, field(text, 'side'), ofMillis(field(text, 'ts')), isOld];
        });
    },
    quotes: (frame) =>
      innermost(frame)
        .filter((text) => text.includes('"bidPx":'))
        .map((text) => {
          const [bid, bidSize] = [field(text, 'bidPx'), field(text, 'bidSz')];
          const [ask, askSize] = [field(text, 'askPx'), field(text, 'askSz')];
          return [field(text, 'instId'), bid, bidSize, ask, askSize, ofMillis(field(text, 'ts'))];
        }),
  };
}

/** Books as lists that are sorted anew for every frame. */
function gemini(): SessionOracle {
  const books = new Map<string, Map<string, string>>();
  const shown = new Map<string, string>();
  return {
    trades: (frame) =>
      innermost(frame)
        .filter((text) => text.includes('"type":"trade"'))
        .map((text) => {
          const [id, price, size] = [field(text, 'event_id'), field(text, 'price'), field(text, 'quantity')];
          const time = ofMillis(field(text, 'timestamp'));
          return [field(text, 'symbol'), id, price, size, field(text, 'side'), time, frame.includes('"l2_updates"')];
        }),
    quotes: (frame) => {
      if (!frame.includes('"l2_updates"')) return [];
      const symbol = field(frame, 'symbol');
      const book = books.get(symbol) ?? new Map<string, string>();
      books.set(symbol, book);
      for (const [, side = '', price = '', size = ''] of frame.matchAll(/\["(buy|sell)","([\d.]+)","([\d.]+)"\]/g)) {
        if (Number(size) === 0) book.delete(`${side} ${price}`);
        else book.set(`${side} ${price}`, size);
      }
      const ofSide = (side: string) =>
        [...book]
          .filter(([key]) => key.startsWith(side))
          .map(([key, size]) => [key.split(' ')[1] ?? '', size] as const)
          .sort(([a], [b]) => Number(a) - Number(b));
      const [bid, bidSize] = ofSide('buy').at(-1) ?? [];
      const [ask, askSize] = ofSide('sell')[0] ?? [];
      if (bid === undefined || ask === undefined) return [];
      const row = [symbol, bid, bidSize ?? null, ask, askSize ?? null, 'received'] as const;
      if (shown.get(symbol) === JSON.stringify(row)) return [];
      shown.set(symbol, JSON.stringify(row));
      return [row];
    },
  };
}

/** A new oracle for a session of the venue. */
export const ORACLES: Readonly<Record<string, () => SessionOracle>> = {
  'binance-spot': () => BINANCE,
  'binance-usdm': () => BINANCE,
  bitmex: () => BITMEX,
  bitstamp: () => BITSTAMP,
  coinbase: () => COINBASE,
  gemini,
  kraken: () => KRAKEN,
  'kraken-futures': () => KRAKEN_FUTURES,
  okx,
  upbit: () => UPBIT,
};
