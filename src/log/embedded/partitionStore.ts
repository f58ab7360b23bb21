import { TidemarkError } from '../../errors.ts';
import { readBatchHeader } from '../recordBatch/decoder.ts';
import { stampRecordBatch } from '../recordBatch/encoder.ts';
import type { PartitionRow, Store } from './store.ts';
import type { PartitionKey } from './topics.ts';

/** Most batches that one append or one step of a deletion removes, so that no transaction holds the write lock for long. */
export const MAX_BATCHES_DELETED_AT_ONCE = 256;

/** @throws TM_LOG_CORRUPT when the partition has no row, which creating its topic wrote */
export function partitionRow(store: Store, { topicId, partition }: PartitionKey): PartitionRow {
  const row = store.partitions.get([topicId, partition]);
  if (row !== undefined) return row;
  throw new TidemarkError(
    'TM_LOG_CORRUPT',
    `The row of partition ${partition} of topic number ${topicId} is missing.`,
    {
      where: store.directory,
      hint: 'Restore the data directory from a copy, or produce its topics again into a new one.',
    },
  );
}

/**
 * Appends encoded batches; inside a write transaction. Append times never go backwards: the clock's, or the newest
 * batch's where the clock (another process's, or one set back) is behind it.
 */
export function appendBatches(
  store: Store,
  key: PartitionKey,
  batches: readonly Uint8Array[],
  nowMs: number,
): PartitionRow {
  const row = partitionRow(store, key);
  if (batches.length === 0) return row;
  const { topicId, partition } = key;
  const appendMs = Math.max(nowMs, row.lastAppendMs);
  if (store.times.get([topicId, partition, appendMs]) === undefined) {
    store.times.putSync([topicId, partition, appendMs], row.end);
  }
  let end = row.end;
  for (const batch of batches) {
    stampRecordBatch(batch, end, appendMs);
    store.batches.putSync([topicId, partition, end], batch);
    end = readBatchHeader(batch).nextOffset;
  }
  const appended = { begin: row.begin, end, lastAppendMs: appendMs };
  store.partitions.putSync([topicId, partition], appended);
  return appended;
}

/** First offset appended at or after `epochMs`, or the end. */
export function offsetAtTime(store: Store, key: PartitionKey, epochMs: number): number {
  const { topicId, partition } = key;
  const { begin, end } = partitionRow(store, key);
  for (const { value } of store.times.getRange({
    start: [topicId, partition, epochMs],
    end: [topicId, partition, Number.POSITIVE_INFINITY],
    limit: 1,
  })) {
    return Math.max(value, begin);
  }
  return end;
}

/**
 * Moves the begin up to `beforeOffset`, and deletes the batches that lie wholly below it, the oldest first and a bounded
 * number of them; inside a write transaction.
 * @returns whether none is left to delete
 */
export function deleteBelow(store: Store, key: PartitionKey, beforeOffset: number): boolean {
  const { topicId, partition } = key;
  const row = partitionRow(store, key);
  const begin = Math.max(row.begin, beforeOffset);
  if (begin > row.begin) store.partitions.putSync([topicId, partition], { ...row, begin });

  const range = { start: [topicId, partition, 0], limit: MAX_BATCHES_DELETED_AT_ONCE + 1 };
  const bases = Array.from(store.batches.getKeys({ ...range, end: [topicId, partition, begin] }), (batch) => batch[2]);
  // The last of them reaches beyond the begin, unless the next batch starts right there.
  const next =
    bases.length < range.limit && (begin === row.end || store.batches.doesExist([topicId, partition, begin]));
  const doomed = next ? bases : bases.slice(0, -1);
  for (const base of doomed) store.batches.removeSync([topicId, partition, base]);

  const times = Array.from(store.times.getRange({ ...range, end: [topicId, partition, Number.POSITIVE_INFINITY] }));
  for (const [i, { key: time }] of times.entries()) {
    const following = times[i + 1];
    if (following === undefined || following.value > begin) break;
    store.times.removeSync(time);
  }
  return bases.length < range.limit;
}
