import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ALL_TIME } from '../../src/core/timeRange.ts';
import { aggregate, bounded, count, keyBy, topology, tumbling, watermark, window } from '../../src/index.ts';
import type { Log, LogReader, PartitionRange } from '../../src/log/log.ts';
import type { SchemaRegistry } from '../../src/log/registry/registry.ts';
import { endsOf } from '../../src/replay/replayParts.ts';
import { startReplay } from '../../src/replay/start.ts';
import { planGeneration } from '../../src/runtime/generationPlan.ts';
import { GenerationWatch } from '../../src/runtime/generationWatch.ts';
import { type History, joinedRanges } from '../../src/runtime/history.ts';
import { HistoryReader } from '../../src/runtime/historyReader.ts';
import { taskPositions, tasksBehind } from '../../src/runtime/positions.ts';
import { type DeadLetter, deadLetterSchema } from '../../src/schemas.generated.ts';
import { recordBytes } from '../log/records.ts';
import type { TestTick } from '../support/drive.ts';
import { appendTicks, contentsOf, inStore, openRunner, rowsOf } from '../support/tickStore.ts';

const MS = 1_000;
const PARTITIONS = 2;
const HISTORY = 'ticks_history';
const BOUNDS = { maxRecords: 4, maxBytes: 1_000_000 };
/** Of the history that a test appends first. */
const OLD: History = {
  topic: HISTORY,
  parts: [
    { begin: 0, end: 6 },
    { begin: 0, end: 0 },
  ],
};
const PLACES = [0, 1].map((partition) => ({ topic: 'ticks', partition }));
const [FIRST, SECOND] = PLACES as [(typeof PLACES)[0], (typeof PLACES)[0]];

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tidemark-history-'));
});
afterEach(() => {
  rmSync(directory, { recursive: true });
});

function at(ms: number, partition = 0): TestTick {
  return { instrument: `key-${partition}`, eventTime: ms * MS, price: 1, size: 1, sequence: null };
}

function append(topic: string, ticks: readonly TestTick[]): Promise<void> {
  return appendTicks(directory, PARTITIONS, ticks, ({ instrument }) => Number(instrument.at(-1)), topic);
}

