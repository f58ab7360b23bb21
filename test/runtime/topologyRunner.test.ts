import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TidemarkError } from '../../src/errors.ts';
import {
  aggregate,
  bounded,
  count,
  first,
  hopping,
  keyBy,
  last,
  type Stream,
  type Tick,
  topology,
  tumbling,
  watermark,
  window,
} from '../../src/index.ts';
import type { Log } from '../../src/log/log.ts';
import { fingerprintOf } from '../../src/runtime/recovery.ts';
import { planTopology } from '../../src/runtime/topologyPlan.ts';
import { type Control, controlSchema, type DeadLetter, deadLetterSchema } from '../../src/schemas.generated.ts';
import { assemble } from '../../src/topology/assemble.ts';
import { recordBytes } from '../log/records.ts';
import { mortalLog } from '../simulation/mortalLog.ts';
import type { TestTick } from '../support/drive.ts';
import { APPENDED_MS, appendTicks, contentsOf, inStore, openRunner, rowsOf } from '../support/tickStore.ts';

const MS = 1_000;
const HOUR_MS = 3_600_000;
const RESULTS = JSON.parse(planTopology(counting(1), {}, 1).outputs[0]?.schema.text ?? '');

function counting(version: number, size = '10ms') {
  return topology({
    name: 'counting',
    version,
    inputs: { ticks: 'ticks' },
    build: ({ ticks }) => ({
      counting: ticks.pipe(
        watermark(bounded(0)),
        keyBy('instrument'),
        window([tumbling(size)]),
        aggregate({ n: count() }),
      ),
    }),
  });
}

function at(ms: number, instrument = 'a'): TestTick {
  return { instrument, eventTime: ms * MS, price: 1, size: 1, sequence: null };
}

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tidemark-runner-'));
});
afterEach(() => {
  rmSync(directory, { recursive: true });
});

/** Runs to the end of the ticks and flushes. */
async function runToEnd(version = 1, size = '10ms', end: 'commit' | 'finish' = 'commit'): Promise<void> {
  await inStore(directory, async (log, registry) => {
    const partitions = (await log.ranges('ticks')).length;
    const runner = await openRunner(log, registry, counting(version, size), partitions);
    try {
      const ends = await log.ranges('ticks');
      while (!runner.haveFlushed) await runner.step(0, ends);
      await runner[end]();
    } finally {
      await runner.close();
    }
  });
}

describe('a fingerprint', () => {
  it('changes with what a topology computes', () => {
    const of = (build: (ticks: Stream<Tick>) => Stream<unknown>, version = 1): string => {
      const made = topology({
        name: 't',
        version,
        inputs: { ticks: 'ticks' },
        build: ({ ticks }) => ({ t: build(ticks) }),
      });
      const assembly = assemble({ topology: made, params: {}, generation: 1, onElement: () => {} });
      assembly.close();
      return fingerprintOf(made, {}, assembly);
    };
    const windowed = (ms: number, size: string) => (ticks: Stream<Tick>) =>
      ticks.pipe(watermark(bounded(ms)), keyBy('instrument'), window([tumbling(size)]));
    const first1 = of((ticks) => windowed(0, '1s')(ticks).pipe(aggregate({ price: first('price') })));
    const changed = [
      of((ticks) => windowed(0, '1s')(ticks).pipe(aggregate({ price: last('price') }))),
      of((ticks) => windowed(0, '1s')(ticks).pipe(aggregate({ price: first('size') }))),
      of((ticks) => windowed(1, '1s')(ticks).pipe(aggregate({ price: first('price') }))),
      of((ticks) => windowed(0, '2s')(ticks).pipe(aggregate({ price: first('price') }))),
      of((ticks) => windowed(0, '1s')(ticks).pipe(aggregate({ price: first('price') })), 2),
    ];
    expect(new Set([first1, ...changed]).size).toBe(6);
    expect(of((ticks) => windowed(0, '1s')(ticks).pipe(aggregate({ price: first('price') })))).toBe(first1);
  });
});

