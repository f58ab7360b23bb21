import { describe, expect, it } from 'vitest';
import { parseRecordSchema } from '../../src/core/avro/parseSchema.ts';
import { ColumnsBuilder } from '../../src/core/columnsBuilder.ts';
import {
  aggregate,
  bounded,
  count,
  external,
  keyBy,
  max,
  reorder,
  session,
  sum,
  TopologyTestDriver,
  topology,
  tumbling,
  union,
  watermark,
  window,
} from '../../src/index.ts';

const MS = 1_000;
const time = { type: 'long', logicalType: 'timestamp-micros' } as const;
const schema = {
  type: 'record',
  name: 'Reading',
  fields: [
    { name: 'sensor', type: 'string' },
    { name: 'at', type: time },
    { name: 'celsius', type: ['null', 'double'] },
  ],
} as const;
const readings = { topic: 'readings', schema, time: 'at' };

interface Reading {
  readonly sensor: string;
  readonly at: number;
  readonly celsius: number | null;
}

interface Hottest {
  readonly sensor: string;
  readonly start: number;
  readonly revision: number;
  readonly highest: number | null;
}

const hottest = topology({
  name: 'hottest',
  version: 1,
  inputs: { readings },
  params: { allowedLatenessMs: 0 },
  build: ({ readings: source }, { allowedLatenessMs }) => ({
    hottest: source.pipe(
      watermark(bounded(0)),
      keyBy('sensor'),
      window([tumbling('10ms')], { allowedLatenessMs }),
      aggregate({ highest: max('celsius') }),
    ),
  }),
});

const visits = topology({
  name: 'visits',
  version: 1,
  inputs: { readings },
  build: ({ readings: source }) => {
    const keyed = source.pipe(watermark(external()), keyBy('sensor'));
    return {
      visits: keyed.pipe(
        window([session('10ms')], { allowedLatenessMs: 100 }),
        aggregate({ n: count(), total: sum('celsius') }),
      ),
      all: keyed.pipe(window([tumbling('1s')]), aggregate({ n: count() })),
    };
  },
});

const at = (ms: number, celsius: number | null = 1, sensor = 'a'): Reading => ({ sensor, at: ms * MS, celsius });

