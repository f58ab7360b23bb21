import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bounded, keyBy, reorder, watermark } from '../../../src/index.ts';
import { effort } from '../../support/effort.ts';
import { type Row, StepRun, shapeOf } from '../../support/stepRun.ts';

const RUNS = effort(500);
const MS = 1_000;
const READING = shapeOf({
  type: 'record',
  name: 'Reading',
  fields: [
    { name: 'sensor', type: 'string' },
    { name: 'eventTime', type: 'long' },
    { name: 'n', type: 'int' },
  ],
});
interface Reading {
  readonly sensor: string;
  readonly eventTime: number;
  readonly n: number;
}

const readings = fc
  .array(fc.record({ sensor: fc.constantFrom('a', 'b'), eventTime: fc.integer({ min: -5, max: 30 }) }), {
    maxLength: 30,
  })
  .map((rows) => rows.map(({ sensor, eventTime }, n): Reading => ({ sensor, eventTime: eventTime * MS, n })));

function runOf(boundMs: number, maxRows = 1_000): StepRun {
  return new StepRun(READING, (source) =>
    source.pipe(watermark<Reading>(bounded(boundMs)), keyBy('sensor'), reorder({ maxRows })),
  );
}

function given(rows: readonly Reading[]): readonly Row[] {
  return rows.map((row) => ({ ...row }));
}

/** By the definition: after each record, whatever the watermark has reached comes out, in the order of time. */
function oracle(rows: readonly Reading[], boundMs: number): readonly (readonly [number, number, number])[] {
  let waiting: (Reading & { readonly place: number })[] = [];
  let highest = Number.NEGATIVE_INFINITY;
  let watermark = Number.NEGATIVE_INFINITY;
  const out: (readonly [number, number, number])[] = [];
  rows.forEach((row, place) => {
    if (row.eventTime <= watermark) out.push([row.n, watermark, place]);
    else waiting.push({ ...row, place });
    highest = Math.max(highest, row.eventTime);
    const after = Math.max(watermark, highest - boundMs * MS - 1);
    const due = waiting.filter(({ eventTime }) => eventTime <= after);
    waiting = waiting.filter(({ eventTime }) => eventTime > after);
    for (const { n } of due.sort((a, b) => a.eventTime - b.eventTime || a.place - b.place)) {
      out.push([n, watermark, place]);
    }
    watermark = after;
  });
  for (const { n, place } of waiting.sort((a, b) => a.eventTime - b.eventTime || a.place - b.place)) {
    out.push([n, watermark, place]);
  }
  return out;
}

describe('reorder', () => {
  it('lets rows out in the order of time when the watermark has reached them, however the stream is cut', () => {
    fc.assert(
      fc.property(readings, fc.nat({ max: 8 }), fc.integer({ min: 1, max: 9 }), fc.nat(), (rows, boundMs, size, at) => {
        const cut = at % (rows.length + 1);
        const before = runOf(boundMs).feed(given(rows.slice(0, cut)), size);
        const after = runOf(boundMs)
          .restore(before.snapshot(), cut)
          .feed(given(rows.slice(cut)), size);
        after.send({ kind: 'flush' });
        const out = [...before.rows, ...after.rows];
        expect(out.map(({ row, watermark: met, arrival }) => [row.n, met, Math.floor(arrival)])).toEqual(
          oracle(rows, boundMs),
        );
        for (const { row, key, offset, timeMicros } of out) {
          expect([key, offset, timeMicros]).toEqual([row.sensor, row.n, row.eventTime]);
        }
      }),
      { numRuns: RUNS },
    );
  });

  it('lets rows out at a watermark from outside', () => {
    const run = runOf(10).feed(given([0, 1].map((n) => ({ sensor: 'a', eventTime: n * MS, n }))));
    expect(run.rows).toEqual([]);
    expect(run.send({ kind: 'watermark', tsMicros: 500 }).rows.map(({ row }) => row.n)).toEqual([0]);
  });

  it('stops beyond its bound, and refuses a stream without a watermark', () => {
    const rows = given([0, 1, 2].map((n) => ({ sensor: 'a', eventTime: n * MS, n })));
    expect(() => runOf(10, 2).feed(rows)).toThrow(expect.objectContaining({ code: 'TM_STATE_FULL' }));
    const without = new StepRun(READING, (source) => source.pipe(reorder()));
    expect(() => without.feed(rows)).toThrow(expect.objectContaining({ code: 'TM_TOPOLOGY' }));
  });
});
