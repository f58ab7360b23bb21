import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  aggregate,
  bounded,
  count,
  repartition,
  sum,
  TopologyTestDriver,
  topology,
  tumbling,
  watermark,
  window,
} from '../../src/index.ts';
import { planTopology } from '../../src/runtime/topologyPlan.ts';
import type { TopologyRunnerOptions } from '../../src/runtime/topologyRunner.ts';
import { type Control, controlSchema, type Late, lateSchema } from '../../src/schemas.generated.ts';
import type { TestTick } from '../support/drive.ts';
import { appendTicksTo, inStore, openRunner, rowsOf } from '../support/tickStore.ts';

const MS = 1_000;
const PARTITIONS = 3;
const IDLE_MS = 500;

const totals = topology({
  name: 'totals',
  version: 1,
  inputs: { ticks: 'ticks' },
  build: ({ ticks }) => ({
    totals: ticks.pipe(
      watermark(bounded(0)),
      repartition('instrument', { watermarkEvery: '5ms' }),
      window([tumbling('10ms')]),
      aggregate({ n: count(), size: sum('size') }),
    ),
  }),
});
const RESULTS = JSON.parse(planTopology(totals, {}, 1).outputs[0]?.schema.text ?? '');

interface Total {
  readonly instrument: string;
  readonly start: number;
  readonly n: number;
  readonly revision: number;
}

function tick(instrument: string, ms: number): TestTick {
  return { instrument, eventTime: ms * MS, price: 1, size: 1, sequence: null };
}

/** Ticks of four keys, spread over the partitions without regard to them. */
function ticksFrom(ms: number): TestTick[] {
  return Array.from({ length: 40 }, (_, i) => tick(`key-${i % 4}`, ms + i));
}

const spread = ({ eventTime }: TestTick): number => (eventTime / MS) % PARTITIONS;

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tidemark-repartition-'));
});
afterEach(() => {
  rmSync(directory, { recursive: true });
});

async function runToEnds(ticks: readonly TestTick[], options: Partial<TopologyRunnerOptions> = {}): Promise<void> {
  await inStore(directory, async (log, registry) => {
    await appendTicksTo(log, registry, PARTITIONS, ticks, spread);
    const ends = await log.ranges('ticks');
    const runner = await openRunner(log, registry, totals, PARTITIONS, options);
    for (let step = 0; !runner.haveFlushed; step++) {
      if (step > 1_000) throw new Error('it does not come to its end');
      await runner.step(0, ends);
    }
    expect(runner.totals.records).toBe(ticks.length);
    await runner.commit();
    await runner.close();
  });
}

/** What one task makes of the ticks when it has all of them. */
function inOnePiece(ticks: readonly TestTick[]): string[] {
  const inOrder = [...ticks].sort((a, b) => a.eventTime - b.eventTime);
  return sorted(new TopologyTestDriver(totals).feed('ticks', inOrder).end().read<Total>('totals'));
}

const results = async (): Promise<string[]> => sorted(await rowsOf<Total>(directory, 'totals', RESULTS));

