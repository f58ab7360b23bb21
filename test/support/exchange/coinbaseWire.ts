import type { TrueTrade, Wire } from './wire.ts';

/** Coinbase Exchange: https://docs.cdp.coinbase.com/exchange/docs. The side is that of the order that was waiting. */
export const COINBASE_WIRE: Wire = {
  asked(frame) {
    const { type, product_ids } = JSON.parse(frame) as { type: string; product_ids: string[] };
    return type === 'subscribe' ? product_ids : [];
  },
  welcome(symbols, happened) {
    const ack = { type: 'subscriptions', channels: [{ name: 'matches', product_ids: symbols }] };
    const last = symbols.flatMap((symbol) => happened.findLast((trade) => trade.symbol === symbol) ?? []);
    return [JSON.stringify(ack), ...last.map((trade) => match('last_match', trade))];
  },
  trade: (trade) => match('match', trade),
  heartbeat: ({ symbol, id, micros }) =>
    JSON.stringify({ type: 'heartbeat', last_trade_id: id, product_id: symbol, sequence: id * 3, time: iso(micros) }),
  history(url, happened) {
    const symbol = decodeURIComponent(url.pathname.split('/')[2] ?? '');
    const after = Number(url.searchParams.get('after') ?? Number.POSITIVE_INFINITY);
    const limit = Number(url.searchParams.get('limit') ?? 1_000);
    const below = happened.filter((trade) => trade.symbol === symbol && trade.id < after).slice(-limit);
    return JSON.stringify(
      below.reverse().map(({ id, micros, price, size, side }) => {
        return { trade_id: id, side: maker(side), size, price, time: iso(micros) };
      }),
    );
  },
};

function match(type: string, { symbol, id, micros, price, size, side }: TrueTrade): string {
  return JSON.stringify({
    ...{ type, trade_id: id, maker_order_id: 'm', taker_order_id: 't', side: maker(side), size, price },
    ...{ product_id: symbol, sequence: id * 3, time: iso(micros) },
  });
}

function maker(side: TrueTrade['side']): string {
  return side === 'buy' ? 'sell' : 'buy';
}

function iso(micros: number): string {
  const ms = Math.floor(micros / 1_000);
  return new Date(ms).toISOString().replace('Z', `${String(micros % 1_000).padStart(3, '0')}Z`);
}