describe('the topology test driver', () => {
  it('gives the rows of an output once, in order, as objects of their own', () => {
    const driver = new TopologyTestDriver(hottest);
    driver.feed('readings', [at(1, 3.5), at(2, null), at(11, null), at(21)]);
    expect(driver.read<Hottest>('hottest')).toMatchObject([
      { sensor: 'a', interval: '10ms', start: 0, end: 10 * MS, revision: 0, final: true, deleted: false, highest: 3.5 },
      { sensor: 'a', start: 10 * MS, highest: null },
    ]);
    expect(driver.read('hottest')).toEqual([]);
    expect(
      driver
        .end()
        .read<Hottest>('hottest')
        .map(({ start }) => start),
    ).toEqual([20 * MS]);
  });

  it('takes columns as well as rows', () => {
    const builder = new ColumnsBuilder(parseRecordSchema(schema));
    builder.setText(0, 'b');
    builder.setNumber(1, 5 * MS);
    builder.setNumber(2, 7);
    builder.endRow();
    const driver = new TopologyTestDriver(hottest);
    const [row] = driver.feed('readings', builder.finish()).end().read<Hottest>('hottest');
    expect(row).toMatchObject({ sensor: 'b', start: 0, highest: 7 });
  });

  it('shows and moves the watermark', () => {
    const driver = new TopologyTestDriver(visits);
    expect(driver.watermark).toBe(Number.NEGATIVE_INFINITY);
    driver.feed('readings', [at(0)]);
    expect(driver.advanceWatermark(9 * MS).read('visits')).toEqual([]);
    expect(driver.advanceWatermark(10 * MS - 1).read('visits')).toMatchObject([{ start: 0, n: 1, total: '1' }]);
    expect(driver.advanceWatermark(0).watermark).toBe(10 * MS - 1);
  });

  it('flushes without moving the watermark, and a second time nothing', () => {
    const driver = new TopologyTestDriver(hottest);
    driver.feed('readings', [at(1), at(2)]).flush();
    expect(driver.read('hottest')).toMatchObject([{ start: 0, revision: 0, highest: 1 }]);
    expect(driver.flush().read('hottest')).toEqual([]);
    expect(driver.watermark).toBe(2 * MS - 1);
    expect(
      driver
        .feed('readings', [at(3, 9)])
        .end()
        .read('hottest'),
    ).toMatchObject([{ revision: 1, highest: 9 }]);
  });

  it('keeps the late ledger, with the place of each record', () => {
    const driver = new TopologyTestDriver(hottest);
    driver.feed('readings', [at(1), at(20)]).feed('readings', [at(21), at(3, 4, 'b')]);
    expect(driver.readLate('hottest')).toEqual([
      {
        key: 'b',
        eventTime: 3 * MS,
        topic: 'readings',
        offset: 3,
        watermark: 21 * MS - 1,
        intervals: '10ms',
        missedAll: true,
      },
    ]);
    expect(driver.readLate('hottest')).toEqual([]);
  });

  it('gives retractions of sessions that grew after they had been emitted', () => {
    const driver = new TopologyTestDriver(visits);
    driver.feed('readings', [at(0), at(20)]).advanceWatermark(30 * MS);
    driver.read('visits');
    driver.feed('readings', [at(10)]);
    expect(driver.read('visits')).toMatchObject([
      { start: 0, end: 10 * MS, revision: 1, deleted: true },
      { start: 20 * MS, end: 30 * MS, revision: 1, deleted: true },
      { start: 0, end: 30 * MS, revision: 1, deleted: false, n: 3 },
    ]);
  });

  it('reads several outputs by name', () => {
    const driver = new TopologyTestDriver(visits);
    driver.feed('readings', [at(0), at(500)]).end();
    expect(driver.read('visits')).toHaveLength(2);
    expect(driver.read('all')).toMatchObject([{ n: 2 }]);
  });

  it('changes parameters', () => {
    const driver = new TopologyTestDriver(hottest, { params: { allowedLatenessMs: 50 } });
    driver.feed('readings', [at(1), at(30), at(2, 9)]);
    expect(driver.read('hottest')).toMatchObject([
      { revision: 0, highest: 1 },
      { revision: 1, highest: 9 },
    ]);
  });

  it('takes several inputs as they are fed; the quietest holds time back until it is idle or has ended', () => {
    const driver = new TopologyTestDriver(
      topology({
        name: 'everywhere',
        version: 1,
        inputs: { inside: readings, outside: { ...readings, topic: 'outside' } },
        build: ({ inside, outside }) => ({
          everywhere: union(inside.pipe(watermark(bounded(0))), outside.pipe(watermark(bounded(0)))).pipe(
            keyBy('sensor'),
            window([tumbling('10ms')]),
            aggregate({ n: count() }),
          ),
        }),
      }),
    );
    driver
      .feed('inside', [at(1), at(11)])
      .feed('outside', [at(2)])
      .feed('inside', [at(21)]);
    expect(driver.watermark).toBe(2 * MS - 1);
    expect(driver.read('everywhere')).toEqual([]);
    expect(driver.setActive('outside', false).read('everywhere')).toMatchObject([{ n: 2 }, { n: 1 }]);
    expect(
      driver
        .setActive('outside', true)
        .feed('inside', [at(31)])
        .read('everywhere'),
    ).toEqual([]);
    expect(driver.end('outside').read('everywhere')).toMatchObject([{ start: 20 * MS }]);
  });

  it('closes windows by the wall clock: as far beyond where the last row left the watermark as it has moved since', () => {
    const late = { params: { allowedLatenessMs: 5 } };
    let driver = new TopologyTestDriver(hottest, late).feed('readings', [at(12)]).moveWallClock(7);
    expect(driver.read('hottest')).toEqual([]);
    driver = TopologyTestDriver.restore(hottest, driver.snapshot(), late).moveWallClock(1);
    expect(driver.read('hottest')).toMatchObject([{ start: 10 * MS, revision: 0 }]);
    // It is late now, and moves the watermark no further: the clock begins where records alone have left it.
    driver.feed('readings', [at(13), at(4)]).moveWallClock(5);
    expect(driver.watermark).toBe(19_999);
    expect(driver.read('hottest')).toMatchObject([{ start: 10 * MS, revision: 1 }]);
    expect(driver.readLate('hottest')).toMatchObject([{ eventTime: 4 * MS, watermark: 19_999 }]);
    expect(driver.feed('readings', [at(26)]).moveWallClock(3).watermark).toBe(28_999);
  });

  it('moves by the wall clock each of several inputs, idle ones too, and every watermark step by its own', () => {
    const stepwise = topology({
      name: 'stepwise',
      version: 1,
      inputs: { readings, outside: readings },
      build: ({ readings: source, outside }) => ({
        everywhere: union(
          source.pipe(watermark(bounded(0)), reorder()),
          outside.pipe(watermark(bounded(2)), reorder()),
        ).pipe(
          watermark(bounded(7)),
          keyBy('sensor'),
          window([tumbling('10ms')]),
          aggregate({ highest: max('celsius') }),
        ),
        early: source.pipe(
          watermark(bounded(0)),
          keyBy('sensor'),
          window([tumbling('10ms')]),
          aggregate({ n: count() }),
        ),
      }),
    });
    const driver = new TopologyTestDriver(stepwise).feed('readings', [at(12)]).feed('outside', [at(12, 20)]);
    driver.moveWallClock(8);
    expect([driver.read('everywhere').length, driver.read('early').length]).toEqual([0, 1]);
    driver.setActive('readings', false).setActive('outside', false).moveWallClock(6);
    expect(driver.read('everywhere')).toEqual([]);
    expect(driver.moveWallClock(1).read('everywhere')).toMatchObject([{ start: 10 * MS, highest: 20 }]);
  });

  it('goes on in a fresh driver from a snapshot', () => {
    const before = new TopologyTestDriver(visits);
    before.feed('readings', [at(0), at(20, 0.1)]).advanceWatermark(9_999);
    expect(before.read('visits')).toHaveLength(1);
    const after = TopologyTestDriver.restore(visits, before.snapshot());
    expect(after.watermark).toBe(9_999);
    expect(after.read('visits')).toEqual([]);
    after.feed('readings', [at(10, 0.2)]);
    expect(after.read('visits')).toMatchObject([{ start: 0, end: 10 * MS, deleted: true, revision: 1 }]);
    expect(after.end().read('visits')).toMatchObject([{ start: 0, end: 30 * MS, revision: 1, n: 3, total: '1.3' }]);
  });
});

