import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ALL_TIME } from '../../src/core/timeRange.ts';
import { aggregate, bounded, count, keyBy, topology, tumbling, watermark, window } from '../../src/index.ts';
import type { Log, PartitionRange } from '../../src/log/log.ts';
import type { SchemaRegistry } from '../../src/log/registry/registry.ts';
import { endsOf } from '../../src/replay/replayParts.ts';
import { startReplay } from '../../src/replay/start.ts';
import { planGeneration } from '../../src/runtime/generationPlan.ts';
import { GenerationWatch } from '../../src/runtime/generationWatch.ts';
import { OwnedTasks, type OwnedTasksOptions } from '../../src/runtime/ownedTasks.ts';
import type { TestTick } from '../support/drive.ts';
import { appendTicks, contentsOf, inStore, runnerOptions } from '../support/tickStore.ts';

const PARTITIONS = 4;
const INSTRUMENTS = ['a', 'b', 'c', 'd'];
const PATIENCE_MS = 50_000;
const TEST_TIMEOUT_MS = 120_000;
/** Small chunks, so that a task has many steps before it, and some of them uncommitted. */
const CHUNK = { maxRecords: 5, maxBytes: 1_000_000 };
const COMMIT = { maxRecords: 105, maxBytes: 1_000_000, intervalMs: 1e9 };

const counting = topology({
  name: 'counting',
  version: 1,
  inputs: { ticks: 'ticks' },
  build: ({ ticks }) => ({
    counting: ticks.pipe(
      watermark(bounded(0)),
      keyBy('instrument'),
      window([tumbling('10ms'), tumbling('1s')]),
      aggregate({ n: count() }),
    ),
  }),
});

const TICKS = Array.from({ length: 4_000 }, (_, i): TestTick => {
  const instrument = INSTRUMENTS[i % INSTRUMENTS.length] ?? '';
  return { instrument, eventTime: i * 1_000, price: 1, size: 1, sequence: null };
});

/** A process of a run, as far as its tasks go. */
class Runner {
  partitions: readonly number[] = [];
  hasReached = false;
  #tasks: OwnedTasks | undefined;

  static async start(log: Log, registry: SchemaRegistry, generation: Partial<OwnedTasksOptions> = {}): Promise<Runner> {
    const runner = new Runner();
    const options = {
      ...(await runnerOptions(log, registry, counting, PARTITIONS, generation.generation)),
      readBounds: CHUNK,
      commitBounds: COMMIT,
      ...generation,
      onShare: ({ partitions }: { partitions: readonly number[] }) => {
        runner.partitions = partitions;
      },
    };
    runner.#tasks = await OwnedTasks.join(options, 'ticks');
    return runner;
  }

  get tasks(): OwnedTasks {
    if (this.#tasks === undefined) throw new Error('it is started');
    return this.#tasks;
  }

  step(ends: readonly PartitionRange[] | null): Promise<void> {
    return this.tasks.step(1, ends);
  }
}

async function until(holds: () => boolean | Promise<boolean>, turn: () => Promise<void>): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error('it does not come about');
    await turn();
  }
}

/** Asks each, as each process does for itself, until it has said so once: it commits what it has done then. */
async function allReached(ends: readonly PartitionRange[], ...runners: readonly Runner[]): Promise<boolean> {
  for (const runner of runners) runner.hasReached ||= await runner.tasks.reached(ends);
  return runners.every(({ hasReached }) => hasReached);
}

