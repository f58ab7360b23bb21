import { describe, expect, it } from 'vitest';
import {
  aggregate,
  asOfJoin,
  bounded,
  count,
  deduplicate,
  filter,
  keyBy,
  reorder,
  TopologyTestDriver,
  topology,
  tumbling,
  union,
  watermark,
  window,
} from '../../src/index.ts';

const schema = {
  type: 'record',
  name: 'Reading',
  fields: [
    { name: 'sensor', type: 'string' },
    { name: 'eventTime', type: 'long' },
    { name: 'number', type: 'long' },
    { name: 'isOn', type: 'boolean' },
  ],
} as const;

/** Rows of three topics as one stream; each is late, or a duplicate, at a step of its own. */
const united = topology({
  name: 'united',
  version: 1,
  inputs: { a: { topic: 'as', schema }, b: { topic: 'bs', schema }, c: { topic: 'cs', schema } },
  build: ({ a, b, c }) => {
    const [as, bs, cs] = [a, b, c].map((stream) => stream.pipe(watermark(bounded(0)))) as [
      typeof a,
      typeof b,
      typeof c,
    ];
    const all = union(as, union(bs, cs)).pipe(
      filter(({ isOn }) => isOn),
      reorder(),
      keyBy('sensor'),
    );
    return {
      windows: all.pipe(deduplicate('number', { forMs: 1_000 }), window([tumbling('1ms')]), aggregate({ n: count() })),
      joined: asOfJoin(all, cs.pipe(keyBy('sensor')), { take: { other: 'number' }, maxAgeMs: 1 }).pipe(
        deduplicate('number', { forMs: 1_000 }),
        window([tumbling('1ms')]),
        aggregate({ n: count() }),
      ),
    };
  },
});

describe('the late ledger behind a union', () => {
  function lateOf(output: string) {
    const row = (sensor: string, eventTime: number, number: number) => ({
      sensor,
      eventTime,
      number,
      isOn: number > 0,
    });
    // What is off comes first, so that rows have other places in the chunk than in the topic.
    const rowsOf = (sensor: string) => [
      row(sensor, 1, 0),
      row(sensor, 9_100, 1),
      row(sensor, 9_200, 1),
      row(sensor, 50, 2),
    ];
    let driver = new TopologyTestDriver(united);
    for (const input of ['a', 'b']) driver.feed(input, rowsOf(input));
    driver = TopologyTestDriver.restore(united, driver.snapshot());
    const late = driver.feed('c', rowsOf('c')).end().readLate(output);
    return late.map(({ key, topic, offset }) => [key, topic, offset]);
  }

  it('names the topic of each record, also of those that waited and are in a snapshot', () => {
    expect(lateOf('windows').sort()).toEqual([
      ['a', 'as', 2],
      ['b', 'bs', 2],
      ['c', 'cs', 2],
      ['c', 'cs', 3],
    ]);
  });

  it('names the topic where a join met the record; all of them for what a step behind it drops', () => {
    expect(lateOf('joined').sort()).toEqual([
      ['a', 'as,bs,cs', 2],
      ['b', 'as,bs,cs', 2],
      ['c', 'as,bs,cs', 2],
      ['c', 'cs', 3],
      ['c', 'cs', 3],
    ]);
  });
});