describe('the topology test driver refuses', () => {
  const driver = () => new TopologyTestDriver(hottest);

  it.each<readonly [string, string, () => unknown]>([
    ['an input that there is not', 'TM_TOPOLOGY', () => driver().feed('ticks', [])],
    ['an output that there is not', 'TM_TOPOLOGY', () => driver().read('bars')],
    ['a ledger that there is not', 'TM_TOPOLOGY', () => driver().readLate('bars')],
    ['the watermark of another input', 'TM_TOPOLOGY', () => driver().advanceWatermark(0, 'ticks')],
    ['a field of another kind', 'TM_COLUMN_KIND', () => driver().feed('readings', [{ ...at(1), celsius: 'warm' }])],
    ['a row without its key', 'TM_ROW_INCOMPLETE', () => driver().feed('readings', [{ at: 1 }])],
    ['a time that is not whole', 'TM_COLUMN_KIND', () => driver().feed('readings', [at(0.0001)])],
  ])('%s', (_, code, act) => {
    expect(act).toThrow(expect.objectContaining({ code }));
  });

  it('columns with a time beyond 2^53', () => {
    const columns = new ColumnsBuilder(parseRecordSchema(schema));
    columns.setText(0, 'a');
    columns.setNumber(1, 2 ** 53);
    columns.endRow();
    expect(() => driver().feed('readings', columns.finish())).toThrow(
      expect.objectContaining({ code: 'TM_VALUE_RANGE' }),
    );
  });
});
