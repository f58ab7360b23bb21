import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { compileEncoder } from '../../src/core/avro/encoder.ts';
import { parseRecordSchema } from '../../src/core/avro/parseSchema.ts';
import { ColumnsBuilder } from '../../src/core/columnsBuilder.ts';
import {
  aggregate,
  bounded,
  count,
  filter,
  hopping,
  keyBy,
  ohlcv,
  topology,
  tumbling,
  watermark,
  window,
} from '../../src/index.ts';
import { openEmbeddedLog } from '../../src/log/embedded/embeddedLog.ts';
import type { Log } from '../../src/log/log.ts';
import { openEmbeddedRegistry } from '../../src/log/registry/embeddedRegistry.ts';
import type { SchemaRegistry } from '../../src/log/registry/registry.ts';
import { TopologyRunner } from '../../src/runtime/topologyRunner.ts';
import { tickSchema } from '../../src/schemas.generated.ts';

/** Undisturbed runs that are each compared with several disturbed ones. */
const INPUTS = 6;
const RUNS_PER_INPUT = 12;
const PARTITIONS = 2;
/** The tick records of a store; every run gets a copy of its own. */
const TICK = parseRecordSchema(tickSchema);
const MICROS_PER_MS = 1_000;

const checked = topology({
  name: 'checked',
  version: 1,
  inputs: { ticks: 'ticks' },
  params: {},
  build: ({ ticks }) => ({
    checked: ticks.pipe(
      watermark(bounded(300)),
      // What is dropped here has moved the watermark: state alone does not tell where it stands.
      filter((tick) => tick.price < 5),
      keyBy('instrument'),
      window([tumbling('1s'), tumbling('2s'), hopping('1500ms', '1s')], { allowedLatenessMs: 500 }),
      aggregate({ ...ohlcv('price', 'size'), count: count() }),
    ),
  }),
});

interface Tick {
  readonly key: number;
  readonly disorderMs: number;
  readonly price: number;
}

/** Ticks in order of arrival, in parts: every run flushes where a part ends. */
const parts = fc.array(
  fc.array(
    fc.record({
      key: fc.integer({ min: 0, max: 5 }),
      disorderMs: fc.oneof(
        { weight: 8, arbitrary: fc.integer({ min: -400, max: 0 }) },
        { weight: 1, arbitrary: fc.integer({ min: -4_000, max: 3_000 }) },
      ),
      price: fc.integer({ min: 1, max: 999 }),
    }),
    { minLength: 60, maxLength: 240 },
  ),
  { minLength: 1, maxLength: 3 },
);

const disturbances = fc.record({
  maxRecords: fc.integer({ min: 1, max: 40 }),
  commitRecords: fc.integer({ min: 1, max: 60 }),
  /** After how many steps each run of the process is given up without a commit. */
  crashes: fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 8 }),
});
type Disturbance = typeof disturbances extends fc.Arbitrary<infer T> ? T : never;

const directories: string[] = [];
afterAll(() => {
  for (const directory of directories) rmSync(directory, { recursive: true });
});

function newDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'tidemark-purity-'));
  directories.push(directory);
  return directory;
}

async function inStore<T>(directory: string, body: (log: Log, registry: SchemaRegistry) => Promise<T>): Promise<T> {
  const log = await openEmbeddedLog({ directory, now: () => 1_800_000_000_000 });
  const registry = await openEmbeddedRegistry({ directory });
  try {
    return await body(log, registry);
  } finally {
    await registry.close();
    await log.close();
  }
}

/** Appends ticks whose event time rises by a tenth of a second a record, give or take their disorder. */
async function append(directory: string, ticks: readonly Tick[], first: number): Promise<void> {
  await inStore(directory, async (log, registry) => {
    await log.createTopic('ticks', { partitions: PARTITIONS, retentionMs: -1 });
    const id = await registry.register('ticks-value', TICK.text);
    const writer = await log.openWriter('test');
    const appends = Array.from({ length: PARTITIONS }, (_, partition) => {
      const builder = new ColumnsBuilder(TICK);
      const own = ticks
        .map((tick, i) => ({ ...tick, at: first + i }))
        .filter(({ key }) => key % PARTITIONS === partition);
      for (const { key, disorderMs, price, at } of own) {
        builder.setText(builder.fieldIndex('instrument'), `key-${key}`);
        builder.setNumber(builder.fieldIndex('eventTime'), (at * 100 + disorderMs) * MICROS_PER_MS);
        builder.setNumber(builder.fieldIndex('price'), price / 100);
        builder.setNumber(builder.fieldIndex('size'), price / 1_000);
        builder.endRow();
      }
      const keys = own.map(({ key }) => `key-${key}`);
      const encoded = compileEncoder(TICK).encode(builder.finish(), null, id);
      const records = {
        count: own.length,
        keys: new TextEncoder().encode(keys.join('')),
        keyOffsets: Int32Array.from({ length: own.length + 1 }, (_, i) => i * 'key-0'.length),
        ...encoded,
      };
      return { topic: 'ticks', partition, records };
    });
    await writer.commit({ appends: appends.filter(({ records }) => records.count > 0), positions: [] });
    await writer.close();
  });
}

