import { COINBASE_WIRE } from './coinbaseWire.ts';
import type { TrueTrade, Wire } from './wire.ts';

/*
 * What the venues' documents say of their messages; of the streams' the recordings say the same, of past trades there are none.
 */

const iso = (micros: number): string => new Date(micros / 1_000).toISOString();
const ms = (micros: number): number => micros / 1_000;
const cap = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
const latest = (trades: readonly TrueTrade[], limit: number): TrueTrade[] => trades.slice(-limit).reverse();
/** Ids with gaps, as of venues that count all their symbols together. */
export const GAPS = 7;

function of(happened: readonly TrueTrade[], symbol: string | null | undefined): readonly TrueTrade[] {
  return happened.filter((trade) => trade.symbol === symbol);
}

const BINANCE: Wire = {
  asked: (frame) => {
    const { params } = JSON.parse(frame) as { params: string[] };
    return params
      .filter((stream) => stream.endsWith('@aggTrade'))
      .map((stream) => stream.split('@')[0]?.toUpperCase() ?? '');
  },
  welcome: () => [JSON.stringify({ result: null, id: 1 })],
  trade: ({ symbol, id, micros, price, size, side }) => {
    const data = {
      e: 'aggTrade',
      E: ms(micros) + 3,
      s: symbol,
      a: id,
      p: price,
      q: size,
      f: id,
      l: id,
      T: ms(micros),
      m: side === 'sell',
    };
    return JSON.stringify({ stream: `${symbol.toLowerCase()}@aggTrade`, data });
  },
  heartbeat: () => null,
  history({ searchParams }, happened) {
    const from = Number(searchParams.get('fromId'));
    const limit = Number(searchParams.get('limit'));
    const next = of(happened, searchParams.get('symbol')).filter(({ id }) => id >= from);
    return JSON.stringify(
      next.slice(0, limit).map(({ id, micros, price, size, side }) => {
        return { a: id, p: price, q: size, f: id, l: id, T: ms(micros), m: side === 'sell', M: true };
      }),
    );
  },
};

const KRAKEN: Wire = {
  asked: (frame) => {
    const { params } = JSON.parse(frame) as { params: { channel: string; symbol: string[] } };
    return params.channel === 'trade' ? params.symbol : [];
  },
  welcome: (symbols, happened) =>
    symbols.map((symbol) => {
      const data = of(happened, symbol).slice(-50).map(krakenTrade);
      return JSON.stringify({ channel: 'trade', type: 'snapshot', data });
    }),
  trade: (trade) => JSON.stringify({ channel: 'trade', type: 'update', data: [krakenTrade(trade)] }),
  heartbeat: () => null,
  history({ searchParams }, happened) {
    const since = BigInt(searchParams.get('since') ?? 0);
    const pair = searchParams.get('pair');
    const next = happened.filter(
      ({ symbol, micros }) => symbol.replace('/', '') === pair && BigInt(micros) * 1_000n > since,
    );
    const rows = next.slice(0, Number(searchParams.get('count'))).map(({ id, micros, price, size, side }) => {
      // A time is a number of seconds with its decimals: doubles do not have them all.
      return `["${price}","${size}",${Math.floor(micros / 1e6)}.${String(micros % 1e6).padStart(6, '0')},"${side[0]}","l","",${id}]`;
    });
    return `{"error":[],"result":{"X${pair}":[${rows.join()}],"last":"0"}}`;
  },
};

function krakenTrade({ symbol, id, micros, price, size, side }: TrueTrade) {
  return {
    symbol,
    side,
    price: Number(price),
    qty: Number(size),
    ord_type: 'limit',
    trade_id: id,
    timestamp: iso(micros),
  };
}

const KRAKEN_FUTURES: Wire = {
  asked: (frame) => {
    const { feed, product_ids } = JSON.parse(frame) as { feed: string; product_ids: string[] };
    return feed === 'trade' ? product_ids : [];
  },
  welcome: (symbols, happened) =>
    symbols.flatMap((symbol) => {
      const trades = latest(of(happened, symbol), 100).map(krakenFuturesTrade);
      return [
        JSON.stringify({ event: 'subscribed', feed: 'trade', product_ids: [symbol] }),
        JSON.stringify({ feed: 'trade_snapshot', product_id: symbol, trades }),
      ];
    }),
  trade: (trade) => JSON.stringify(krakenFuturesTrade(trade)),
  heartbeat: () => null,
  history({ searchParams }, happened) {
    const before = Date.parse(searchParams.get('lastTime') ?? '2100-01-01T00:00:00Z') * 1_000;
    const prior = of(happened, searchParams.get('symbol')).filter(({ micros }) => micros < before);
    const history = latest(prior, 100).map(({ id, micros, price, size, side }) => {
      const numbers = { price: Number(price), size: Number(size) };
      return { time: iso(micros), trade_id: id % 100 || 100, ...numbers, side, type: 'fill', uid: `uid-${id}` };
    });
    return JSON.stringify({ result: 'success', history, serverTime: iso(0) });
  },
};

