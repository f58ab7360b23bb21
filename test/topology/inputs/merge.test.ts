import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ascending, bounded, fromColumn, type WatermarkStrategy } from '../../../src/index.ts';
import { InputMerge, type Merged } from '../../../src/topology/inputs/merge.ts';
import { effort } from '../../support/effort.ts';
import { chunkOf, shapeOf } from '../../support/stepRun.ts';

const RUNS = effort(500);
const RECORD = shapeOf({
  type: 'record',
  name: 'Reading',
  fields: [
    { name: 'eventTime', type: 'long' },
    { name: 'reached', type: 'long' },
  ],
});
const BOUNDS = { maxSkewMs: 1_000, maxBufferedRecords: 1_000 };

interface Change {
  readonly arrival: number;
  readonly input: number;
  readonly kind: 'idle' | 'active';
}

/** Something that happens to a merge: records of an input arrive, or the merge is asked. */
type Event = { readonly input: number; readonly count: number } | { readonly ask: number };

/** `input:offset` of each record in the merged order, and the changes of activity between them. */
type Order = readonly string[];

function rowsOf(times: readonly number[]): { eventTime: number; reached: number }[] {
  return times.map((time) => ({ eventTime: time, reached: time - (time % 7) }));
}

class MergeRun {
  readonly order: string[] = [];
  merge: InputMerge;
  readonly #strategies: readonly WatermarkStrategy[];
  readonly #sources: readonly (readonly number[])[];
  readonly #offered: number[];
  readonly #changes: Change[];

  constructor(
    strategies: readonly WatermarkStrategy[],
    sources: readonly (readonly number[])[],
    changes: readonly Change[] = [],
  ) {
    this.merge = new InputMerge(strategies, BOUNDS);
    this.#strategies = strategies;
    this.#sources = sources;
    this.#offered = sources.map(() => 0);
    this.#changes = [...changes];
  }

  arrive(input: number, count: number): void {
    const from = this.#offered[input] as number;
    const times = (this.#sources[input] as readonly number[]).slice(from, from + count);
    this.merge.offer(input, chunkOf(RECORD, rowsOf(times), from));
    this.#offered[input] = from + times.length;
  }

  /** Takes what can be taken, at most `most` records at a time, with the recorded changes where they were recorded. */
  ask(most: number): void {
    for (;;) {
      for (let first = this.#changes[0]; first?.arrival === this.merge.arrivals; first = this.#changes[0]) {
        this.merge[first.kind](first.input);
        this.#changes.shift();
      }
      const limit = (this.#changes[0]?.arrival ?? Number.POSITIVE_INFINITY) - this.merge.arrivals;
      const merged = this.merge.next(Math.min(most, limit));
      if (merged === null) return;
      this.order.push(...described(merged));
    }
  }

  restart(): void {
    const saved = structuredClone(this.merge.snapshot());
    this.#sources.forEach((_, input) => {
      this.#offered[input] = this.merge.nextOffset(input) ?? (this.#offered[input] as number);
    });
    this.merge = new InputMerge(this.#strategies, BOUNDS);
    this.merge.restore(saved);
  }

  finish(): Order {
    this.#sources.forEach(({ length }, input) => {
      this.arrive(input, length);
      this.merge.end(input);
    });
    this.ask(1_000);
    return this.order;
  }
}

function described(merged: readonly Merged[]): string[] {
  const records: { readonly arrival: number; readonly text: string }[] = [];
  for (const { input, element } of merged) {
    if (element.kind === 'activity') return [`${input} ${element.isActive ? 'active' : 'inactive'}`];
    const reached = element.columns.byName.get('reached');
    element.arrivals.forEach((arrival, i) => {
      const value = reached?.kind === 'long' ? reached.values[i] : 'none';
      records.push({ arrival, text: `${arrival} ${input}:${element.offsets[i]} ${element.timesMicros[i]} ${value}` });
    });
  }
  return records.sort((a, b) => a.arrival - b.arrival).map(({ text }) => text);
}

/** The order by the definition: look at the next record of each input, take the one that leaves the lowest watermark. */
function orderOracle(sources: readonly (readonly number[])[], delays: readonly number[], changes: readonly Change[]) {
  const at = sources.map(() => 0);
  const idle = new Set<number>();
  const order: string[] = [];
  for (let arrival = 0; ; arrival++) {
    for (const change of changes.filter((each) => each.arrival === arrival)) {
      if (change.kind === 'idle') idle.add(change.input);
      else idle.delete(change.input);
    }
    const candidates = sources.flatMap((times, input) => {
      const next = at[input] as number;
      if (idle.has(input) || next === times.length) return [];
      const highest = Math.max(...times.slice(0, next + 1));
      return [{ input, watermark: highest - (delays[input] as number), time: times[next] as number }];
    });
    const lowest = Math.min(...candidates.map(({ watermark }) => watermark));
    const first = candidates.find(({ watermark }) => watermark === lowest);
    if (first === undefined) return order;
    const { input, time } = first;
    order.push(`${arrival} ${input}:${at[input]} ${time} ${time - (time % 7)}`);
    at[input] = (at[input] as number) + 1;
  }
}

