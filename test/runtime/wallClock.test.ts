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
  type Topology,
  topology,
  tumbling,
  watermark,
  window,
} from '../../src/index.ts';
import type { Log, TopicPartition } from '../../src/log/log.ts';
import type { SchemaRegistry } from '../../src/log/registry/registry.ts';
import { taskPositions } from '../../src/runtime/positions.ts';
import { planTopology } from '../../src/runtime/topologyPlan.ts';
import type { TopologyRunner } from '../../src/runtime/topologyRunner.ts';
import { windowStatus } from '../../src/runtime/windowStatus.ts';
import { type Control, controlSchema, type Late, lateSchema } from '../../src/schemas.generated.ts';
import { mortalLog } from '../simulation/mortalLog.ts';
import { appendQuotes } from '../simulation/quotes.ts';
import type { TestTick } from '../support/drive.ts';
import { appendTicksTo, inStore, openRunner, rowsOf } from '../support/tickStore.ts';

const MS = 1_000;
const AFTER_MS = 500;
const EVERY_MS = 10;

/** W = max − 5 ms: the last window of ticks up to 12 ms is complete 12 ms after it came. */
const counting = topology({
  name: 'counting',
  version: 1,
  inputs: { ticks: 'ticks' },
  build: ({ ticks }) => ({
    counting: ticks.pipe(
      watermark(bounded(5)),
      keyBy('instrument'),
      window([tumbling('10ms'), tumbling('1s')]),
      aggregate({ n: count() }),
    ),
  }),
});

const joined = topology({
  name: 'joined',
  version: 1,
  inputs: { ticks: 'ticks', quotes: 'quotes' },
  build: ({ ticks, quotes }) => ({
    joined: asOfJoin(
      ticks.pipe(watermark(bounded(5)), keyBy('instrument')),
      quotes.pipe(watermark(bounded(5)), keyBy('instrument')),
      { take: { bid: 'bid' }, maxAgeMs: 1_000 },
    ).pipe(window([tumbling('1s')]), aggregate({ n: count(), bid: last('bid') })),
  }),
});

function tick(ms: number): TestTick {
  return { instrument: 'a', eventTime: ms * MS, price: 1, size: 1, sequence: null };
}

let directory = '';
let nowMs = 0;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tidemark-clock-'));
  nowMs = 0;
});
afterEach(() => {
  rmSync(directory, { recursive: true });
});

/** A process that runs a topology live, by the clock of the test. */
async function live(
  body: (runner: TopologyRunner, log: Log, registry: SchemaRegistry) => Promise<void>,
  run: Topology = counting,
): Promise<void> {
  await inStore(directory, async (log, registry) => {
    for (const topic of ['ticks', 'quotes']) await log.createTopic(topic, { partitions: 1, retentionMs: -1 });
    const runner = await openRunner(log, registry, run, 1, {
      now: () => nowMs,
      idleTimeoutMs: AFTER_MS,
      wallClockBounds: { wallClockAfterMs: AFTER_MS, wallClockEveryMs: EVERY_MS },
    });
    try {
      await body(runner, log, registry);
    } finally {
      await runner.close();
    }
  });
}

/** A log of which one partition seems to have the end of a transaction behind its last record, as on a broker. */
function endingInMarker(log: Log, place: TopicPartition): Log {
  const isThere = ({ topic, partition }: TopicPartition) => topic === place.topic && partition === place.partition;
  return {
    ...mortalLog(log, () => null),
    ranges: async (topic) =>
      (await log.ranges(topic)).map((range) => (isThere(range) ? { ...range, end: range.end + 1 } : range)),
    openReader: async (start) => {
      const reader = await log.openReader(start);
      const end = (await log.ranges(place.topic))[place.partition]?.end;
      return {
        read: (bounds, waitMs) => reader.read(bounds, waitMs),
        position: (at) => reader.position(at) + (isThere(at) && reader.position(at) === end ? 1 : 0),
        seek: (at, offset) => reader.seek(at, offset),
        pause: (at) => reader.pause(at),
        resume: (at) => reader.resume(at),
        close: () => reader.close(),
      };
    },
  };
}

/** Steps at a time of the clock until all that there is has been taken. */
async function stepAt(runner: TopologyRunner, ms: number): Promise<void> {
  nowMs = ms;
  while (await runner.step(0));
}

async function feed(log: Log, registry: SchemaRegistry, ...ms: number[]): Promise<void> {
  await appendTicksTo(log, registry, 1, ms.map(tick), () => 0);
}

async function results(name = 'counting'): Promise<string[]> {
  const [output] = planTopology(name === 'joined' ? joined : counting, {}, 1).outputs;
  const rows = await rowsOf<Record<string, number>>(directory, name, JSON.parse(output?.schema.text ?? ''));
  return rows.map(({ interval, start, n, revision }) => `${interval} ${Number(start) / MS}: ${n}, ${revision}`);
}

async function decisions(name = 'counting'): Promise<string[]> {
  const rows = await rowsOf<Control>(directory, `${name}.control`, controlSchema);
  return rows
    .filter(({ kind }) => kind !== 'commit')
    .map(({ kind, position, quiet, watermark: at }) => `${kind} at ${position}, ${quiet}: ${at}`);
}

