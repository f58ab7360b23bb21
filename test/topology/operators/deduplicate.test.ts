import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bounded, deduplicate, keyBy, watermark } from '../../../src/index.ts';
import { effort } from '../../support/effort.ts';
import { type Row, StepRun, shapeOf } from '../../support/stepRun.ts';

const RUNS = effort(500);
const MS = 1_000;
const TRADE = shapeOf({
  type: 'record',
  name: 'Trade',
  fields: [
    { name: 'instrument', type: 'string' },
    { name: 'eventTime', type: 'long' },
    { name: 'sequence', type: ['null', 'long'] },
    { name: 'n', type: 'int' },
  ],
});
interface Trade {
  readonly instrument: string;
  readonly eventTime: number;
  readonly sequence: number | null;
  readonly n: number;
}

const BOUND_MS = 2;
const trades = fc
  .array(
    fc.record({
      instrument: fc.constantFrom('a', 'b'),
      eventTime: fc.integer({ min: -10, max: 40 }),
      sequence: fc.option(fc.integer({ min: -3, max: 8 }), { freq: 8 }),
    }),
    { maxLength: 50 },
  )
  .map((rows) => rows.map((row, n): Trade => ({ ...row, eventTime: row.eventTime * MS, n })));

function runOf(forMs: number, maxIntervals = 1_000): StepRun {
  return new StepRun(TRADE, (source) =>
    source.pipe(
      watermark<Trade>(bounded(BOUND_MS)),
      keyBy('instrument'),
      deduplicate('sequence', { forMs, maxIntervals }),
    ),
  );
}

function trade(eventTimeMs: number, sequence: number | null, n = 0): Row {
  return { instrument: 'a', eventTime: eventTimeMs * MS, sequence, n };
}

function keptBy(run: StepRun): readonly unknown[] {
  return run.rows.map(({ row }) => row.n);
}

function droppedBy(run: StepRun): readonly number[] {
  return run.others.flatMap((element) => (element.kind === 'late' ? [...element.offsets] : []));
}

/** By the definition: remember everything, and look whether the same was there. */
function oracle(rows: readonly Trade[], forMs: number): readonly number[] {
  const stretch = forMs * MS;
  const seen = new Set<string>();
  let watermark = Number.NEGATIVE_INFINITY;
  return rows.flatMap(({ instrument, eventTime, sequence, n }) => {
    const start = Math.floor(eventTime / stretch) * stretch;
    const isForgotten = start + 2 * stretch < watermark;
    const name = `${instrument} ${start} ${sequence}`;
    const isDuplicate = sequence !== null && !isForgotten && seen.has(name);
    if (!isForgotten) seen.add(name);
    watermark = Math.max(watermark, eventTime - BOUND_MS * MS - 1);
    return isDuplicate ? [] : [n];
  });
}

describe('deduplicate', () => {
  it('drops what was seen, and that alone, however the stream is cut and restarted', () => {
    fc.assert(
      fc.property(
        trades,
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 1, max: 9 }),
        fc.nat(),
        (rows, forMs, size, at) => {
          const expected = oracle(rows, forMs);
          const cut = at % (rows.length + 1);
          const before = runOf(forMs).feed(
            rows.slice(0, cut).map((row) => ({ ...row })),
            size,
          );
          const after = runOf(forMs).restore(before.snapshot(), cut);
          after.feed(
            rows.slice(cut).map((row) => ({ ...row })),
            size,
          );
          expect([...keptBy(before), ...keptBy(after)]).toEqual(expected);
          const dropped = rows.map(({ n }) => n).filter((n) => !expected.includes(n));
          expect([...droppedBy(before), ...droppedBy(after)]).toEqual(dropped);
        },
      ),
      { numRuns: RUNS },
    );
  });

  it('keeps a record that fills a gap later', () => {
    const run = runOf(1_000).feed([trade(0, 1, 0), trade(1, 4, 1), trade(2, 2, 2), trade(3, 3, 3), trade(4, 3, 4)]);
    expect(keptBy(run)).toEqual([0, 1, 2, 3]);
  });

  it('lets numbers begin anew in another stretch of time', () => {
    expect(keptBy(runOf(10).feed([trade(0, 1, 0), trade(9, 1, 1), trade(10, 1, 2)]))).toEqual([0, 2]);
  });

  it('keeps state for the gaps of two stretches, not for the records, and stops beyond its bound', () => {
    const rows = Array.from({ length: 5_000 }, (_, n) => trade(n, n, n));
    expect(keptBy(runOf(100, 4).feed(rows, 50)).length).toBe(rows.length);
    const gaps = rows.map((row, n) => ({ ...row, sequence: 2 * n }));
    expect(() => runOf(100, 100).feed(gaps, 50)).toThrow(expect.objectContaining({ code: 'TM_STATE_FULL' }));
  });

  it('refuses a field without whole numbers, a stream without a key, and a time that is none', () => {
    const code = expect.objectContaining({ code: 'TM_TOPOLOGY' });
    expect(() => runOf(0)).toThrow(code);
    expect(() => new StepRun(TRADE, (source) => source.pipe(deduplicate<Trade>('sequence', { forMs: 1 })))).toThrow(
      code,
    );
    const text = (source: never) => deduplicate<Record<string, number>>('instrument', { forMs: 1 })(source);
    expect(() => new StepRun(TRADE, (source) => text(source as never))).toThrow(code);
  });
});