describe('a topology that keys its rows anew', () => {
  it('brings those of a key together from all partitions, and counts each once', async () => {
    await runToEnds(ticksFrom(0));
    expect(await results()).toHaveLength(16);
    expect(await results()).toEqual(inOnePiece(ticksFrom(0)));
  });

  it('goes on where an earlier run ended, with results that are the same in fewer runs', async () => {
    await runToEnds(ticksFrom(0));
    await runToEnds(ticksFrom(100));
    await runToEnds([]);
    expect(await results()).toEqual(inOnePiece([...ticksFrom(0), ...ticksFrom(100)]));
  });

  it('decides nothing anew where nothing is new, though upstream tasks say once more that they have nothing', async () => {
    await runToEnds(ticksFrom(0));
    const decided = await decisions();
    expect(decided).not.toHaveLength(0);
    await runToEnds([]);
    expect(await decisions()).toEqual(decided);
  });

  it('reads again what it had to pass over, with room for one record of each upstream task', async () => {
    const narrow = {
      readBounds: { maxRecords: 2, maxBytes: 1_000_000 },
      mergeBounds: { maxSkewMs: 1e9, maxBufferedRecords: 1 },
    };
    await runToEnds(ticksFrom(0), narrow);
    expect(await results()).toEqual(inOnePiece(ticksFrom(0)));
  });

  it('tells of a late row which record of the input it came of', async () => {
    await runToEnds(ticksFrom(0));
    await runToEnds([tick('key-1', 5)]);
    const late = await rowsOf<Late>(directory, 'totals.stage1.late', lateSchema);
    // Of the 40 before it, 13 went to partition 2, those at 2, 5, 8 … ms.
    expect(late).toMatchObject([{ topic: 'ticks', partition: 2, offset: 13, eventTime: 5 * MS }]);
  });

  it('closes its last windows by the wall clock, once all upstream tasks have said that they have nothing', async () => {
    await inStore(directory, async (log, registry) => {
      let nowMs = 0;
      const wallClockBounds = { wallClockAfterMs: 1, wallClockEveryMs: 1 };
      const clock = { now: () => nowMs, idleTimeoutMs: IDLE_MS, wallClockBounds };
      await appendTicksTo(log, registry, PARTITIONS, [tick('a', 3), tick('a', 4)], spread);
      const runner = await openRunner(log, registry, totals, PARTITIONS, clock);
      const written = async (): Promise<number> => {
        for (let i = 0; i < 20; i++) await runner.step(0);
        await runner.commit();
        return (await log.ranges('totals')).reduce((sum, { end }) => sum + end, 0);
      };
      expect(await written()).toBe(0);
      nowMs = IDLE_MS - 1;
      expect(await written()).toBe(0);
      // They say so now, and the clock of the second stage begins: the window needs 6 ms more.
      nowMs = IDLE_MS;
      expect(await written()).toBe(0);
      nowMs += 6;
      expect(await written()).toBe(1);
      await runner.close();
    });
    expect((await decisions()).map(({ kind }) => kind)).toContain('wallClock');
  });

  it('waits for an upstream task that is quiet until that says so, and then for its records again', async () => {
    await inStore(directory, async (log, registry) => {
      let nowMs = 0;
      const clock = { now: () => nowMs, idleTimeoutMs: IDLE_MS };
      // Two ticks of one partition; the others have none.
      await appendTicksTo(log, registry, PARTITIONS, [tick('a', 3), tick('a', 33)], spread);
      const runner = await openRunner(log, registry, totals, PARTITIONS, clock);
      const written = async (): Promise<number> => {
        for (let i = 0; i < 20; i++) await runner.step(0);
        await runner.commit();
        return (await log.ranges('totals')).reduce((sum, { end }) => sum + end, 0);
      };
      expect(await written()).toBe(0);
      nowMs = IDLE_MS;
      expect(await written()).toBe(1);
      // Another partition has a tick again: nothing beyond it is complete before it has another, or is quiet.
      await appendTicksTo(log, registry, PARTITIONS, [tick('a', 34), tick('a', 66)], spread);
      expect(await written()).toBe(1);
      nowMs += IDLE_MS;
      expect(await written()).toBe(2);
      await runner.close();
    });
    const decided = await decisions();
    expect(new Set(decided.map(({ kind }) => kind))).toEqual(new Set(['idle', 'active']));
    expect(decided.every(({ upstream }) => upstream !== null)).toBe(true);
  });
});

/** What the tasks of the second stage have recorded besides commits. */
async function decisions(): Promise<readonly Control[]> {
  const controls = await rowsOf<Control>(directory, 'totals.stage1.control', controlSchema);
  return controls.filter(({ kind }) => kind !== 'commit');
}

function sorted(rows: readonly Total[]): string[] {
  return rows.map(({ instrument, start, n, revision }) => `${instrument} ${start} r${revision}: ${n}`).sort();
}
