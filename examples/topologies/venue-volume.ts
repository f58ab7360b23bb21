import { aggregate, bounded, count, map, repartition, sum, topology, tumbling, watermark, window } from 'tidemark';

const payment = {
  type: 'record',
  name: 'Payment',
  fields: [
    { name: 'eventTime', type: { type: 'long', logicalType: 'timestamp-micros' } },
    { name: 'venue', type: 'string' },
    { name: 'size', type: 'double' },
  ],
} as const;

/** Trades and volume of each venue: its instruments lie in all partitions, so that the trades are brought together first. */
export default topology({
  name: 'venue_volume',
  version: 1,
  inputs: { ticks: 'ticks' },
  params: { outOfOrdernessMs: 1_000, allowedLatenessMs: 300_000 },
  build: ({ ticks }, p) => ({
    venue_volume: ticks.pipe(
      map(payment, ({ eventTime, instrument, size }) => ({ eventTime, venue: instrument.split(':')[0] ?? '', size })),
      watermark(bounded(p.outOfOrdernessMs)),
      repartition('venue'),
      window([tumbling('1m'), tumbling('1h')], { allowedLatenessMs: p.allowedLatenessMs }),
      aggregate({ trades: count(), volume: sum('size') }),
    ),
  }),
});