function krakenFuturesTrade({ symbol, id, micros, price, size, side }: TrueTrade) {
  const numbers = { qty: Number(size), price: Number(price) };
  return {
    ...{ feed: 'trade', product_id: symbol, uid: `uid-${id}`, side, type: 'fill', seq: id },
    ...{ time: ms(micros), ...numbers },
  };
}

const BITMEX: Wire = {
  asked: (frame) => {
    if (frame === 'ping') return [];
    const { args } = JSON.parse(frame) as { args: string[] };
    return args.filter((arg) => arg.startsWith('trade:')).map((arg) => arg.slice('trade:'.length));
  },
  welcome: (symbols, happened) =>
    symbols.map((symbol) => {
      const data = of(happened, symbol).slice(-1).map(bitmexTrade);
      return JSON.stringify({ table: 'trade', action: 'partial', data });
    }),
  trade: (trade) => JSON.stringify({ table: 'trade', action: 'insert', data: [bitmexTrade(trade)] }),
  heartbeat: () => null,
  history({ searchParams }, happened) {
    const from = Date.parse(searchParams.get('startTime') ?? '');
    const next = of(happened, searchParams.get('symbol')).filter(({ micros }) => ms(micros) >= from);
    return JSON.stringify(next.slice(0, Number(searchParams.get('count'))).map(bitmexTrade));
  },
};

function bitmexTrade({ symbol, id, micros, price, size, side }: TrueTrade) {
  return {
    timestamp: iso(micros),
    symbol,
    side: cap(side),
    size: Number(size),
    price: Number(price),
    trdMatchID: `match-${id}`,
  };
}

const OKX: Wire = {
  asked: (frame) => {
    if (frame === 'ping') return [];
    const { args } = JSON.parse(frame) as { args: { channel: string; instId: string }[] };
    return args.filter(({ channel }) => channel === 'trades').map(({ instId }) => instId);
  },
  welcome: (symbols, happened) =>
    symbols.flatMap((instId) => [
      JSON.stringify({ event: 'subscribe', arg: { channel: 'trades', instId } }),
      ...of(happened, instId)
        .slice(-1)
        .map((trade) => OKX.trade(trade)),
    ]),
  trade: (trade) => JSON.stringify({ arg: { channel: 'trades', instId: trade.symbol }, data: [okxTrade(trade)] }),
  heartbeat: () => null,
  history({ searchParams }, happened) {
    const after = Number(searchParams.get('after') ?? Number.POSITIVE_INFINITY);
    const before = of(happened, searchParams.get('instId')).filter(({ id }) => id * GAPS < after);
    return JSON.stringify({
      code: '0',
      msg: '',
      data: latest(before, Number(searchParams.get('limit'))).map(okxTrade),
    });
  },
};

function okxTrade({ symbol, id, micros, price, size, side }: TrueTrade) {
  return { instId: symbol, tradeId: String(id * GAPS), px: price, sz: size, side, ts: String(ms(micros)) };
}

const UPBIT: Wire = {
  asked: (frame) => {
    if (frame === 'PING') return [];
    const parts = JSON.parse(frame) as { type?: string; codes?: string[] }[];
    return parts.find(({ type }) => type === 'trade')?.codes ?? [];
  },
  welcome: () => [],
  trade: ({ symbol, id, micros, price, size, side }) => {
    const sums = { pcp: 1, c: 'RISE', cp: 1 };
    const time = { tms: ms(micros) + 5, ttms: ms(micros), td: '2024-08-08', ttm: '00:00:00' };
    const ab = side === 'buy' ? 'BID' : 'ASK';
    return JSON.stringify({
      ty: 'trade',
      cd: symbol,
      tp: Number(price),
      tv: Number(size),
      ab,
      sid: id * GAPS,
      st: 'REALTIME',
      ...time,
      ...sums,
    });
  },
  heartbeat: () => null,
  history({ searchParams }, happened) {
    const cursor = Number(searchParams.get('cursor') ?? Number.POSITIVE_INFINITY);
    const before = of(happened, searchParams.get('market')).filter(({ id }) => id * GAPS < cursor);
    return JSON.stringify(
      latest(before, Number(searchParams.get('count'))).map(({ symbol, id, micros, price, size, side }) => {
        const ask_bid = side === 'buy' ? 'BID' : 'ASK';
        const trade = { trade_price: Number(price), trade_volume: Number(size), ask_bid, sequential_id: id * GAPS };
        return { market: symbol, timestamp: ms(micros), ...trade };
      }),
    );
  },
};

