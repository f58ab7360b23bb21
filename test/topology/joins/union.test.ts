import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keyBy, union, watermark } from '../../../src/index.ts';
import { effort } from '../../support/effort.ts';
import { JoinRun, type JoinSource } from '../../support/joinRun.ts';
import { timelineOf } from '../../support/oracle/joins.ts';
import { type Row, shapeOf } from '../../support/stepRun.ts';

const RUNS = effort(500);
const FIELDS = [
  { name: 'sensor', type: 'string' },
  { name: 'eventTime', type: 'long' },
  { name: 'exact', type: ['null', { type: 'bytes', logicalType: 'decimal', precision: 20, scale: 3 }] },
  { name: 'side', type: ['null', { type: 'enum', name: 'Side', symbols: ['buy', 'sell'] }] },
  { name: 'isOn', type: 'boolean' },
];
const READING = shapeOf({ type: 'record', name: 'Reading', fields: FIELDS });

type Reading = {
  readonly sensor: string;
  readonly eventTime: number;
  readonly exact: string | null;
  readonly side: string | null;
  readonly isOn: boolean;
};

const readings = fc.array(
  fc.record({
    sensor: fc.string({ maxLength: 40 }),
    eventTime: fc.integer({ min: -5, max: 30 }),
    exact: fc.option(fc.constantFrom('-1.5', '0', '12345678901234567.125')),
    side: fc.option(fc.constantFrom('buy', 'sell')),
    isOn: fc.boolean(),
  }),
  { maxLength: 25 },
);

function sourceOf(rows: readonly Row[], delayMicros = 1, shape = READING): JoinSource {
  return { shape, strategy: { field: null, delayMicros }, rows };
}

describe('the union', () => {
  it('gives the rows of both in the merged order under the lower watermark, for every size of batches', () => {
    const sizes = fc.array(fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constant('restart' as const)), {
      maxLength: 20,
    });
    const delay = fc.integer({ min: 1, max: 8 });
    fc.assert(
      fc.property(readings, readings, fc.tuple(delay, delay), sizes, (left, right, delays, steps) => {
        const sources = [sourceOf(left, delays[0]), sourceOf(right, delays[1])] as const;
        const run = new JoinRun(sources, (a, b) =>
          union(a.pipe(watermark<Reading>(sources[0].strategy)), b.pipe(watermark<Reading>(sources[1].strategy))).pipe(
            keyBy('sensor'),
          ),
        );
        for (const step of steps) {
          if (step === 'restart') run.restart();
          else run.take(step);
        }
        run.takeAll(1_000);
        const came = run.came.map(({ side, row, arrival, offset }) => {
          const reading = row as unknown as Reading;
          return { side, key: reading.sensor, time: reading.eventTime, arrival, offset };
        });
        const { steps: marks } = timelineOf(came, delays);
        const expected = run.came.map(({ row, arrival, offset }, i) => ({
          row,
          timeMicros: Number(row.eventTime),
          offset,
          arrival,
          watermark: marks[2 * i - 1]?.watermark ?? Number.NEGATIVE_INFINITY,
          key: row.sensor,
        }));
        // A side that is empty holds nothing back from the beginning: the merge says so before the first record.
        expect(run.rows).toEqual(expected);
      }),
      { numRuns: RUNS },
    );
  });

  it('takes a watermark that follows the rows of both', () => {
    const rows = (times: readonly number[]) =>
      times.map((eventTime) => ({ sensor: 'a', eventTime, exact: null, side: null, isOn: true }));
    const sources = [sourceOf(rows([1, 9])), sourceOf(rows([4, 12]))] as const;
    const run = new JoinRun(sources, (a, b) => union<Reading>(a, b).pipe(watermark(sources[0].strategy)));
    expect(run.takeAll(3).rows.map((row) => [row.timeMicros, row.watermark])).toEqual([
      [1, Number.NEGATIVE_INFINITY],
      [4, 0],
      [9, 3],
      [12, 8],
    ]);
  });

  it('refuses streams whose fields differ', () => {
    const other = shapeOf({ type: 'record', name: 'Reading', fields: FIELDS.slice(0, 3) });
    expect(() => new JoinRun([sourceOf([]), sourceOf([], 1, other)], (a, b) => union(a, b)).flush()).toThrow(
      expect.objectContaining({ code: 'TM_TOPOLOGY' }),
    );
  });
});
