import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { intervalJoin, keyBy, watermark } from '../../../src/index.ts';
import { effort } from '../../support/effort.ts';
import { JoinRun, type JoinSource } from '../../support/joinRun.ts';
import { intervalOracle, timelineOf } from '../../support/oracle/joins.ts';
import { shapeOf } from '../../support/stepRun.ts';

const RUNS = effort(500);
const MS = 1_000;
const ORDER = shapeOf({
  type: 'record',
  name: 'Order',
  fields: [
    { name: 'customer', type: 'string' },
    { name: 'eventTime', type: 'long' },
    { name: 'n', type: 'int' },
  ],
});
interface Order {
  readonly customer: string;
  readonly eventTime: number;
  readonly n: number;
}

const orders = fc
  .array(fc.record({ customer: fc.constantFrom('a', 'b'), eventTime: fc.integer({ min: -5, max: 25 }) }), {
    maxLength: 25,
  })
  .map((rows) => rows.map(({ customer, eventTime }, n): Order => ({ customer, eventTime: eventTime * MS, n })));
const delay = fc.integer({ min: 1, max: 8 * MS });
const distance = fc.nat({ max: 6 });

function sourceOf(delayMicros: number, rows: readonly Order[]): JoinSource {
  return { shape: ORDER, strategy: { field: null, delayMicros }, rows: rows.map((row) => ({ ...row })) };
}

function runOf(left: JoinSource, right: JoinSource, beforeMs: number, afterMs: number, maxRows = 1_000): JoinRun {
  return new JoinRun([left, right], (a, b) =>
    intervalJoin(
      a.pipe(watermark<Order>(left.strategy), keyBy('customer')),
      b.pipe(watermark<Order>(right.strategy), keyBy('customer')),
      { take: { other: 'n', otherTime: 'eventTime' }, beforeMs, afterMs, maxRows },
    ),
  );
}

describe('the interval join', () => {
  it('gives every pair within the interval, for every size of batches and after a restart anywhere', () => {
    const sizes = fc.array(fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constant('restart' as const)), {
      maxLength: 20,
    });
    fc.assert(
      fc.property(
        fc.tuple(orders, orders),
        fc.tuple(delay, delay),
        distance,
        distance,
        sizes,
        ([left, right], delays, beforeMs, afterMs, steps) => {
          const run = runOf(sourceOf(delays[0], left), sourceOf(delays[1], right), beforeMs, afterMs);
          for (const step of steps) {
            if (step === 'restart') run.restart();
            else run.take(step);
          }
          run.takeAll(1_000).flush();
          const came = run.came.map(({ side, row, arrival, offset }) => {
            const { customer, eventTime } = row as unknown as Order;
            return { side, key: customer, time: eventTime, arrival, offset };
          });
          const pairs = intervalOracle(timelineOf(came, delays), beforeMs * MS, afterMs * MS);
          const expected = pairs.map((out) => ({
            row: { ...left[out.left.offset], other: out.right?.offset, otherTime: out.right?.time },
            timeMicros: out.left.time,
            offset: out.left.offset,
            arrival: out.arrival,
            watermark: out.watermark - afterMs * MS,
            key: out.left.key,
          }));
          expect(run.rows).toEqual(expected);
        },
      ),
      { numRuns: RUNS },
    );
  });

  it('never gives a row that is at or before its own watermark', () => {
    fc.assert(
      fc.property(orders, orders, delay, distance, distance, (left, right, delayMicros, beforeMs, afterMs) => {
        const run = runOf(sourceOf(delayMicros, left), sourceOf(1, right), beforeMs, afterMs).takeAll(3);
        expect(run.rows.filter(({ timeMicros, watermark: met }) => met !== null && timeMicros <= met)).toEqual([]);
      }),
    );
  });

  it('keeps no more rows than its bound, and drops those that can match no more', () => {
    const rows = Array.from({ length: 2_000 }, (_, n): Order => ({ customer: 'a', eventTime: n * MS, n }));
    expect(runOf(sourceOf(1, rows), sourceOf(1, rows), 1, 1, 60).takeAll(25).rows.length).toBe(5_995);
    expect(() => runOf(sourceOf(1, rows), sourceOf(1, rows), 50, 50, 60).takeAll(25)).toThrow(
      expect.objectContaining({ code: 'TM_STATE_FULL' }),
    );
  });

  it('refuses times that are none', () => {
    const code = { code: 'TM_TOPOLOGY' };
    expect(() => runOf(sourceOf(1, []), sourceOf(1, []), -1, 0)).toThrow(expect.objectContaining(code));
    expect(() => runOf(sourceOf(1, []), sourceOf(1, []), 0, 0.5)).toThrow(expect.objectContaining(code));
  });
});
