import {
  aggregate,
  asOfJoin,
  avg,
  bounded,
  count,
  keyBy,
  max,
  session,
  topology,
  tumbling,
  watermark,
  window,
} from '../../../src/index.ts';

/** Trades joined with the quote in force, in windows and sessions: two inputs, which go quiet and end by themselves. */
export default topology({
  name: 'golden_spreads',
  version: 1,
  inputs: { ticks: 'ticks', quotes: 'quotes' },
  build: ({ ticks, quotes }) => {
    const trades = ticks.pipe(watermark(bounded(500)), keyBy('instrument'));
    const quoted = quotes.pipe(watermark(bounded(1_000)), keyBy('instrument'));
    const priced = asOfJoin(trades, quoted, { take: { bid: 'bid', ask: 'ask' }, maxAgeMs: 3_000 });
    return {
      golden_spreads: priced.pipe(
        window([tumbling('5s'), session('2s')], { allowedLatenessMs: 1_000 }),
        aggregate({ trades: count(), quoted: count('bid'), bid: avg('bid'), ask: avg('ask'), highest: max('price') }),
      ),
    };
  },
});
