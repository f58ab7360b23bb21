import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ALL_TIME } from '../../src/core/timeRange.ts';
import { aggregate, bounded, count, keyBy, topology, tumbling, watermark, window } from '../../src/index.ts';
import type { Log } from '../../src/log/log.ts';
import type { SchemaRegistry } from '../../src/log/registry/registry.ts';
import { recordDrop, recordSwap } from '../../src/replay/decisions.ts';
import { endsOf } from '../../src/replay/replayParts.ts';
import { startReplay, type WantedReplay } from '../../src/replay/start.ts';
import { planGeneration } from '../../src/runtime/generationPlan.ts';
import { type Generation, readGenerations } from '../../src/runtime/generations.ts';
import { GenerationWatch } from '../../src/runtime/generationWatch.ts';
import { generationSchema } from '../../src/schemas.generated.ts';
import { recordBytes } from '../log/records.ts';
import type { TestTick } from '../support/drive.ts';
import { appendTicks, inStore, openRunner } from '../support/tickStore.ts';

const PARTITIONS = 2;
const TOPOLOGY = 'counting';

const counting = topology({
  name: TOPOLOGY,
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

let directory = '';
/** A topology that has read its ticks, and a topic of old ones. */
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'tidemark-history-'));
  await append('ticks', 5);
  await inStore(directory, async (log, registry) => {
    const runner = await openRunner(log, registry, counting, PARTITIONS);
    while (await runner.step(0));
    await runner.commit();
    await runner.close();
  });
  await append('old', 3);
});
afterEach(() => {
  rmSync(directory, { recursive: true });
});

function append(topic: string, ticks: number, partitions = PARTITIONS): Promise<void> {
  const made = Array.from({ length: ticks }, (_, i): TestTick => {
    return { instrument: 'a', eventTime: i, price: 1, size: 1, sequence: null };
  });
  return appendTicks(directory, partitions, made, () => 0, topic);
}

function inReplayStore<T>(
  body: (log: Log, registry: SchemaRegistry, watch: GenerationWatch) => Promise<T>,
): Promise<T> {
  return inStore(directory, async (log, registry) => {
    return body(log, registry, await GenerationWatch.open({ log, registry, topology: TOPOLOGY }, () => 0));
  });
}

function start(history?: string | null, range = ALL_TIME) {
  const wanted: WantedReplay = { range, ...(history === undefined ? {} : { history }) };
  return inReplayStore((log, registry, watch) =>
    startReplay({ log, registry, watch, topology: TOPOLOGY, definition: counting, set: {} }, wanted),
  );
}

/** What is recorded of a generation. */
function recorded(number: number): Promise<Generation | undefined> {
  return inReplayStore(async (log, registry) => {
    const { all } = await readGenerations({ log, registry, topology: TOPOLOGY });
    return all.find((generation) => generation.number === number);
  });
}

/** Runs the first replay to where its base stands, and makes it the live generation. */
function swapIn(): Promise<void> {
  return inReplayStore(async (log, registry, watch) => {
    const { replay } = planGeneration(counting, {}, watch, 2);
    if (replay === undefined) throw new Error('it has a base');
    const runner = await openRunner(log, registry, counting, PARTITIONS, { generation: 2, shadow: 2, replay });
    const ends = await endsOf({ log, registry, topology: TOPOLOGY }, 1, watch.get(2));
    while (!runner.haveFlushed) await runner.step(0, ends);
    await runner.commit();
    await runner.close();
    await recordSwap({ log, registry, topology: TOPOLOGY }, watch.get(2));
  });
}

function drop(number: number): Promise<void> {
  return inReplayStore((log, registry, watch) => recordDrop({ log, registry, topology: TOPOLOGY }, watch.get(number)));
}

describe('the history of a replay', () => {
  it('is what its topic holds when the replay begins', async () => {
    expect(await start('old')).toEqual({ generation: 2, isResumed: false });
    await append('old', 4);
    expect(await start('old')).toEqual({ generation: 2, isResumed: true });
    const generation = await recorded(2);
    expect(generation?.history).toEqual({
      topic: 'old',
      parts: [
        { begin: 0, end: 3 },
        { begin: 0, end: 0 },
      ],
    });
    expect(generation?.starts.map(({ position }) => position)).toEqual([-3, 0]);
  });

  it('goes on with its generation only, and with those that replay it unless they are told otherwise', async () => {
    await start('old');
    await expect(start()).rejects.toMatchObject({ code: 'TM_REPLAY_EXISTS' });
    await expect(start('other')).rejects.toMatchObject({ code: 'TM_REPLAY_EXISTS' });
    await swapIn();
    await append('old', 4);
    expect(await start()).toEqual({ generation: 3, isResumed: false });
    expect(await start('old')).toEqual({ generation: 3, isResumed: true });
    expect((await recorded(3))?.history).toEqual((await recorded(2))?.history);
    await drop(3);
    await start('old', { fromMicros: 2, toMicros: 10 });
    const grown = await recorded(4);
    expect([grown?.history?.parts[0]?.end, grown?.starts[0]?.position]).toEqual([7, -7]);
    await drop(4);
    await start(null);
    const none = await recorded(5);
    expect([none?.history, none?.starts[0]?.position]).toEqual([null, 0]);
  });

  it('is refused where its records are gone that a replay of the same has to read', async () => {
    await start('old');
    await swapIn();
    await inReplayStore((log) => log.deleteRecords({ topic: 'old', partition: 0 }, 1));
    await expect(start()).rejects.toMatchObject({
      code: 'TM_REPLAY_RANGE',
      message: '3 records of the history before it are needed, 2 are there',
    });
  });

  it('is a topic like the input: readable, of its partitions, and not itself', async () => {
    await append('narrow', 1, 1);
    await append('empty', 0);
    await inReplayStore(async (log, registry) => {
      await log.createTopic('alien', { partitions: PARTITIONS, retentionMs: -1 });
      const id = await registry.register('alien-value', JSON.stringify(generationSchema));
      const writer = await log.openWriter('alien');
      const records = recordBytes([{ key: 'a', value: `${String.fromCharCode(0, 0, 0, 0, id)}any` }]);
      await writer.commit({ appends: [{ topic: 'alien', partition: 1, records }], positions: [] });
      await writer.close();
    });
    const refused: readonly (readonly [topic: string, why: string])[] = [
      ['ticks', 'it is the input of the topology itself'],
      ['narrow', 'it has 1 partitions, ticks has 2'],
      ['empty', 'it holds no records'],
      ['alien', 'its records are not such as ticks has: Schema'],
    ];
    for (const [topic, why] of refused) {
      await expect(start(topic), topic).rejects.toMatchObject({
        code: 'TM_REPLAY_HISTORY',
        message: expect.stringContaining(why),
      });
    }
    await expect(start('unknown')).rejects.toMatchObject({ code: 'TM_TOPIC_UNKNOWN' });
  });
});
