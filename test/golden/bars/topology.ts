import {
  aggregate,
  bounded,
  count,
  hopping,
  keyBy,
  ohlcv,
  topology,
  tumbling,
  watermark,
  window,
} from '../../../src/index.ts';

/** Bars of trades with disorder and late ones, in several windows from one pass. */
export default topology({
  name: 'golden_bars',
  version: 1,
  inputs: { ticks: 'ticks' },
  build: ({ ticks }) => ({
    golden_bars: ticks.pipe(
      watermark(bounded(500)),
      keyBy('instrument'),
      window([tumbling('1s'), tumbling('10s'), hopping('10s', '4s')], { allowedLatenessMs: 2_000 }),
      aggregate({ ...ohlcv('price', 'size'), count: count() }),
    ),
  }),
});
