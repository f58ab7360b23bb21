import type { BinaryColumn, Columns } from '../core/columns.ts';
import { partitionOf } from '../core/murmur2.ts';
import { TidemarkError } from '../errors.ts';

/** Which rows of some columns go to a partition, and their keys one after another. */
export interface PartitionRows {
  readonly partition: number;
  readonly rows: Int32Array;
  readonly keys: Uint8Array;
  readonly keyOffsets: Int32Array;
}

/** @throws TM_COLUMN_UNKNOWN, TM_COLUMN_KIND */
export function textColumn(columns: Columns, name: string): BinaryColumn {
  const column = columns.byName.get(name);
  if (column === undefined) throw new TidemarkError('TM_COLUMN_UNKNOWN', `The records have no field '${name}'.`);
  if (column.kind === 'string') return column;
  throw new TidemarkError('TM_COLUMN_KIND', `Field '${name}' is not text and cannot be a key.`);
}

/** Parts rows by the partition of their key, as every Kafka client would; rows of a partition keep their order. */
export function byPartition(columns: Columns, keyField: string, partitions: number): readonly PartitionRows[] {
  const { bytes, offsets } = textColumn(columns, keyField);
  const partitionOfRow = new Int32Array(columns.length);
  const rowCounts = new Int32Array(partitions);
  const keyBytes = new Int32Array(partitions);
  for (let row = 0; row < columns.length; row++) {
    const start = offsets[row] as number;
    const end = offsets[row + 1] as number;
    const partition = partitionOf(bytes, start, end, partitions);
    partitionOfRow[row] = partition;
    rowCounts[partition] = (rowCounts[partition] as number) + 1;
    keyBytes[partition] = (keyBytes[partition] as number) + end - start;
  }
  const parts = Array.from({ length: partitions }, (_, partition) => ({
    partition,
    rows: new Int32Array(rowCounts[partition] as number),
    keys: new Uint8Array(keyBytes[partition] as number),
    keyOffsets: new Int32Array((rowCounts[partition] as number) + 1),
    filled: 0,
  }));
  for (let row = 0; row < columns.length; row++) {
    const part = parts[partitionOfRow[row] as number] as (typeof parts)[number];
    const at = part.keyOffsets[part.filled] as number;
    const start = offsets[row] as number;
    const length = (offsets[row + 1] as number) - start;
    for (let i = 0; i < length; i++) part.keys[at + i] = bytes[start + i] as number;
    part.rows[part.filled++] = row;
    part.keyOffsets[part.filled] = at + length;
  }
  return parts.filter(({ rows }) => rows.length > 0);
}