/** Runs to the end of what is in the log and flushes; gives up after `crashAfter` steps when that comes first. */
async function run(
  directory: string,
  { maxRecords, commitRecords }: Disturbance,
  crashAfter: number,
): Promise<boolean> {
  return inStore(directory, async (log, registry) => {
    const runner = await TopologyRunner.open({
      log,
      registry,
      topology: checked,
      params: {},
      generation: 1,
      topicSettings: { partitions: PARTITIONS, retentionMs: -1 },
      readBounds: { maxRecords, maxBytes: 1_000_000 },
      commitBounds: { maxRecords: commitRecords, maxBytes: 1_000_000, intervalMs: 1e9 },
      maxAheadMs: 3_600_000,
      now: () => 0,
    });
    const ends = await log.ranges('ticks');
    for (let step = 0; !runner.reached(ends); step++) {
      if (step === crashAfter) {
        await runner.close();
        return false;
      }
      await runner.step(0);
    }
    runner.flush();
    if (crashAfter !== Number.POSITIVE_INFINITY && crashAfter % 2 === 0) {
      await runner.close();
      return false;
    }
    await runner.commit();
    await runner.close();
    return true;
  });
}

/** Keys and values of a topic, by partition, in order. */
async function contents(directory: string, topic: string): Promise<string[][]> {
  return inStore(directory, async (log) => {
    const all: string[][] = [];
    for (const { partition, begin, end } of await log.ranges(topic)) {
      const records: string[] = [];
      const reader = await log.openReader([{ topic, partition, offset: begin }]);
      while (reader.position({ topic, partition }) < end) {
        const chunk = await reader.read({ maxRecords: 1_000, maxBytes: 1_000_000 }, 0);
        if (chunk === null) break;
        const text = Buffer.from(chunk.data.buffer, chunk.data.byteOffset, chunk.data.byteLength);
        for (let i = 0; i < chunk.count; i++) {
          const key = text.toString('hex', chunk.keyStarts[i], chunk.keyEnds[i]);
          records.push(`${key}:${text.toString('hex', chunk.valueStarts[i], chunk.valueEnds[i])}`);
        }
      }
      await reader.close();
      all.push(records);
    }
    return all;
  });
}

const UNDISTURBED: Disturbance = { maxRecords: 10_000, commitRecords: 10_000, crashes: [] };

async function runAll(stages: readonly string[], disturbance: Disturbance): Promise<string[][][]> {
  const directory = newDirectory();
  const crashes = [...disturbance.crashes];
  cpSync(stages[0] as string, directory, { recursive: true });
  for (let stage = 0; stage < stages.length; stage++) {
    if (stage > 0) await append(directory, ...(STAGED.get(stages[stage] as string) as [readonly Tick[], number]));
    while (crashes.length > 0 && !(await run(directory, disturbance, crashes.shift() as number))) {
      // Given up: the next run goes on from what was committed.
    }
    await run(directory, disturbance, Number.POSITIVE_INFINITY);
  }
  return [await contents(directory, 'checked'), await contents(directory, 'checked.late')];
}

/** What a stage appends, by the stage's name. */
const STAGED = new Map<string, [readonly Tick[], number]>();

describe('committed output', () => {
  it('is the same whatever the chunks, the commits and the crashes', async () => {
    await fc.assert(
      fc.asyncProperty(
        parts,
        fc.array(disturbances, { minLength: RUNS_PER_INPUT, maxLength: RUNS_PER_INPUT }),
        async (ticks, disturbed) => {
          const base = newDirectory();
          await append(base, ticks[0] as Tick[], 0);
          const stages = [base];
          let first = ticks[0]?.length ?? 0;
          for (const part of ticks.slice(1)) {
            const name = `${base}-${stages.length}`;
            STAGED.set(name, [part, first]);
            stages.push(name);
            first += part.length;
          }
          const expected = await runAll(stages, UNDISTURBED);
          expect(expected[0]?.flat().length).toBeGreaterThan(0);
          for (const disturbance of disturbed) expect(await runAll(stages, disturbance)).toEqual(expected);
        },
      ),
      { numRuns: INPUTS, endOnFailure: true },
    );
  });
});
