import { describe, expect, it } from 'vitest';
import { AlertBook, alertJson, type Condition } from '../../src/alerts/alert.ts';
import { StalledWatermarks } from '../../src/alerts/conditions.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { TaskPosition } from '../../src/runtime/positions.ts';

const CONFIG = loadConfig({ env: {}, flags: new Map() }).alerts;
const REPEAT_MS = 1_000;
const LETTERS: Condition = {
  ...{ id: 'letters', kind: 'deadLetters', title: 'dead letters', detail: 'many', value: 7, threshold: 5 },
  isFiring: true,
};

describe('trouble is told', () => {
  const told = (book: AlertBook, conditions: readonly Condition[], nowMs: number) =>
    book.update(conditions, nowMs).map(({ id, state, sinceMs, atMs }) => [id, state, sinceMs, atMs]);
  const calm = { ...LETTERS, isFiring: false };

  it('when it begins, again after a while, and when it is over', () => {
    const book = new AlertBook(REPEAT_MS);
    expect(told(book, [calm], 0)).toEqual([]);
    expect(told(book, [LETTERS], 10)).toEqual([['letters', 'firing', 10, 10]]);
    expect(told(book, [LETTERS], 20)).toEqual([]);
    expect(told(book, [{ ...LETTERS, value: 99, detail: 'more' }], 1_009)).toEqual([]);
    expect(told(book, [LETTERS], 1_010)).toEqual([['letters', 'firing', 10, 1_010]]);
    expect(told(book, [LETTERS], 1_020)).toEqual([]);
    expect(told(book, [calm], 1_030)).toEqual([['letters', 'resolved', 10, 1_030]]);
    expect(told(book, [calm], 1_040)).toEqual([]);
    expect(told(book, [LETTERS], 1_050)).toEqual([['letters', 'firing', 1_050, 1_050]]);
  });

  it('for each thing apart, and is over where there is no such thing any more', () => {
    const book = new AlertBook(REPEAT_MS);
    const other = { ...LETTERS, id: 'other' };
    expect(told(book, [LETTERS, other], 0)).toHaveLength(2);
    expect(told(book, [LETTERS], 10)).toEqual([['other', 'resolved', 0, 10]]);
  });

  it('in the words of the template', () => {
    const [alert] = new AlertBook(REPEAT_MS).update([LETTERS], 1_723_161_600_000);
    if (alert === undefined) throw new Error('nothing is told');
    const template = '{state} {kind} {title} {detail} {value}/{threshold} {since} {at}';
    expect(alertJson(alert, template)).toEqual({
      ...{ id: 'letters', kind: 'deadLetters', title: 'dead letters', detail: 'many', value: 7, threshold: 5 },
      ...{ state: 'firing', since: '2024-08-09T00:00:00.000Z', at: '2024-08-09T00:00:00.000Z' },
      text: 'firing deadLetters dead letters many 7/5 2024-08-09T00:00:00.000Z 2024-08-09T00:00:00.000Z',
    });
  });

  it.each(['{', '{nothing}', '{state} }'])('but not with the template %j', (template) => {
    const env = { TIDEMARK_ALERTS_TEMPLATE: template };
    expect(() => loadConfig({ env, flags: new Map() })).toThrow(expect.objectContaining({ code: 'TM_CONFIG' }));
  });
});

describe('a watermark stands still', () => {
  const task = (position: number, end: number, watermark: number | null): TaskPosition => ({
    ...{
      topology: 'bars',
      topic: 'ticks',
      partition: 0,
      position,
      end,
      lag: end - position,
      watermark,
      clockMicros: 0,
    },
  });
  const stalledMs = 100;
  /** At each time: what the task is like, and whether that is trouble; null where it is not watched. */
  const expectAll = (steps: readonly (readonly [nowMs: number, task: TaskPosition, isFiring: boolean | null])[]) => {
    const stalled = new StalledWatermarks({ ...CONFIG, stalledMs });
    const seen = steps.map(([nowMs, one]) => stalled.conditions([one], nowMs)[0]?.isFiring ?? null);
    expect(seen).toEqual(steps.map(([, , isFiring]) => isFiring));
  };

  it('when records wait, and it has not moved for so long', () => {
    expectAll([
      [0, task(1, 9, 5), null],
      [10, task(2, 9, 6), false],
      [109, task(2, 9, 6), false],
      [110, task(2, 9, 6), true],
      [120, task(3, 9, 7), false],
    ]);
  });

  it('when records are read, and it does not move', () => {
    expectAll([
      [0, task(1, 1, 5), null],
      [10, task(2, 2, 5), false],
      [60, task(3, 3, 5), false],
      [120, task(4, 4, 5), true],
    ]);
  });

  it('by right, where there is nothing to read', () => {
    expectAll([
      [0, task(1, 2, 5), null],
      [10, task(2, 2, 6), false],
      [500, task(2, 2, 6), false],
      // Counted from when there is something.
      [510, task(2, 3, 6), false],
      [599, task(2, 3, 6), false],
      [600, task(2, 3, 6), true],
    ]);
  });

  it('over a restart, if it was told of before: until it is seen to move, or there is nothing to read', () => {
    const condition = {
      ...LETTERS,
      id: 'stalledWatermark bars ticks/0',
      kind: 'stalledWatermark',
      threshold: stalledMs,
    };
    const open = [{ condition: { ...condition, kind: 'stalledWatermark' } as const, sinceMs: 500, toldMs: 500 }];
    const looks = (...tasks: readonly TaskPosition[]) => {
      const stalled = new StalledWatermarks({ ...CONFIG, stalledMs }, open);
      return tasks.map((each, i) => stalled.conditions([each], 600 + i)[0]?.isFiring ?? null);
    };
    expect(looks(task(2, 9, 6), task(2, 9, 6), task(9, 9, 8))).toEqual([true, true, false]);
    expect(looks(task(9, 9, 8))).toEqual([false]);
    expect(looks({ ...task(2, 9, 6), partition: 1 })).toEqual([null]);
  });

  it('for ever, where nobody runs the topology any more: that is no trouble', () => {
    expectAll([
      [0, task(1, 9, 5), null],
      [1_000, task(1, 99, 5), null],
    ]);
  });
});
