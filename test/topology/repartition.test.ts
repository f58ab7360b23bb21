import { describe, expect, it } from 'vitest';
import {
  aggregate,
  bounded,
  count,
  filter,
  keyBy,
  map,
  type Operator,
  repartition,
  type Stream,
  type Tick,
  TopologyTestDriver,
  topology,
  tumbling,
  union,
  watermark,
  window,
} from '../../src/index.ts';
import { assemble } from '../../src/topology/assemble.ts';
import { NO_WATERMARK } from '../../src/topology/elements.ts';
import type { Topology } from '../../src/topology/topology.ts';
import { type TestTick, tickColumns } from '../support/drive.ts';
import { seededRandom } from '../support/killing.ts';

const MS = 1_000;
const PARTITIONS = 3;

function counting(steps: (ticks: Stream<Tick>) => Stream<Tick>, named = 'counting'): Topology {
  return topology({
    name: named,
    version: 1,
    inputs: { ticks: 'ticks' },
    build: ({ ticks }) => ({
      [named]: steps(ticks).pipe(keyBy('instrument'), window([tumbling('10ms')]), aggregate({ n: count() })),
    }),
  });
}

function tick(instrument: string, ms: number, price = 1): TestTick {
  return { instrument, eventTime: ms * MS, price, size: 1, sequence: null };
}

/** What the first stage of a topology writes, by partition, when it gets ticks in chunks of these sizes. */
function written(built: Topology, ticks: readonly TestTick[], sizeOf: () => number): string[][] {
  const records = Array.from({ length: PARTITIONS }, (): string[] => []);
  const assembly = assemble({
    topology: built,
    params: {},
    generation: 1,
    onElement: () => {},
    stage: {
      number: 0,
      partition: 1,
      partitions: PARTITIONS,
      onCarried: (_, { columns, targets }) => {
        const [kinds, offsets, watermarks] = ['_kind', '_offset', '_watermark'].map((name) => columns.byName.get(name));
        if (kinds?.kind !== 'enum' || offsets?.kind !== 'long' || watermarks?.kind !== 'long') throw new Error('kinds');
        for (let i = 0; i < columns.length; i++) {
          const what = kinds.symbols[kinds.codes[i] as number];
          records[targets[i] as number]?.push(`${what} ${offsets.values[i]} ${watermarks.values[i]}`);
        }
      },
    },
  });
  for (let from = 0; from < ticks.length; ) {
    const part = ticks.slice(from, from + sizeOf());
    const offsets = Float64Array.from(part, (_, i) => from + i);
    const columns = tickColumns(part);
    const timesMicros = Float64Array.from(part, ({ eventTime }) => eventTime);
    const unset = { watermarks: null, watermarkAfter: NO_WATERMARK, keys: null, keyIds: null };
    assembly.push('ticks', { kind: 'chunk', columns, offsets, arrivals: offsets, timesMicros, ...unset });
    while (assembly.resume());
    from += part.length;
  }
  assembly.close();
  return records;
}

