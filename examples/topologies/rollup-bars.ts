import {
  aggregate,
  bounded,
  earliest,
  filter,
  keyBy,
  latest,
  max,
  min,
  sum,
  topology,
  tumbling,
  watermark,
  window,
} from 'tidemark';

/** Minute and daily bars rolled up from the one-second bars that an exchange published. */
export default topology({
  name: 'rollup_bars',
  version: 1,
  inputs: { bars: 'source_bars' },
  params: { outOfOrdernessMs: 1_000, allowedLatenessMs: 300_000 },
  build: ({ bars }, p) => ({
    rollup_bars: bars.pipe(
      filter((bar) => bar.interval === '1s'),
      watermark(bounded(p.outOfOrdernessMs)),
      keyBy('instrument'),
      window([tumbling('1m'), tumbling('1d')], { allowedLatenessMs: p.allowedLatenessMs }),
      aggregate({
        open: earliest('open'),
        high: max('high'),
        low: min('low'),
        close: latest('close'),
        volume: sum('volume'),
      }),
    ),
  }),
});