describe('the wall clock', () => {
  it('closes the windows of a partition that gets no more records, by how long none has come, and records that', async () => {
    await live(async (runner, log, registry) => {
      await feed(log, registry, 3, 12);
      await stepAt(runner, 100);
      await stepAt(runner, 100 + AFTER_MS - 1);
      await runner.commit();
      expect(await log.ranges('counting')).toMatchObject([{ end: 0 }]);
      await stepAt(runner, 100 + AFTER_MS);
      await runner.commit();
      // Nothing more waits for it but the window of a second.
      await stepAt(runner, 100 + AFTER_MS + 300);
      await stepAt(runner, 100 + 993);
      await stepAt(runner, 100 + 994);
      await stepAt(runner, 100 + 5_000);
      await runner.commit();
      const question = { key: 'a', interval: '1s', atMicros: 1_500 * MS };
      const { clockMicros, text } = await windowStatus({ log, registry }, counting, {}, question);
      expect(clockMicros).toBe(993 * MS);
      expect(text).toContain('last commit, moved by the wall clock 0.993 s beyond its records.');
      expect(await taskPositions(log)).toMatchObject([
        { watermark: 12 * MS - 5 * MS - 1 + 993 * MS, clockMicros: 993 * MS },
      ]);
    });
    expect(await results()).toEqual(['10ms 0: 1, 0', '10ms 10: 1, 0', '1s 0: 2, 0']);
    expect(await decisions()).toEqual([
      `wallClock at 2, 500000: ${507 * MS - 1}`,
      `wallClock at 2, 993000: ${MS * 1_000 - 1}`,
    ]);
  });

  it('is what a record that comes after meets, also where a restart repeats it', async () => {
    await live(async (runner, log, registry) => {
      await feed(log, registry, 3, 12);
      await stepAt(runner, 0);
      await stepAt(runner, 600);
      await runner.commit();
    });
    for (const ms of [590, 605]) {
      await live(async (runner, log, registry) => {
        await feed(log, registry, ms);
        await stepAt(runner, 10_000 + ms);
        await runner.commit();
      });
    }
    const late = await rowsOf<Late>(directory, 'counting.late', lateSchema);
    expect(late.map(({ offset, intervals, watermark: met }) => [offset, intervals, met])).toEqual([
      [2, '10ms', 607 * MS - 1],
    ]);
    expect(await results()).toEqual(['10ms 0: 1, 0', '10ms 10: 1, 0']);
  });

  it('closes those of a partition that ends in the end of a transaction, though records keep coming in others', async () => {
    const quiet = { topic: 'ticks', partition: 1 };
    const instrument = ['busy', 'quiet'];
    const ticks = [tick(12), ...Array.from({ length: 20 }, () => tick(3))].map((each, i) => ({
      ...each,
      instrument: instrument[i === 0 ? 1 : 0] ?? '',
    }));
    await inStore(directory, async (log, registry) => {
      await appendTicksTo(log, registry, 2, ticks, (each) => instrument.indexOf(each.instrument));
      const runner = await openRunner(endingInMarker(log, quiet), registry, counting, 2, {
        now: () => nowMs,
        readBounds: { maxRecords: 1, maxBytes: 1_000_000 },
        wallClockBounds: { wallClockAfterMs: AFTER_MS, wallClockEveryMs: EVERY_MS },
      });
      for (let step = 0; step < 4; step++) {
        nowMs = step * AFTER_MS;
        expect(await runner.step(0)).toBe(true);
      }
      await runner.commit();
      expect((await log.ranges('counting')).map(({ end }) => end)).toEqual([0, 2]);
      await runner.close();
    });
  });

  it('begins anew with the process that runs the task', async () => {
    await live(async (runner, log, registry) => {
      await feed(log, registry, 3);
      await stepAt(runner, 0);
      await runner.commit();
    });
    nowMs = 60_000;
    await live(async (runner) => {
      await stepAt(runner, 60_000 + AFTER_MS - 1);
      await runner.finish();
    });
    expect(await decisions()).toEqual([]);
  });

  it('moves nothing while there are records to read, in bounded runs, or where it is to do so never', async () => {
    await live(async (runner, log, registry) => {
      await feed(log, registry, 3);
      await stepAt(runner, 0);
      await feed(log, registry, 12);
      nowMs = AFTER_MS * 10;
      await runner.step(0);
      const ends = await log.ranges('ticks');
      nowMs = AFTER_MS * 20;
      while (!runner.haveFlushed) await runner.step(0, ends);
      await runner.commit();
    });
    expect((await decisions()).map((text) => text.split(' ')[0])).toEqual(['flush']);
    await inStore(directory, async (log, registry) => {
      const wallClockBounds = { wallClockAfterMs: 0, wallClockEveryMs: EVERY_MS };
      const runner = await openRunner(log, registry, counting, 1, { now: () => nowMs, wallClockBounds });
      await stepAt(runner, AFTER_MS * 100);
      await runner.finish();
      await runner.close();
    });
    expect(await decisions()).toHaveLength(1);
  });

  it('moves each input of a task once nothing comes in any, idle ones too', async () => {
    await live(async (runner, log, registry) => {
      await feed(log, registry, 100);
      await appendQuotes({ log, registry, partitions: 1 }, [{ instrument: 'a', eventTime: 50 * MS, bid: 7 }], () => 0);
      await stepAt(runner, 0);
      await stepAt(runner, 400);
      await feed(log, registry, 200);
      await stepAt(runner, 450);
      await stepAt(runner, 450 + AFTER_MS);
      await stepAt(runner, 450 + AFTER_MS + 300);
      await stepAt(runner, 450 + 805);
      await runner.commit();
    }, joined);
    expect(await results('joined')).toEqual(['1s 0: 2, 0']);
    expect((await decisions('joined')).at(-1)).toBe(`wallClock at 3, 805000: ${1_000 * MS - 1}`);
  });
});
