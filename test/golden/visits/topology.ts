import {
  aggregate,
  collect,
  count,
  external,
  first,
  keyBy,
  session,
  sliding,
  sum,
  topology,
  watermark,
  window,
} from '../../../src/index.ts';

const time = { type: 'long', logicalType: 'timestamp-micros' } as const;
const schema = {
  type: 'record',
  name: 'PageView',
  fields: [
    { name: 'visitor', type: 'string' },
    { name: 'at', type: time },
    { name: 'page', type: 'string' },
    { name: 'spent', type: ['null', 'double'] },
  ],
} as const;

/** Page views: sessions that grow and merge after they were emitted, and a look back from each view. Time is moved by hand. */
export default topology({
  name: 'golden_visits',
  version: 1,
  inputs: { views: { topic: 'views', schema, time: 'at' } },
  build: ({ views }) => {
    const keyed = views.pipe(watermark(external()), keyBy('visitor'));
    return {
      sessions: keyed.pipe(
        window([session('30s')], { allowedLatenessMs: 60_000 }),
        aggregate({ views: count(), landing: first('page'), path: collect('page'), spent: sum('spent') }),
      ),
      recent: keyed.pipe(
        window([sliding('20s')], { allowedLatenessMs: 5_000 }),
        aggregate({ views: count(), spent: sum('spent') }),
      ),
    };
  },
});
