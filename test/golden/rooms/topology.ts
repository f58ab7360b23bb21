import {
  aggregate,
  avg,
  bounded,
  count,
  countDistinct,
  earliest,
  filter,
  hopping,
  keyBy,
  last,
  latest,
  max,
  min,
  stddev,
  topology,
  tumbling,
  variance,
  watermark,
  window,
} from '../../../src/index.ts';

const time = { type: 'long', logicalType: 'timestamp-micros' } as const;
const schema = {
  type: 'record',
  name: 'Measurement',
  fields: [
    { name: 'room', type: 'string' },
    { name: 'at', type: time },
    { name: 'celsius', type: ['null', 'double'] },
    { name: 'device', type: 'string' },
    { name: 'windowOpen', type: 'boolean' },
  ],
} as const;

/** Temperatures of rooms, some of them missing: windows that overlap, and windows that are emptied as they fire. */
export default topology({
  name: 'golden_rooms',
  version: 1,
  inputs: { measurements: { topic: 'measurements', schema, time: 'at' } },
  build: ({ measurements }) => {
    const timed = measurements.pipe(watermark(bounded(3_000)));
    return {
      climate: timed.pipe(
        filter(({ windowOpen }) => !windowOpen),
        keyBy('room'),
        window([hopping('30s', '10s', { offset: '5s' })], { allowedLatenessMs: 10_000 }),
        aggregate({
          n: count(),
          measured: count('celsius'),
          lowest: min('celsius'),
          highest: max('celsius'),
          mean: avg('celsius'),
          spread: variance('celsius'),
          deviation: stddev('celsius'),
          devices: countDistinct('device'),
        }),
      ),
      news: timed.pipe(
        keyBy('device'),
        window([tumbling('20s')], { allowedLatenessMs: 20_000, accumulation: 'discarding' }),
        aggregate({ first: earliest('room'), latest: latest('celsius'), last: last('celsius', { nulls: 'keep' }) }),
      ),
    };
  },
});