const times = fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 20 });
const sources = fc.tuple(times, times, times);
const events: fc.Arbitrary<Event[]> = fc.array(
  fc.oneof(
    fc.record({ input: fc.nat({ max: 2 }), count: fc.integer({ min: 1, max: 6 }) }),
    fc.record({ ask: fc.integer({ min: 1, max: 6 }) }),
  ),
  { maxLength: 40 },
);
const delays = fc.tuple(fc.nat({ max: 5 }), fc.nat({ max: 5 }), fc.nat({ max: 5 }));

function boundedBy(micros: number): WatermarkStrategy {
  return { field: null, delayMicros: micros };
}

function runOf(run: MergeRun, schedule: readonly Event[]): Order {
  for (const event of schedule) {
    if ('ask' in event) run.ask(event.ask);
    else run.arrive(event.input, event.count);
  }
  return run.finish();
}

function recordsOf(order: Order): Order {
  return order.filter((entry) => !entry.includes('active'));
}

describe('the merge of several inputs', () => {
  it('gives the order of the definition, however records arrive and however many are asked for', () => {
    fc.assert(
      fc.property(sources, delays, events, (given, delay, schedule) => {
        const run = new MergeRun(delay.map(boundedBy), given);
        expect(recordsOf(runOf(run, schedule))).toEqual(orderOracle(given, delay, []));
      }),
      { numRuns: RUNS },
    );
  });

  it('repeats what was recorded of idle inputs', () => {
    const spans = fc.tuple(fc.nat({ max: 15 }), fc.nat({ max: 15 }), fc.nat({ max: 2 }));
    fc.assert(
      fc.property(sources, delays, events, spans, (given, delay, schedule, [from, length, input]) => {
        // An input that is idle when the others end would never be active again.
        const others = given.reduce((sum, { length: count }, index) => sum + (index === input ? 0 : count), 0);
        fc.pre(from + length <= others);
        const changes: Change[] = [
          { arrival: from, input, kind: 'idle' },
          { arrival: from + length, input, kind: 'active' },
        ];
        const expected = orderOracle(given, delay, changes);
        fc.pre(expected.length === given.flat().length);
        expect(recordsOf(runOf(new MergeRun(delay.map(boundedBy), given, changes), schedule))).toEqual(expected);
      }),
      { numRuns: RUNS },
    );
  });

  it('goes on from a snapshot anywhere', () => {
    fc.assert(
      fc.property(sources, delays, events, fc.nat({ max: 40 }), (given, delay, schedule, cut) => {
        const run = new MergeRun(delay.map(boundedBy), given);
        schedule.forEach((event, index) => {
          if (index === cut) run.restart();
          if ('ask' in event) run.ask(event.ask);
          else run.arrive(event.input, event.count);
        });
        expect(recordsOf(run.finish())).toEqual(orderOracle(given, delay, []));
      }),
      { numRuns: RUNS },
    );
  });

  it('would depend on arrival if it did not wait: idle inputs that are not recorded turn the check red', () => {
    const check = fc.check(
      fc.property(sources, delays, events, (given, delay, schedule) => {
        const run = new MergeRun(delay.map(boundedBy), given);
        for (const event of schedule) {
          if ('ask' in event) {
            // The fault: an input without records is taken for idle there and then.
            const empty = [0, 1, 2].filter((input) => run.merge.nextOffset(input) === null);
            for (const input of empty) run.merge.idle(input);
            run.ask(event.ask);
            for (const input of empty) run.merge.active(input);
          } else run.arrive(event.input, event.count);
        }
        return recordsOf(run.finish()).join() === orderOracle(given, delay, []).join();
      }),
      { numRuns: RUNS },
    );
    expect(check.failed).toBe(true);
  });

  it('waits for an input without a record, until it is idle or has ended', () => {
    const run = new MergeRun([ascending(), ascending()], [[1, 2], [5]]);
    run.arrive(0, 2);
    run.ask(10);
    expect(run.order).toEqual([]);
    run.merge.idle(1);
    run.ask(10);
    expect(run.order).toEqual(['1 inactive', '0 0:0 1 0', '1 0:1 2 0']);
    expect(run.merge.watermark).toBe(1);
    run.merge.active(1);
    expect(run.finish().slice(3)).toEqual(['1 active', '0 inactive', '2 1:0 5 0', '1 inactive']);
  });

  it('breaks ties by the order of the inputs', () => {
    const run = new MergeRun([fromColumn('reached'), bounded(0)], [[7, 8], [8]]);
    expect(run.finish().filter((entry) => entry.includes(':'))).toEqual(['0 0:0 7 7', '1 0:1 8 7', '2 1:0 8 7']);
  });

  it('pauses an input that is too far ahead, and one that fills the buffer', () => {
    const merge = new InputMerge([ascending(), ascending()], { maxSkewMs: 1, maxBufferedRecords: 3 });
    merge.offer(0, chunkOf(RECORD, rowsOf([0, 1_000]), 0));
    expect(merge.paused(0)).toBe(false);
    merge.offer(0, chunkOf(RECORD, rowsOf([1_001]), 2));
    expect([merge.paused(0), merge.paused(1)]).toEqual([true, false]);
    merge.offer(1, chunkOf(RECORD, rowsOf([5, 5, 5]), 0));
    expect(merge.paused(1)).toBe(true);
    merge.next(2);
    expect([merge.paused(0), merge.paused(1)]).toEqual([false, false]);
  });
});