describe('the tasks of a topology', () => {
  it('count the records in the gaps between windows, once', async () => {
    const gaps = topology({
      name: 'gaps',
      version: 1,
      inputs: { ticks: 'ticks' },
      build: ({ ticks }) => ({
        gaps: ticks.pipe(
          watermark(bounded(0)),
          keyBy('instrument'),
          window([hopping('2ms', '10ms')]),
          aggregate({ n: count() }),
        ),
      }),
    });
    await appendTicks(directory, 1, [at(1), at(5), at(6), at(11)], () => 0);
    const unassigned: number[] = [];
    for (let run = 0; run < 2; run++) {
      await inStore(directory, async (log, registry) => {
        const runner = await openRunner(log, registry, gaps, 1);
        const ends = await log.ranges('ticks');
        while (!runner.haveFlushed) await runner.step(0, ends);
        await runner.commit();
        unassigned.push(runner.totals.unassigned);
        await runner.close();
      });
    }
    expect(unassigned).toEqual([2, 0]);
  });

  it('write results to the partition number of their input', async () => {
    await appendTicks(directory, 3, [at(1, 'a'), at(2, 'b'), at(3, 'b')], ({ instrument }) =>
      instrument === 'a' ? 0 : 2,
    );
    await runToEnd();
    expect((await contentsOf(directory, 'counting')).map((partition) => partition.length)).toEqual([1, 0, 1]);
  });

  it('reject a tick too far ahead of its append time before it moves the watermark', async () => {
    const ahead = APPENDED_MS + HOUR_MS + 1;
    await appendTicks(directory, 1, [at(1), at(ahead), at(2), at(APPENDED_MS + HOUR_MS)], () => 0);
    await runToEnd();
    const letters = await rowsOf<DeadLetter>(directory, 'deadletter', deadLetterSchema);
    expect(letters).toMatchObject([{ source: 'ticks/0', position: 1, topic: 'ticks', reason: 'ahead' }]);
    expect((await contentsOf(directory, 'counting'))[0]).toHaveLength(2);
    expect((await contentsOf(directory, 'counting.late'))[0]).toHaveLength(0);
  });

  it('reject what cannot be decoded, and go on', async () => {
    await appendTicks(directory, 1, [at(1)], () => 0);
    await inStore(directory, async (log) => {
      const writer = await log.openWriter('poison');
      const records = recordBytes([{ key: 'a', value: 'not a framed tick' }]);
      await writer.commit({ appends: [{ topic: 'ticks', partition: 0, records }], positions: [] });
      await writer.close();
    });
    await appendTicks(directory, 1, [at(20)], () => 0);
    await runToEnd();
    const letters = await rowsOf<DeadLetter>(directory, 'deadletter', deadLetterSchema);
    expect(letters).toMatchObject([{ position: 1, reason: 'framing' }]);
    expect(Buffer.from(letters[0]?.payload ?? []).toString()).toBe('not a framed tick');
    expect((await contentsOf(directory, 'counting'))[0]).toHaveLength(2);
  });

  it('record each commit and each flush with its position', async () => {
    await appendTicks(directory, 1, [at(1), at(12)], () => 0);
    await runToEnd();
    await runToEnd();
    const controls = await rowsOf<Control>(directory, 'counting.control', controlSchema);
    expect(controls).toMatchObject([
      { kind: 'flush', position: 2, controlSequence: 1, watermark: 12 * MS - 1 },
      { kind: 'commit', position: 2, controlSequence: 1, maxEventTime: 12 * MS },
    ]);
  });

  it('refuse to go on when the definition changed', async () => {
    await appendTicks(directory, 1, [at(1)], () => 0);
    await runToEnd();
    const changed = expect.objectContaining({ code: 'TM_TOPOLOGY_CHANGED' });
    await expect(runToEnd(2)).rejects.toEqual(changed);
    await expect(runToEnd(1, '20ms')).rejects.toEqual(changed);
    await runToEnd();
  });

  it('refuse to begin again when the position is gone but commits are recorded', async () => {
    await appendTicks(directory, 1, [at(1)], () => 0);
    await runToEnd();
    await inStore(directory, async (log) => {
      const writer = await log.openWriter('lost');
      const [committed] = await log.committed('counting');
      const emptied = { topic: 'ticks', partition: 0, offset: committed?.offset ?? 0, metadata: '' };
      await writer.commit({ appends: [], positions: [{ group: 'counting', positions: [emptied] }] });
      await writer.close();
    });
    await expect(runToEnd()).rejects.toEqual(expect.objectContaining({ code: 'TM_POSITION_LOST' }));
  });

  it('begin where all that was written of them are transactions that were given up: their ends take offsets', async () => {
    await appendTicks(directory, 1, [at(1)], () => 0);
    await inStore(directory, async (log, registry) => {
      const aborted: Log = {
        ...mortalLog(log, () => null),
        ranges: async (topic) => {
          const ranges = await log.ranges(topic);
          return topic === 'counting.control' ? ranges.map((range) => ({ ...range, end: range.end + 2 })) : ranges;
        },
      };
      const runner = await openRunner(aborted, registry, counting(1), 1);
      expect(runner.partitions).toEqual([0]);
      await runner.close();
    });
  });

  it('refuse to go on when input that is still needed is gone', async () => {
    await appendTicks(directory, 1, [at(1), at(2), at(3)], () => 0);
    await runToEnd();
    await inStore(directory, (log) => log.deleteRecords({ topic: 'ticks', partition: 0 }, 3));
    await expect(runToEnd()).rejects.toEqual(expect.objectContaining({ code: 'TM_POSITION_LOST' }));
  });

  it('go on from a snapshot, and need no input from before it', async () => {
    await appendTicks(directory, 1, [at(1), at(2), at(12)], () => 0);
    await runToEnd(1, '10ms', 'finish');
    await inStore(directory, (log) => log.deleteRecords({ topic: 'ticks', partition: 0 }, 3));
    await appendTicks(directory, 1, [at(13), at(25)], () => 0);
    await runToEnd(1, '10ms', 'finish');
    const counts = (await rowsOf<{ readonly start: number; readonly n: number }>(directory, 'counting', RESULTS)).map(
      ({ start, n }) => [start / MS, n],
    );
    expect(counts).toEqual([
      [0, 2],
      [10, 1],
      [10, 2],
      [20, 1],
    ]);
  });

  it('read their input again where no snapshot can be used', async () => {
    await appendTicks(directory, 1, [at(1), at(2), at(12)], () => 0);
    await runToEnd(1, '10ms', 'finish');
    const warnings: string[] = [];
    await inStore(directory, async (log, registry) => {
      await log.deleteRecords({ topic: 'counting.snapshots', partition: 0 }, 1);
      const onWarning = ({ code }: TidemarkError) => warnings.push(code);
      const runner = await openRunner(log, registry, counting(1), 1, { onWarning });
      await runner.step(0);
      await runner.finish();
      await runner.close();
    });
    expect(warnings).toEqual(['TM_SNAPSHOT_UNUSABLE']);
    await appendTicks(directory, 1, [at(13)], () => 0);
    await runToEnd();
    expect((await contentsOf(directory, 'counting'))[0]).toHaveLength(3);
  });

  it('are fenced by a second runner, which goes on where the first had committed', async () => {
    await appendTicks(directory, 1, [at(1), at(12)], () => 0);
    await inStore(directory, async (log, registry) => {
      const first = await openRunner(log, registry, counting(1), 1);
      await first.step(0);
      const second = await openRunner(log, registry, counting(1), 1);
      await expect(first.commit()).rejects.toEqual(expect.objectContaining({ code: 'TM_LOG_FENCED' }));
      await second.step(0);
      await second.commit();
      await first.close();
      await second.close();
    });
    expect((await contentsOf(directory, 'counting'))[0]).toHaveLength(1);
  });
});
