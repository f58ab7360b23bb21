import { compileEncoder } from '../../src/core/avro/encoder.ts';
import type { RecordBytes, TransactionalWriter } from '../../src/log/log.ts';
import type { SchemaRegistry } from '../../src/log/registry/registry.ts';
import { avroSchema, columnsOf, type Value } from '../sinks/clickhouse/schemas.ts';

export const BAR = avroSchema('bar');
const SCALE = 10n ** 18n;
const MINUTE_MICROS = 60_000_000;
const FIRST_START = 1_723_123_200_000_000;

/** One revision of a bar: `bar` numbers the minute, and with it the symbol. */
export interface BarRevision {
  readonly bar: number;
  readonly revision: number;
}

export function symbolOf(bar: number): string {
  return `test:SYM${bar % 3}`;
}

export function startMicrosOf(bar: number): number {
  return FIRST_START + bar * MINUTE_MICROS;
}

export function barRow({ bar, revision }: BarRevision): Record<string, Value> {
  return {
    instrument: symbolOf(bar),
    interval: '1m',
    start: startMicrosOf(bar),
    end: startMicrosOf(bar) + MINUTE_MICROS,
    revision,
    final: true,
    deleted: false,
    open: 1,
    high: 2,
    low: 0.0000005,
    close: 1.5,
    volume: 3n * SCALE,
    notional: 4n * SCALE * SCALE,
    vwap: 4 / 3,
    count: revision + 1,
  };
}

/** Appends revisions of bars to a partition of a results topic, in one transaction. */
export async function appendBars(
  writer: TransactionalWriter,
  registry: SchemaRegistry,
  place: { readonly topic: string; readonly partition: number },
  revisions: readonly BarRevision[],
): Promise<void> {
  const schemaId = await registry.register('bars-value', BAR.text);
  const records: RecordBytes = {
    count: revisions.length,
    keys: new Uint8Array(0),
    keyOffsets: new Int32Array(revisions.length + 1),
    ...compileEncoder(BAR).encode(columnsOf(BAR, revisions.map(barRow)), null, schemaId),
  };
  await writer.commit({ appends: [{ ...place, records }], positions: [] });
}
