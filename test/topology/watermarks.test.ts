import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ascending, bounded, external, fromColumn, type WatermarkStrategy, watermark } from '../../src/index.ts';
import { NO_WATERMARK } from '../../src/topology/elements.ts';
import { type Row, StepRun, shapeOf } from '../support/stepRun.ts';

const RECORD = shapeOf({
  type: 'record',
  name: 'Reading',
  fields: [
    { name: 'eventTime', type: 'long' },
    { name: 'reached', type: ['null', 'long'] },
    { name: 'price', type: 'double' },
  ],
});

function runOf(strategy: WatermarkStrategy): StepRun {
  return new StepRun(RECORD, (source) => source.pipe(watermark(strategy)));
}

function at(eventTime: number, reached: number | null = null): Row {
  return { eventTime, reached, price: 1 };
}

function marksOf(run: StepRun): readonly (number | null)[] {
  return [...run.rows.map((row) => row.watermark), run.watermarkAfter];
}

describe('watermarks', () => {
  it.each([
    ['bounded: the highest event time less the bound and 1 µs', bounded(2), [NO_WATERMARK, 2_999, 6_999, 6_999]],
    ['ascending: the highest event time less 1 µs', ascending(), [NO_WATERMARK, 4_999, 8_999, 8_999]],
    ['from a column: what the record says; null says nothing', fromColumn('reached'), [NO_WATERMARK, 40, 40, 90]],
    ['external: records move nothing', external(), [NO_WATERMARK, NO_WATERMARK, NO_WATERMARK, NO_WATERMARK]],
  ])('%s', (_, strategy, expected) => {
    const rows = [at(5_000, 40), at(9_000, null), at(7_000, 90)];
    expect(marksOf(runOf(strategy).feed(rows))).toEqual(expected);
  });

  it('are moved by a watermark from outside, and never backwards', () => {
    const run = runOf(external());
    run
      .feed([at(1)])
      .send({ kind: 'watermark', tsMicros: 50 })
      .feed([at(2)])
      .send({ kind: 'watermark', tsMicros: 40 });
    run.feed([at(3)]);
    expect(marksOf(run)).toEqual([NO_WATERMARK, 50, 50, 50]);
    expect(runOf(fromColumn('reached')).feed([at(1, 90), at(2, 40)]).watermarkAfter).toBe(90);
  });

  it('are moved by the wall clock to where records have left them and further', () => {
    const run = runOf(bounded(0))
      .feed([at(10_000)])
      .send({ kind: 'wallClock', quietMicros: 500, tsMicros: NO_WATERMARK });
    run.feed([at(10_200), at(10_100)]).send({ kind: 'wallClock', quietMicros: 200, tsMicros: NO_WATERMARK });
    expect(
      run
        .feed([at(10_600)])
        .send({ kind: 'wallClock', quietMicros: 300, tsMicros: NO_WATERMARK })
        .feed([at(1)]),
    );
    expect(marksOf(run)).toEqual([NO_WATERMARK, 10_499, 10_499, 10_499, 10_899, 10_899]);
  });

  it('are the same for every chunk size, and after a restart anywhere', () => {
    const strategies = fc.constantFrom(bounded(0), bounded(3), ascending(), fromColumn('reached'));
    const times = fc.integer({ min: -20_000, max: 20_000 });
    const rows = fc.array(
      fc.tuple(times, fc.option(times)).map(([time, reached]) => at(time, reached)),
      {
        minLength: 1,
      },
    );
    fc.assert(
      fc.property(strategies, rows, fc.integer({ min: 1, max: 9 }), fc.nat(), (strategy, given, chunkSize, cut) => {
        const whole = marksOf(runOf(strategy).feed(given));
        expect(marksOf(runOf(strategy).feed(given, chunkSize))).toEqual(whole);
        const at = cut % given.length;
        const before = runOf(strategy).feed(given.slice(0, at), 1);
        const after = runOf(strategy).restore(before.snapshot(), at).feed(given.slice(at));
        expect([...before.rows.map((row) => row.watermark), ...marksOf(after)]).toEqual(whole);
      }),
    );
  });

  it('refuse a field that is not there or is no timestamp, and a bound that is none', () => {
    expect(() => runOf(fromColumn('missing'))).toThrow(expect.objectContaining({ code: 'TM_TOPOLOGY' }));
    expect(() => runOf(fromColumn('price'))).toThrow(expect.objectContaining({ code: 'TM_TOPOLOGY' }));
    expect(() => bounded(-1)).toThrow(expect.objectContaining({ code: 'TM_TOPOLOGY' }));
    expect(() => bounded(0.5)).toThrow(expect.objectContaining({ code: 'TM_TOPOLOGY' }));
  });
});