function upTo(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

/** Places of each partition that are read until nothing comes any more. */
async function readAll(reader: LogReader, most = Number.POSITIVE_INFINITY): Promise<number[][]> {
  const read: number[][] = PLACES.map(() => []);
  for (let n = 0; n < most; n++) {
    const chunk = await reader.read(BOUNDS, 0);
    if (chunk === null) break;
    expect(chunk.topic).toBe('ticks');
    read[chunk.partition]?.push(...chunk.offsets.subarray(0, chunk.count));
    expect(reader.position(chunk)).toBe(chunk.nextOffset);
  }
  return read;
}

describe('a reader of an input with its history', () => {
  beforeEach(async () => {
    await append(
      HISTORY,
      upTo(0, 6).map((ms) => at(ms)),
    );
    await append(
      'ticks',
      upTo(10, 15).flatMap((ms) => [at(ms, 0), at(ms, 1)]),
    );
    // Came later: it does not belong to the history.
    await append(HISTORY, [at(7), at(8, 1)]);
  });

  function inReader(from: readonly [number, number], body: (reader: LogReader) => Promise<void>): Promise<void> {
    return inStore(directory, async (log) => {
      const start = PLACES.map((place, i) => ({ ...place, offset: from[i] as number }));
      const reader = await HistoryReader.open(log, OLD, start);
      await body(reader);
      await reader.close();
    });
  }

  it('gives its records first, at places below zero, up to its end', () =>
    inReader([-6, 0], async (reader) => {
      expect(reader.position(FIRST)).toBe(-6);
      expect(await readAll(reader)).toEqual([upTo(-6, 5), upTo(0, 5)]);
      expect(PLACES.map((place) => reader.position(place))).toEqual([5, 5]);
    }));

  it('begins in the middle of it, or after it, where it may be gone', async () => {
    await inReader([-2, 3], async (reader) => expect(await readAll(reader)).toEqual([upTo(-2, 5), upTo(3, 5)]));
    await inStore(directory, async (log) => log.deleteRecords({ topic: HISTORY, partition: 0 }, 7));
    await inReader([0, 0], async (reader) => expect(await readAll(reader)).toEqual([upTo(0, 5), upTo(0, 5)]));
  });

  it('leaves a paused partition alone on both sides of the seam, and goes back and forth', () =>
    inReader([-6, 0], async (reader) => {
      reader.pause(FIRST);
      expect(await readAll(reader)).toEqual([[], upTo(0, 5)]);
      reader.resume(FIRST);
      reader.pause(SECOND);
      expect(await readAll(reader, 1)).toEqual([upTo(-6, -2), []]);
      reader.seek(FIRST, -4);
      reader.seek(SECOND, 4);
      expect(reader.position(FIRST)).toBe(-4);
      expect(await readAll(reader, 1)).toEqual([upTo(-4, 0), []]);
      reader.pause(FIRST);
      expect(await readAll(reader)).toEqual([[], []]);
      reader.resume(FIRST);
      reader.resume(SECOND);
      expect(await readAll(reader)).toEqual([upTo(0, 5), [4]]);
      reader.seek(FIRST, -1);
      expect(await readAll(reader)).toEqual([upTo(-1, 5), []]);
      reader.seek(FIRST, -3);
      reader.seek(FIRST, 2);
      expect(await readAll(reader)).toEqual([upTo(2, 5), []]);
    }));

  it('has the ranges of both together, as far as they are there', () =>
    inStore(directory, async (log) => {
      const begins = async (history: History | null) =>
        (await joinedRanges(log, 'ticks', history)).map(({ begin, end }) => [begin, end]);
      expect(await begins(OLD)).toEqual([
        [-6, 5],
        [0, 5],
      ]);
      expect(await begins({ ...OLD, topic: 'deleted' })).toEqual(await begins(null));
      await log.deleteRecords({ topic: HISTORY, partition: 0 }, 4);
      expect((await begins(OLD))[0]).toEqual([-2, 5]);
      await log.deleteRecords(FIRST, 1);
      expect((await begins(OLD))[0]).toEqual([1, 5]);
    }));
});

const counting = topology({
  name: 'counting',
  version: 1,
  inputs: { ticks: 'ticks' },
  build: ({ ticks }) => ({
    counting: ticks.pipe(
      watermark(bounded(0)),
      keyBy('instrument'),
      window([tumbling('10ms')]),
      aggregate({ n: count() }),
    ),
  }),
});

interface Store {
  readonly log: Log;
  readonly registry: SchemaRegistry;
  readonly watch: GenerationWatch;
}

function inWatchedStore<T>(body: (store: Store) => Promise<T>): Promise<T> {
  return inStore(directory, async (log, registry) => {
    const watch = await GenerationWatch.open({ log, registry, topology: counting.name }, () => 0);
    return body({ log, registry, watch });
  });
}

/** Where the first generation stands. */
function targets({ log, registry, watch }: Store): Promise<readonly PartitionRange[]> {
  return endsOf({ log, registry, topology: counting.name }, 1, watch.get(2));
}

/** Runs the first generation to the end of its input. */
function runFirst(): Promise<void> {
  return inWatchedStore(async ({ log, registry }) => {
    const runner = await openRunner(log, registry, counting, PARTITIONS);
    const ends = await log.ranges('ticks');
    while (!runner.haveFlushed) await runner.step(0, ends);
    await runner.commit();
    await runner.close();
  });
}

/** Runs the replay, a record a commit, to its end; or for so many steps, after which it is given up. */
function runReplay(steps = Number.POSITIVE_INFINITY): Promise<void> {
  return inWatchedStore(async (store) => {
    const { log, registry, watch } = store;
    const { replay } = planGeneration(counting, {}, watch, 2);
    if (replay === undefined) throw new Error('it has a base');
    const runner = await openRunner(log, registry, counting, PARTITIONS, {
      ...{ generation: 2, shadow: 2, replay },
      readBounds: { maxRecords: 1, maxBytes: 1_000_000 },
      commitBounds: { maxRecords: 1, maxBytes: 1_000_000, intervalMs: 1e9 },
    });
    const ends = await targets(store);
    for (let n = 0; n < steps && !runner.haveFlushed; n++) await runner.step(0, ends);
    if (steps === Number.POSITIVE_INFINITY) await runner.finish();
    await runner.close();
  });
}

describe('a replay with a history', () => {
  /** Old ticks of which the last cannot be read, then live ones in one of two partitions. */
  beforeEach(async () => {
    await append('ticks', [at(100), at(125)]);
    await runFirst();
    await append(HISTORY, [at(1), at(12), at(13, 1)]);
    await inWatchedStore(async ({ log }) => {
      const writer = await log.openWriter('poison');
      const records = recordBytes([{ key: 'key-0', value: 'not a framed tick' }]);
      await writer.commit({ appends: [{ topic: HISTORY, partition: 0, records }], positions: [] });
      await writer.close();
    });
    await inWatchedStore((store) =>
      startReplay(
        { ...store, topology: counting.name, definition: counting, set: {} },
        { range: ALL_TIME, history: HISTORY },
      ),
    );
  });

  it('says how far it is in it, and names it in dead letters, each once', async () => {
    const behind = () => inWatchedStore(async (store) => tasksBehind(store.log, 'counting__g2', await targets(store)));
    expect(await behind()).toBe(6);
    await runReplay(2);
    expect(await behind()).toBe(4);
    const tasks = await inWatchedStore(({ log }) => taskPositions(log));
    expect(tasks.filter(({ topology: run }) => run === 'counting__g2')).toMatchObject([
      { topic: 'ticks', partition: 0, position: -2, lag: 4 },
      { topic: 'ticks', partition: 1, position: 0, lag: 0 },
    ]);
    await runReplay(3);
    await runReplay();
    expect(await behind()).toBe(0);
    const letters = await rowsOf<DeadLetter>(directory, 'deadletter', deadLetterSchema);
    expect(letters).toMatchObject([{ source: `${HISTORY}/0`, position: 2, topic: HISTORY, reason: 'framing' }]);
    expect((await contentsOf(directory, 'counting__g2')).map(({ length }) => length)).toEqual([4, 0]);
  });

  it('stops where the records that it still needs are gone', async () => {
    await runReplay(2);
    await deleteHistory(1);
    await expect(runReplay()).rejects.toMatchObject({
      code: 'TM_POSITION_LOST',
      message: '3 records of the history before ticks are needed, but are not all there',
    });
  });

  it('needs them no more once it is past them', async () => {
    await runReplay();
    await deleteHistory(3);
    await append('ticks', [at(140)]);
    await runFirst();
    await runReplay();
    expect((await contentsOf(directory, 'counting__g2')).map(({ length }) => length)).toEqual([5, 0]);
  });
});

function deleteHistory(beforeOffset: number): Promise<void> {
  return inWatchedStore(({ log }) => log.deleteRecords({ topic: HISTORY, partition: 0 }, beforeOffset));
}