const GEMINI: Wire = {
  asked: (frame) => {
    const { subscriptions } = JSON.parse(frame) as { subscriptions: { symbols: string[] }[] };
    return subscriptions.flatMap(({ symbols }) => symbols);
  },
  welcome: (symbols, happened) =>
    symbols.map((symbol) => {
      const trades = latest(of(happened, symbol), 50).map(geminiTrade);
      return JSON.stringify({ type: 'l2_updates', symbol, changes: [], trades, auction_events: [] });
    }),
  trade: (trade) => JSON.stringify(geminiTrade(trade)),
  heartbeat: () => null,
  history({ pathname, searchParams }, happened) {
    const symbol = pathname.split('/')[3]?.toUpperCase();
    const next = of(happened, symbol).filter(({ id }) => id * GAPS > Number(searchParams.get('since_tid')));
    return JSON.stringify(
      next
        .slice(0, Number(searchParams.get('limit_trades')))
        .reverse()
        .map(({ id, micros, price, size, side }) => {
          return {
            timestamp: Math.floor(micros / 1e6),
            timestampms: ms(micros),
            tid: id * GAPS,
            price,
            amount: size,
            exchange: 'gemini',
            type: side,
          };
        }),
    );
  },
};

function geminiTrade({ symbol, id, micros, price, size, side }: TrueTrade) {
  return { type: 'trade', symbol, event_id: id * GAPS, timestamp: ms(micros), price, quantity: size, side };
}

const BITSTAMP: Wire = {
  asked: (frame) => {
    const { event, data } = JSON.parse(frame) as { event: string; data?: { channel: string } };
    const [, symbol] = /^live_trades_(.*)$/.exec(data?.channel ?? '') ?? [];
    return event === 'bts:subscribe' && symbol !== undefined ? [symbol] : [];
  },
  welcome: (symbols) =>
    symbols.map((symbol) =>
      JSON.stringify({ event: 'bts:subscription_succeeded', channel: `live_trades_${symbol}`, data: {} }),
    ),
  trade: ({ symbol, id, micros, price, size, side }) => {
    const numbers = { amount: Number(size), amount_str: size, price: Number(price), price_str: price };
    const data = {
      id: id * GAPS,
      timestamp: '0',
      microtimestamp: String(micros),
      type: side === 'buy' ? 0 : 1,
      ...numbers,
    };
    return JSON.stringify({ event: 'trade', channel: `live_trades_${symbol}`, data });
  },
  heartbeat: () => null,
  history({ pathname }, happened) {
    // All of the day, whatever stretch is asked for: the session's clock is not the machine's.
    return JSON.stringify(
      [...of(happened, pathname.split('/')[4])].reverse().map(({ id, micros, price, size, side }) => {
        return {
          date: String(Math.floor(micros / 1e6)),
          tid: String(id * GAPS),
          amount: size,
          type: side === 'buy' ? '0' : '1',
          price,
        };
      }),
    );
  },
};

/** Of each venue: how it writes, the names of two symbols there, and the id of a trade. */
export const WIRES = new Map<
  string,
  { readonly wire: Wire; readonly symbols: readonly string[]; readonly id: (id: number) => string }
>([
  ['binance-spot', { wire: BINANCE, symbols: ['BTCUSDT', 'ETHUSDT'], id: String }],
  ['binance-usdm', { wire: BINANCE, symbols: ['BTCUSDT', 'ETHUSDT'], id: String }],
  ['bitmex', { wire: BITMEX, symbols: ['XBTUSD', 'ETHUSD'], id: (id) => `match-${id}` }],
  ['bitstamp', { wire: BITSTAMP, symbols: ['btcusd', 'ethusd'], id: (id) => String(id * GAPS) }],
  ['coinbase', { wire: COINBASE_WIRE, symbols: ['BTC-USD', 'ETH-USD'], id: String }],
  ['gemini', { wire: GEMINI, symbols: ['BTCUSD', 'ETHUSD'], id: (id) => String(id * GAPS) }],
  ['kraken', { wire: KRAKEN, symbols: ['BTC/USD', 'ETH/USD'], id: String }],
  ['kraken-futures', { wire: KRAKEN_FUTURES, symbols: ['PI_XBTUSD', 'PF_ETHUSD'], id: (id) => `uid-${id}` }],
  ['okx', { wire: OKX, symbols: ['BTC-USDT', 'ETH-USDT'], id: (id) => String(id * GAPS) }],
  ['upbit', { wire: UPBIT, symbols: ['KRW-BTC', 'KRW-ETH'], id: (id) => String(id * GAPS) }],
]);
