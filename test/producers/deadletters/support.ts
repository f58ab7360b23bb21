import avro from 'avsc';
import { compileEncoder } from '../../../src/core/avro/encoder.ts';
import { RowWriter } from '../../../src/core/avro/rowWriter.ts';
import type { Log } from '../../../src/log/log.ts';
import type { SchemaRegistry } from '../../../src/log/registry/registry.ts';
import type { LetterFilter, PlacedLetter } from '../../../src/producers/deadletters/letters.ts';
import { lettersBy } from '../../../src/producers/deadletters/letters.ts';
import type { ResolveOptions } from '../../../src/producers/deadletters/resolve.ts';
import { DEAD_LETTER, TICK } from '../../../src/producers/schemas.ts';
import type { DeadLetter } from '../../../src/schemas.generated.ts';
import { type Bench, NOW_MS } from '../support.ts';

const TICK_TYPE = avro.Type.forSchema(JSON.parse(TICK.text));

/** A tick of the tests, as rows have it. */
export const GOOD_ROW = { instrument: 'x:A', eventTime: 1_723_161_600_000_000, price: 12.5, size: 2 };

export const LETTER: DeadLetter = {
  source: 'file.csv',
  position: 1,
  topic: 'ticks',
  reason: 'number',
  detail: 'price is not a number: "x"',
  payload: Buffer.from('A,x'),
  header: null,
};

/** A tick as the log holds it, encoded by another library than the engine's. */
export function framedTick(schemaId: number, row: Partial<typeof GOOD_ROW> = {}): Buffer {
  const frame = Buffer.alloc(5);
  frame.writeInt32BE(schemaId, 1);
  const nulls = { side: null, sequence: null, tradeId: null, publishTime: null, receiveTime: null, conditions: null };
  return Buffer.concat([frame, TICK_TYPE.toBuffer({ ...nulls, ...GOOD_ROW, ...row })]);
}

/** Appends values to a partition, each with the same key; the offset of the first. */
export async function append(
  log: Log,
  topic: string,
  partition: number,
  key: string,
  values: readonly Uint8Array[],
): Promise<number> {
  const keys = Buffer.from(key.repeat(values.length));
  const keyOffsets = Int32Array.from({ length: values.length + 1 }, (_, i) => i * Buffer.byteLength(key));
  const valueOffsets = new Int32Array(values.length + 1);
  for (const [i, value] of values.entries()) valueOffsets[i + 1] = (valueOffsets[i] as number) + value.length;
  const records = { count: values.length, keys, keyOffsets, values: Buffer.concat(values), valueOffsets };
  const writer = await log.openWriter(`test.${topic}`);
  const [appended] = await writer.commit({ appends: [{ topic, partition, records }], positions: [] });
  await writer.close();
  return appended?.firstOffset ?? 0;
}

/** Writes letters as tasks do: to one partition, keyed by what they are of. */
export async function writeLetters(
  log: Log,
  registry: SchemaRegistry,
  letters: readonly DeadLetter[],
  partition = 0,
): Promise<void> {
  const topics = await log.listTopics();
  for (const topic of ['ticks', 'deadletter']) {
    if (!topics.some((known) => known.topic === topic))
      await log.createTopic(topic, { partitions: 4, retentionMs: -1 });
  }
  await registry.register('ticks-value', TICK.text);
  const id = await registry.register('deadletter-value', DEAD_LETTER.text);
  const rows = new RowWriter(DEAD_LETTER);
  for (const letter of letters) rows.add(letter);
  const { values, valueOffsets } = compileEncoder(DEAD_LETTER).encode(rows.finish(), null, id);
  const parts = letters.map((_, i) => values.subarray(valueOffsets[i], valueOffsets[i + 1]));
  await append(log, 'deadletter', partition, 'letter', parts);
}

export function resolveOptions({ log, registry }: Bench, options: Partial<ResolveOptions> = {}): ResolveOptions {
  return {
    ...{ log, registry, maxLetters: 1_000, partitions: 4, retentionMs: -1 },
    bounds: { maxRecords: 10, maxBytes: 1_000_000 },
    layouts: [],
    maxAheadMs: 3_600_000,
    now: () => NOW_MS,
    signal: new AbortController().signal,
    ...options,
  };
}

export async function listed(
  { log, registry }: Bench,
  filter: Partial<LetterFilter> = {},
  maxLetters = 1_000,
): Promise<PlacedLetter[]> {
  const letters: PlacedLetter[] = [];
  for await (const letter of lettersBy({ log, registry, maxLetters }, { state: 'open', ...filter }))
    letters.push(letter);
  return letters;
}
