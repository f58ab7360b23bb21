import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  aggregate,
  asOfJoin,
  bounded,
  count,
  keyBy,
  last,
  topology,
  tumbling,
  watermark,
  window,
} from '../../src/index.ts';
import { TopologyRunner } from '../../src/runtime/topologyRunner.ts';
import { type Control, controlSchema } from '../../src/schemas.generated.ts';
import { appendQuotes } from '../simulation/quotes.ts';
import type { TestTick } from '../support/drive.ts';
import { appendTicksTo, contentsOf, inStore, openRunner, rowsOf, runnerOptions } from '../support/tickStore.ts';

const MS = 1_000;
const IDLE_MS = 500;

const joined = topology({
  name: 'joined',
  version: 1,
  inputs: { ticks: 'ticks', quotes: 'quotes' },
  build: ({ ticks, quotes }) => ({
    joined: asOfJoin(
      ticks.pipe(watermark(bounded(0)), keyBy('instrument')),
      quotes.pipe(watermark(bounded(0)), keyBy('instrument')),
      { take: { bid: 'bid' }, maxAgeMs: 1_000 },
    ).pipe(window([tumbling('10ms')]), aggregate({ n: count(), bid: last('bid') })),
  }),
});

function tick(ms: number): TestTick {
  return { instrument: 'a', eventTime: ms * MS, price: 1, size: 1, sequence: null };
}

function quote(ms: number, bid: number) {
  return { instrument: 'a', eventTime: ms * MS, bid };
}

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tidemark-inputs-'));
});
afterEach(() => {
  rmSync(directory, { recursive: true });
});

async function decisions(): Promise<(readonly [string, string, number])[]> {
  const controls = await rowsOf<Control>(directory, 'joined.control', controlSchema);
  return controls
    .filter(({ kind }) => kind !== 'commit')
    .map(({ kind, topic, position }) => [kind, topic, position] as const);
}

describe('a task of several inputs', () => {
  it('waits for an input that is quiet until it is recorded as idle, and for its records once it is active again', async () => {
    await inStore(directory, async (log, registry) => {
      const around = { log, registry, partitions: 1 };
      await appendTicksTo(log, registry, 1, [tick(1), tick(12)], () => 0);
      await appendQuotes(around, [quote(0, 7)], () => 0);
      let nowMs = 0;
      const clock = { now: () => nowMs, idleTimeoutMs: IDLE_MS };
      const runner = await openRunner(log, registry, joined, 1, clock);
      const steps = async () => {
        for (let i = 0; i < 5; i++) await runner.step(0);
        await runner.commit();
      };
      await steps();
      nowMs = IDLE_MS - 1;
      await steps();
      expect(await results(log)).toBe(0);
      nowMs = IDLE_MS;
      await steps();
      // Both are read to their ends, and nothing came: the quotes hold the first tick back no more.
      expect(await results(log)).toBe(1);
      await appendQuotes(around, [quote(13, 8)], () => 0);
      await steps();
      nowMs += IDLE_MS;
      await steps();
      await runner.close();
    });
    expect(await decisions()).toEqual([
      ['idle', 'quotes', 1],
      ['idle', 'ticks', 3],
      ['active', 'quotes', 3],
      ['idle', 'quotes', 4],
    ]);
  });

  it('repeats after a restart what was decided, and takes nothing twice', async () => {
    const runs = [1, 2, 3];
    for (const run of runs) {
      await inStore(directory, async (log, registry) => {
        const around = { log, registry, partitions: 1 };
        await appendTicksTo(log, registry, 1, [tick(run * 20), tick(run * 20 + 12)], () => 0);
        await appendQuotes(around, [quote(run * 20 - 1, run)], () => 0);
        const ends = [...(await log.ranges('ticks')), ...(await log.ranges('quotes'))];
        const runner = await openRunner(log, registry, joined, 1);
        while (!runner.haveFlushed) await runner.step(0, ends);
        // Of every other run the next one finds no snapshot.
        await (run % 2 === 0 ? runner.finish() : runner.commit());
        expect(runner.totals.records).toBe(3);
        await runner.close();
      });
    }
    expect((await contentsOf(directory, 'joined'))[0]?.length).toBeGreaterThanOrEqual(2 * runs.length);
  });

  it('needs the same number of partitions in each', async () => {
    await inStore(directory, async (log, registry) => {
      await log.createTopic('ticks', { partitions: 2, retentionMs: -1 });
      await log.createTopic('quotes', { partitions: 3, retentionMs: -1 });
      const opened = TopologyRunner.open(await runnerOptions(log, registry, joined, 2));
      await expect(opened).rejects.toEqual(expect.objectContaining({ code: 'TM_PARTITIONS_DIFFER' }));
    });
  });
});

async function results(log: Parameters<Parameters<typeof inStore>[1]>[0]): Promise<number> {
  return (await log.ranges('joined'))[0]?.end ?? 0;
}
