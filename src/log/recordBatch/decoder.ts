import { crc32c } from '@node-rs/crc32';
import { decompressFrameSync } from 'lz4-napi';
import { TidemarkError } from '../../errors.ts';
import * as layout from './layout.ts';
import type { RecordColumns } from './recordColumns.ts';
import { VarintReader } from './varint.ts';

/** The least that a record takes: its length, attributes, two deltas, two lengths and the header count, a byte each. */
const MIN_RECORD_BYTES = 7;

/** The header's fields that readers need, taken as they stand: nothing is verified. */
export interface BatchHeader {
  readonly baseOffset: number;
  /** The offset after the batch's last. */
  readonly nextOffset: number;
  readonly maxTimestampMs: number;
}

export function readBatchHeader(batch: Uint8Array): BatchHeader {
  const view = new DataView(batch.buffer, batch.byteOffset, batch.byteLength);
  const baseOffset = Number(view.getBigInt64(layout.BASE_OFFSET));
  return {
    baseOffset,
    nextOffset: baseOffset + view.getInt32(layout.LAST_OFFSET_DELTA) + 1,
    maxTimestampMs: Number(view.getBigInt64(layout.MAX_TIMESTAMP)),
  };
}

/**
 * Verifies one record batch (v2; not compressed, or lz4) and adds its records from `fromOffset` on to `columns`.
 * Transaction markers hold no records. `where` (topic, partition, offset) goes into errors.
 * @returns the offset after the batch
 * @throws TM_LOG_CORRUPT, TM_LOG_FORMAT
 */
export function decodeRecordBatch(
  batch: Uint8Array,
  fromOffset: number,
  columns: RecordColumns,
  where: string,
): number {
  verify(batch, where);
  const view = new DataView(batch.buffer, batch.byteOffset, batch.byteLength);
  const header = readBatchHeader(batch);
  if (header.baseOffset < 0 || header.nextOffset <= header.baseOffset || !Number.isSafeInteger(header.nextOffset)) {
    throw corrupt(`it claims the offsets ${header.baseOffset} to ${header.nextOffset}`, where);
  }
  const attributes = view.getInt16(layout.ATTRIBUTES);
  if ((attributes & layout.CONTROL) !== 0) return header.nextOffset;

  const count = view.getInt32(layout.RECORD_COUNT);
  const body = recordBytes(batch, attributes & layout.CODEC_MASK, where);
  if (count < 0 || count * MIN_RECORD_BYTES > body.length) {
    throw corrupt(`it claims ${count} records in ${body.length} bytes`, where);
  }
  const times: RecordTimes =
    (attributes & layout.LOG_APPEND_TIME) !== 0
      ? { base: header.maxTimestampMs, perDelta: 0 }
      : { base: Number(view.getBigInt64(layout.BASE_TIMESTAMP)), perDelta: 1 };
  addRecords(body, count, header.baseOffset, times, fromOffset, columns, where);
  return header.nextOffset;
}

function verify(batch: Uint8Array, where: string): void {
  if (batch.length < layout.HEADER_BYTES) throw corrupt(`it has ${batch.length} bytes, less than a header`, where);
  const view = new DataView(batch.buffer, batch.byteOffset, batch.byteLength);
  if (view.getInt8(layout.MAGIC) !== layout.MAGIC_V2) {
    throw corrupt(`its format is v${view.getInt8(layout.MAGIC)}, not v2`, where);
  }
  const length = view.getInt32(layout.BATCH_LENGTH) + layout.LENGTH_PREFIX_BYTES;
  if (length !== batch.length) throw corrupt(`it claims ${length} bytes and has ${batch.length}`, where);
  const stored = view.getUint32(layout.CRC);
  const computed = crc32c(batch.subarray(layout.ATTRIBUTES));
  if (stored !== computed) throw corrupt(`its checksum is ${computed}, where ${stored} is stored`, where);
}

function recordBytes(batch: Uint8Array, codec: number, where: string): Uint8Array {
  const stored = Buffer.from(batch.buffer, batch.byteOffset + layout.HEADER_BYTES, batch.length - layout.HEADER_BYTES);
  if (codec === layout.CODEC_NONE) return stored;
  if (codec !== layout.CODEC_LZ4) {
    throw new TidemarkError(
      'TM_LOG_FORMAT',
      `A record batch is compressed with codec ${codec}; lz4 (3) and none (0) are read.`,
      { where },
    );
  }
  try {
    return decompressFrameSync(stored);
  } catch (cause) {
    throw corrupt('its lz4 frame does not decompress', where, cause);
  }
}

/** Which time a record has: the batch's, or (CreateTime) the batch's plus its own delta. */
interface RecordTimes {
  readonly base: number;
  readonly perDelta: 0 | 1;
}

function addRecords(
  body: Uint8Array,
  count: number,
  baseOffset: number,
  times: RecordTimes,
  fromOffset: number,
  columns: RecordColumns,
  where: string,
): void {
  columns.reserve(count);
  const dataStart = columns.addData(body);
  const { keyStarts, keyEnds, valueStarts, valueEnds, offsets, appendMs } = columns;
  const reader = new VarintReader(body);
  let row = columns.count;
  for (let record = 0; record < count; record++) {
    const length = reader.int();
    const recordEnd = reader.at + length;
    reader.at += 1; // attributes, unused by Kafka
    const timestampDelta = reader.long();
    const offset = baseOffset + reader.int();
    const keyLength = reader.int();
    const keyStart = reader.at;
    if (keyLength > 0) reader.at += keyLength;
    const valueLength = reader.int();
    const valueStart = reader.at;
    if (valueLength > 0) reader.at += valueLength;
    if (reader.malformed || reader.at > recordEnd || recordEnd > body.length || keyLength < -1 || valueLength < -1) {
      throw corrupt(`record ${record} of ${count} does not fit`, where);
    }
    reader.at = recordEnd; // past the headers
    if (offset < fromOffset) continue;
    keyStarts[row] = keyLength < 0 ? -1 : dataStart + keyStart;
    keyEnds[row] = keyLength < 0 ? -1 : dataStart + keyStart + keyLength;
    valueStarts[row] = valueLength < 0 ? -1 : dataStart + valueStart;
    valueEnds[row] = valueLength < 0 ? -1 : dataStart + valueStart + valueLength;
    offsets[row] = offset;
    appendMs[row] = times.base + timestampDelta * times.perDelta;
    row += 1;
  }
  columns.count = row;
}

function corrupt(what: string, where: string, cause?: unknown): TidemarkError {
  return new TidemarkError('TM_LOG_CORRUPT', `A record batch is damaged: ${what}.`, {
    where,
    hint: 'Restore the data directory from a copy, or produce the topic again; the records before it can still be read.',
    cause,
  });
}
