import {
  aggregate,
  bounded,
  count,
  derive,
  keyBy,
  midpoint,
  ohlc,
  topology,
  tumbling,
  watermark,
  window,
} from 'tidemark';

/** Bars of mid prices: what the market would pay and ask, halfway, whether or not anyone traded. */
export default topology({
  name: 'mid_bars',
  version: 1,
  inputs: { quotes: 'quotes' },
  params: { outOfOrdernessMs: 1_000, allowedLatenessMs: 300_000 },
  build: ({ quotes }, p) => ({
    mid_bars: quotes.pipe(
      derive({ mid: (quote) => midpoint(quote.bid, quote.ask) }),
      watermark(bounded(p.outOfOrdernessMs)),
      keyBy('instrument'),
      window([tumbling('1m'), tumbling('5m'), tumbling('1h')], { allowedLatenessMs: p.allowedLatenessMs }),
      aggregate({ ...ohlc('mid'), count: count() }),
    ),
  }),
});
