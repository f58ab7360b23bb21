import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  aggregate,
  bounded,
  count,
  deduplicate,
  keyBy,
  topology,
  tumbling,
  watermark,
  window,
} from '../../src/index.ts';
import { tickSchema } from '../../src/schemas.generated.ts';
import { assemble } from '../../src/topology/assemble.ts';
import { effort } from '../support/effort.ts';
import { chunkOf, type Row, shapeOf } from '../support/stepRun.ts';

const RUNS = effort(200);
const MS = 1_000;
const TICK = shapeOf(tickSchema);

/** Two outputs, and duplicates besides late records: three sources of entries in one ledger. */
const ledgers = topology({
  name: 'ledgers',
  version: 1,
  inputs: { ticks: 'ticks' },
  build: ({ ticks }) => {
    const keyed = ticks.pipe(watermark(bounded(1)), keyBy('instrument'), deduplicate('sequence', { forMs: 50 }));
    return {
      short: keyed.pipe(window([tumbling('2ms')]), aggregate({ n: count() })),
      wide: keyed.pipe(window([tumbling('5ms')]), aggregate({ n: count() })),
    };
  },
});

function ledgerOf(rows: readonly Row[], chunkSize: number): readonly string[] {
  const ledger: string[] = [];
  const assembly = assemble({
    topology: ledgers,
    params: {},
    generation: 1,
    onElement: ({ name }, element) => {
      if (element.kind !== 'late') return;
      element.offsets.forEach((offset, i) => {
        ledger.push(`${name} ${offset} ${element.intervals[i]} ${element.reason ?? 'expired'}`);
      });
    },
  });
  for (let at = 0; at < rows.length; at += chunkSize) {
    assembly.push('ticks', chunkOf(TICK, rows.slice(at, at + chunkSize), at));
    while (assembly.resume());
  }
  return ledger;
}

describe('the late ledger', () => {
  it('has its entries in the order in which the records arrived, whatever step and output they come from', () => {
    const ticks = fc.array(
      fc.record({
        instrument: fc.constantFrom('a', 'b'),
        eventTime: fc.integer({ min: 0, max: 30 }).map((ms) => ms * MS),
        sequence: fc.integer({ min: 0, max: 5 }),
        price: fc.constant(1),
        size: fc.constant(1),
      }),
      { maxLength: 40 },
    );
    let entries = 0;
    fc.assert(
      fc.property(ticks, fc.integer({ min: 1, max: 9 }), (rows, chunkSize) => {
        const whole = ledgerOf(rows, Math.max(1, rows.length));
        entries += whole.length;
        expect(ledgerOf(rows, chunkSize)).toEqual(whole);
      }),
      { numRuns: RUNS },
    );
    expect(entries).toBeGreaterThan(RUNS);
  });
});
