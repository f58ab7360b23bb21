import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RowView } from '../../../src/core/avro/rowView.ts';
import {
  aggregate,
  asOfJoin,
  avg,
  bounded,
  count,
  filter,
  keyBy,
  session,
  sum,
  topology,
  tumbling,
  watermark,
  window,
} from '../../../src/index.ts';
import { quoteSchema, tickSchema } from '../../../src/schemas.generated.ts';
import { assemble } from '../../../src/topology/assemble.ts';
import type { Element, Late } from '../../../src/topology/elements.ts';
import { InputMerge } from '../../../src/topology/inputs/merge.ts';
import { effort } from '../../support/effort.ts';
import { chunkOf, type Row, shapeOf } from '../../support/stepRun.ts';

const RUNS = effort(200);
const MS = 1_000;
const SHAPES = [shapeOf(tickSchema), shapeOf(quoteSchema)] as const;
const BOUNDS = { maxSkewMs: 1_000_000, maxBufferedRecords: 1_000_000 };

/** Two inputs, a filter behind a watermark, an as-of join, tumbling and session windows with lateness. */
const spreads = topology({
  name: 'spreads',
  version: 1,
  inputs: { ticks: 'ticks', quotes: 'quotes' },
  build: ({ ticks, quotes }) => {
    const trades = ticks.pipe(
      watermark(bounded(2)),
      filter((tick) => tick.size > 1),
      keyBy('instrument'),
    );
    const bids = quotes.pipe(watermark(bounded(3)), keyBy('instrument'));
    const joined = asOfJoin(trades, bids, { take: { bid: 'bid' }, maxAgeMs: 10 });
    return {
      paid: joined.pipe(
        window([tumbling('4ms'), session('3ms')], { allowedLatenessMs: 2 }),
        aggregate({ trades: count(), bid: avg('bid'), size: sum('size') }),
      ),
    };
  },
});

class Run {
  readonly out: string[] = [];
  readonly late: string[] = [];
  #assembly = this.#assemble();
  #merge: InputMerge;
  readonly #rows: readonly (readonly Row[])[];

  constructor(rows: readonly (readonly Row[])[]) {
    this.#rows = rows;
    this.#merge = this.#newMerge([0, 0]);
  }

  take(size: number): boolean {
    const batch = this.#merge.next(size);
    if (batch === null) return false;
    for (const { input, element } of batch) this.#push(input, element);
    while (this.#assembly.resume());
    return true;
  }

  flush(): void {
    for (const input of [0, 1]) this.#push(input, { kind: 'flush' });
    while (this.#assembly.resume());
  }

  restart(): void {
    const state = this.#assembly.snapshot();
    const merge = structuredClone(this.#merge.snapshot());
    const from = this.#rows.map(({ length }, input) => this.#merge.nextOffset(input) ?? length);
    this.#assembly = this.#assemble();
    this.#assembly.restore(state);
    this.#merge = this.#newMerge(from);
    this.#merge.restore(merge);
  }

  #push(input: number, element: Element): void {
    this.#assembly.push(this.#assembly.inputs[input]?.name ?? '', element);
  }

  #newMerge(from: readonly number[]): InputMerge {
    const merge = new InputMerge(
      this.#assembly.inputs.map((input) => input.watermark),
      BOUNDS,
    );
    this.#rows.forEach((rows, input) => {
      const offset = from[input] ?? 0;
      merge.offer(input, chunkOf(SHAPES[input] ?? SHAPES[0], rows.slice(offset), offset));
      merge.end(input);
    });
    return merge;
  }

  #takeLate({ offsets, watermarks, intervals, topics }: Late): void {
    offsets.forEach((offset, i) => {
      this.late.push(`${topics?.[i]}/${offset} ${intervals[i]} ${watermarks[i]}`);
    });
  }

  #assemble() {
    return assemble({
      topology: spreads,
      params: {},
      generation: 1,
      onElement: ({ schema }, element) => {
        if (element.kind === 'late') this.#takeLate(element);
        if (element.kind !== 'chunk') return;
        const view = new RowView<Row>(schema);
        view.bind(element.columns);
        for (let i = 0; i < element.columns.length; i++) this.out.push(JSON.stringify(view.at(i)));
      },
    });
  }
}

const base = { instrument: fc.constantFrom('a', 'b'), eventTime: fc.integer({ min: 0, max: 40 }).map((ms) => ms * MS) };
const ticks = fc.array(fc.record({ ...base, price: fc.constant(1), size: fc.integer({ min: 1, max: 3 }) }), {
  maxLength: 30,
});
const quotes = fc.array(fc.record({ ...base, bid: fc.integer({ min: 1, max: 9 }), ask: fc.constant(9) }), {
  maxLength: 30,
});
const steps = fc.array(fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constantFrom('restart' as const)), {
  maxLength: 30,
});

function outOf(rows: readonly (readonly Row[])[], schedule: readonly (number | 'restart')[]): readonly string[] {
  const run = new Run(rows);
  for (const step of schedule) {
    if (step === 'restart') run.restart();
    else run.take(step);
  }
  while (run.take(1_000));
  run.flush();
  return [...run.out, ...run.late];
}

describe('a topology over two inputs', () => {
  it('gives the same results for every size of batches, and after a restart anywhere', () => {
    let results = 0;
    fc.assert(
      fc.property(ticks, quotes, steps, (trades, bids, schedule) => {
        const whole = outOf([trades, bids], []);
        results += whole.length;
        expect(outOf([trades, bids], schedule)).toEqual(whole);
        expect(
          outOf(
            [trades, bids],
            Array.from({ length: 70 }, () => 1),
          ),
        ).toEqual(whole);
      }),
      { numRuns: RUNS },
    );
    expect(results).toBeGreaterThan(RUNS);
  });

  it('writes late records of both inputs down, with the topic that they are in', () => {
    const at = (eventTime: number) => ({
      instrument: 'a',
      eventTime: eventTime * MS,
      price: 1,
      size: 2,
      bid: 1,
      ask: 2,
    });
    const rows = [[0, 20, 1].map(at), [0, 20, 21, 2].map(at)];
    const out = outOf(rows, []);
    expect(out.filter((line) => line.includes('asOfJoin'))).toEqual([
      'ticks/2 asOfJoin 16999',
      'quotes/3 asOfJoin 17999',
    ]);
  });

  it('says how the watermark of each input moves', () => {
    const assembly = assemble({ topology: spreads, params: {}, generation: 1, onElement: () => {} });
    expect(assembly.inputs.map((input) => [input.name, input.watermark])).toEqual([
      ['ticks', bounded(2)],
      ['quotes', bounded(3)],
    ]);
  });
});