describe('tasks of a topology that several processes share', { timeout: TEST_TIMEOUT_MS }, () => {
  let directory = '';
  let calm = '';
  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'tidemark-owned-'));
    calm = mkdtempSync(join(tmpdir(), 'tidemark-owned-'));
    for (const store of [directory, calm]) {
      await appendTicks(store, PARTITIONS, TICKS, ({ instrument }) => INSTRUMENTS.indexOf(instrument));
    }
    await inStore(calm, async (log, registry) => {
      const ends = await log.ranges('ticks');
      const alone = await Runner.start(log, registry);
      await until(
        () => alone.tasks.reached(ends),
        () => alone.step(ends),
      );
      await alone.tasks.close();
    });
  });
  afterEach(() => {
    for (const store of [directory, calm]) rmSync(store, { recursive: true });
  });

  const expectSameAsCalm = async () => {
    const results = await contentsOf(calm, 'counting');
    expect(results.map((partition) => partition.length > 0)).toEqual([true, true, true, true]);
    expect(await contentsOf(directory, 'counting')).toEqual(results);
  };

  it('move with what was computed, and give what one process would give', async () => {
    await inStore(directory, async (log, registry) => {
      const ends = await log.ranges('ticks');
      const first = await Runner.start(log, registry);
      await until(
        () => first.tasks.totals.records >= 40,
        () => first.step(ends),
      );
      expect(first.partitions).toEqual([0, 1, 2, 3]);
      const second = await Runner.start(log, registry);
      await until(
        () => second.partitions.length === 2,
        async () => {
          await first.step(ends);
          await second.step(ends);
        },
      );
      expect([...first.partitions, ...second.partitions].sort()).toEqual([0, 1, 2, 3]);
      await first.tasks.finish();
      await first.tasks.close();
      await until(
        () => second.tasks.reached(ends),
        () => second.step(ends),
      );
      expect(second.partitions).toEqual([0, 1, 2, 3]);
      const both = first.tasks.totals.records + second.tasks.totals.records;
      expect(both).toBe(TICKS.length);
      await second.tasks.close();
    });
    await expectSameAsCalm();
  });

  it('are at the ends when those of every process are', async () => {
    await inStore(directory, async (log, registry) => {
      const ends = await log.ranges('ticks');
      const first = await Runner.start(log, registry);
      const second = await Runner.start(log, registry);
      await until(
        () => first.partitions.length === 2 && second.partitions.length === 2,
        async () => {
          await first.step(ends);
          await second.step(ends);
        },
      );
      const records = () => second.tasks.totals.records;
      await until(
        () => records() === TICKS.length / 2,
        () => second.step(ends),
      );
      if (first.tasks.totals.records < TICKS.length / 2) expect(await second.tasks.reached(ends)).toBe(false);
      await until(
        () => allReached(ends, first, second),
        async () => {
          await first.step(ends);
          await second.step(ends);
        },
      );
      await first.tasks.close();
      await second.tasks.close();
    });
    await expectSameAsCalm();
  });

  it('follow their base as members of a group too, whichever partitions are empty', async () => {
    const store = mkdtempSync(join(tmpdir(), 'tidemark-owned-'));
    try {
      const some = TICKS.filter(({ instrument }) => instrument !== 'c');
      await appendTicks(store, PARTITIONS, some, ({ instrument }) => INSTRUMENTS.indexOf(instrument));
      await inStore(store, async (log, registry) => {
        const ticksEnds = await log.ranges('ticks');
        const base = await Runner.start(log, registry);
        await until(
          () => base.tasks.reached(ticksEnds),
          () => base.step(ticksEnds),
        );
        await base.tasks.close();
        const parts = { log, registry, topology: counting.name };
        const watch = await GenerationWatch.open(parts, () => 0);
        await startReplay({ ...parts, watch, definition: counting, set: {} }, { range: ALL_TIME });
        await watch.lookNow();
        const { replay } = planGeneration(counting, {}, watch, 2);
        if (replay === undefined) throw new Error('it has a base');
        const shadow = { generation: 2, shadow: 2, replay };
        const ends = await endsOf(parts, 1, watch.get(2));
        const first = await Runner.start(log, registry, shadow);
        await until(
          () => first.tasks.totals.records >= 100,
          () => first.step(ends),
        );
        const second = await Runner.start(log, registry, shadow);
        await until(
          () => allReached(ends, first, second),
          async () => {
            await first.step(ends);
            await second.step(ends);
          },
        );
        expect([...first.partitions, ...second.partitions].sort()).toEqual([0, 1, 2, 3]);
        await first.tasks.close();
        await second.tasks.close();
      });
      expect(await contentsOf(store, 'counting__g2')).toEqual(await contentsOf(store, 'counting'));
    } finally {
      rmSync(store, { recursive: true });
    }
  });
});