describe('repartition', () => {
  it('keys rows as keyBy does where a topology runs in one piece', () => {
    const anew = counting((ticks) => ticks.pipe(watermark(bounded(0)), repartition('instrument')));
    const plain = counting((ticks) => ticks.pipe(watermark(bounded(0))));
    const ticks = [tick('a', 1), tick('b', 3), tick('a', 12), tick('a', 2), tick('b', 25)];
    const [results, expected] = [anew, plain].map((built) => {
      const driver = new TopologyTestDriver(built).feed('ticks', ticks).end();
      return [driver.read('counting'), driver.readLate('counting')];
    });
    expect(results).toEqual(expected);
    expect(results?.[0]).toHaveLength(4);
  });

  it('writes each row to the partition of its key, and each multiple that the watermark passes to all', () => {
    const built = counting((ticks) =>
      ticks.pipe(watermark(bounded(0)), repartition('instrument', { watermarkEvery: '10ms' })),
    );
    const records = written(built, [tick('a', 5), tick('b', 8), tick('a', 11), tick('a', 35)], () => 10);
    // The first watermark is told at once. Rows carry the one before them, watermarks the one that the record brought.
    const told = ['watermark 0 4999', 'watermark 0 10999', 'watermark 0 34999'];
    for (const partition of records) expect(partition.filter((record) => record.startsWith('w'))).toEqual(told);
    const rows = records.flat().filter((record) => record.startsWith('row'));
    expect(rows.sort()).toEqual(['row 0 0', 'row 1 4999', 'row 2 7999', 'row 3 10999']);
    expect(records.filter((partition) => partition.some((record) => record.startsWith('row')))).not.toHaveLength(0);
  });

  it('writes the same however the records are cut into chunks, those included that a step drops', () => {
    const random = seededRandom(7);
    const ticks = Array.from({ length: 400 }, (_, i) => {
      return tick(`key-${Math.floor(random() * 9)}`, i * 3 + Math.floor(random() * 40), random());
    });
    const built = counting((source) =>
      source.pipe(
        watermark(bounded(20)),
        filter(({ price }) => price < 0.5),
        repartition('instrument', { watermarkEvery: '5ms' }),
      ),
    );
    const whole = written(built, ticks, () => ticks.length);
    expect(whole.flat().length).toBeGreaterThan(400);
    expect(written(built, ticks, () => 1)).toEqual(whole);
    for (let run = 0; run < 20; run++) {
      expect(written(built, ticks, () => 1 + Math.floor(random() * 30))).toEqual(whole);
    }
  });

  it('is refused where it cannot be done', () => {
    const by = repartition('instrument');
    const watched: Operator<Tick, Tick> = watermark(bounded(0));
    const twice = { name: 'other' };
    const time = { type: 'long', logicalType: 'timestamp-micros' } as const;
    const fields = [
      { name: 'eventTime', type: time },
      { name: 'instrument', type: 'string' },
      { name: '_kind', type: 'string' },
    ] as const;
    const own = { type: 'record', name: 'Own', fields } as const;
    const refused: readonly (readonly [RegExp, () => Topology])[] = [
      [/needs a watermark/, () => counting((ticks) => ticks.pipe(by))],
      [/cannot follow another/, () => counting((t) => t.pipe(watched, by, repartition('instrument', twice)))],
      [/cannot follow repartition/, () => counting((ticks) => ticks.pipe(watched, by, watermark(bounded(0))))],
      [/meets one that was not/, () => counting((ticks) => union(ticks.pipe(watched, by), ticks.pipe(watched)))],
      [
        /two steps repartition/,
        () => counting((t) => union(t.pipe(watched, by), t.pipe(watched, repartition('instrument')))),
      ],
      [
        /text field that cannot be null/,
        () => counting((t) => t.pipe(watched, repartition('tradeId' as 'instrument'))),
      ],
      [
        /'_kind' is Tidemark's own/,
        () =>
          topology({
            name: 'counting',
            version: 1,
            inputs: { ticks: 'ticks' },
            build: ({ ticks }) => ({
              counting: ticks.pipe(
                map(own, ({ eventTime, instrument }) => ({ eventTime, instrument, _kind: '' })),
                watermark(bounded(0)),
                repartition('instrument'),
                window([tumbling('10ms')]),
                aggregate({ n: count() }),
              ),
            }),
          }),
      ],
    ];
    for (const [message, build] of refused) {
      expect(() => new TopologyTestDriver(build()), String(message)).toThrow(
        expect.objectContaining({ code: 'TM_TOPOLOGY', message: expect.stringMatching(message) }),
      );
    }
    expect(() => repartition('instrument', { name: 'a-b' })).toThrow(expect.objectContaining({ code: 'TM_TOPOLOGY' }));
    expect(() => repartition('instrument', { watermarkEvery: '0s' })).toThrow(
      expect.objectContaining({ code: 'TM_DURATION' }),
    );
  });
});
