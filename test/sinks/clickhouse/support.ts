import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import type { OutputSpec } from '../../../src/core/output.ts';
import type { RecordSchema } from '../../../src/core/schema.ts';
import { ArrowInsert } from '../../../src/sinks/clickhouse/arrow.ts';
import { type ClickHouse, openClickHouse } from '../../../src/sinks/clickhouse/connect.ts';
import type { InsertTarget } from '../../../src/sinks/clickhouse/insertTarget.ts';
import { optionsFor } from './options.ts';
import { avroSchema, columnsOf, type Value } from './schemas.ts';

/** A data directory of the calling test file's own, removed after its tests. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'tidemark-clickhouse-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** An embedded ClickHouse of the calling test file's own, closed after its tests. */
export async function temporaryClickHouse(): Promise<ClickHouse> {
  const clickhouse = await openClickHouse(optionsFor(temporaryDirectory()));
  afterAll(() => clickhouse.close());
  return clickhouse;
}

/** Inserts rows as the sink does: one Arrow batch, at consecutive offsets of one partition. */
export async function insertRows(
  clickhouse: ClickHouse,
  target: InsertTarget,
  schema: RecordSchema,
  rows: readonly Readonly<Record<string, Value>>[],
  { partition = 0, firstOffset = 0 } = {},
): Promise<void> {
  const insert = new ArrowInsert(target);
  const offsets = Float64Array.from(rows, (_, i) => firstOffset + i);
  insert.append({ columns: columnsOf(schema, rows), partition, offsets });
  const { sql, body } = insert.finish();
  await clickhouse.insert(sql, body);
}

export function barsSpec(generation = 1, views: OutputSpec['views'] = []): OutputSpec {
  return {
    topology: 'bars',
    name: 'bars',
    topic: 'bars',
    generation,
    keyField: 'instrument',
    schema: avroSchema('bar'),
    merges: new Map([
      ['open', { how: 'earliest', time: 'openTime', sequence: 'openSequence' }],
      ['high', { how: 'max' }],
      ['low', { how: 'min' }],
      ['close', { how: 'latest', time: 'closeTime', sequence: 'closeSequence' }],
      ['volume', { how: 'sum' }],
      ['notional', { how: 'sum' }],
      ['vwap', { how: 'ratio', numerator: 'notional', denominator: 'volume' }],
      ['count', { how: 'sum' }],
    ]),
    intervals: ['1s', '1m', '5m/1m', '1h'],
    views,
  };
}

/** Epoch microseconds of an ISO time. */
export function micros(iso: string): number {
  return Date.parse(iso) * 1_000;
}
