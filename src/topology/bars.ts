import { aggregate } from './aggregates/aggregate.ts';
import { count } from './aggregates/count.ts';
import { ohlcv } from './aggregates/ohlcv.ts';
import { keyBy } from './operators/keyBy.ts';
import { latestByKey, rollup, topology } from './topology.ts';
import { bounded } from './watermarks/bounded.ts';
import { watermark } from './watermarks/watermark.ts';
import { tumbling } from './windows/tumbling.ts';
import { window } from './windows/window.ts';

/** The packaged topology: bars of one second, one minute, five minutes and one hour from ticks, in one pass. */
export default topology({
  name: 'bars',
  version: 1,
  inputs: { ticks: 'ticks' },
  params: { outOfOrdernessMs: 1_000, allowedLatenessMs: 300_000 },
  build: ({ ticks }, { outOfOrdernessMs, allowedLatenessMs }) => ({
    bars: ticks.pipe(
      watermark(bounded(outOfOrdernessMs)),
      keyBy('instrument'),
      window([tumbling('1s'), tumbling('1m'), tumbling('5m'), tumbling('1h')], { allowedLatenessMs }),
      aggregate({ ...ohlcv('price', 'size'), count: count() }),
    ),
  }),
  tables: { bars: { views: [latestByKey(), rollup('1d')] } },
});
