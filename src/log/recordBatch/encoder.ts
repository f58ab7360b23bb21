import { crc32c } from '@node-rs/crc32';
import { compressFrameSync } from 'lz4-napi';
import { TidemarkError } from '../../errors.ts';
import type { RecordBytes } from '../log.ts';
import * as layout from './layout.ts';
import { varintBytes, writeVarint } from './varint.ts';

/** A batch stops growing at either; one larger record makes a batch of its own. */
export const MAX_BATCH_RECORDS = 10_000;
export const MAX_BATCH_BYTES = 1024 * 1024;
/** Key and value of one record; a log of market data has no use for more, and buffers stay bounded. */
export const MAX_RECORD_BYTES = 16 * 1024 * 1024;

/** A record's length, offset delta, key length and value length as varints, its attributes, timestamp delta and header count. */
const MAX_RECORD_OVERHEAD = 4 * 5 + 3;
/** Below this a byte loop beats `set` with a view, which allocates. */
const COPY_LOOP_BYTES = 96;

/** Encodes records as Kafka record batches (v2, lz4). The buffers that it works in are kept between calls. */
export class RecordBatchEncoder {
  #scratch = Buffer.allocUnsafe(MAX_BATCH_BYTES);

  /**
   * The records in order, cut into bounded batches. Each still lacks what is known only when it is appended: see
   * `stampRecordBatch`.
   * @throws TM_LOG_RECORD_TOO_LARGE
   */
  encode(records: RecordBytes): Uint8Array[] {
    const batches: Uint8Array[] = [];
    for (let start = 0; start < records.count; ) {
      const end = batchEnd(records, start);
      batches.push(this.#encodeBatch(records, start, end));
      start = end;
    }
    return batches;
  }

  #encodeBatch(records: RecordBytes, start: number, end: number): Uint8Array {
    const body = compressFrameSync(this.#encodeRecords(records, start, end));
    const batch = Buffer.alloc(layout.HEADER_BYTES + body.length);
    const count = end - start;
    batch.writeInt32BE(batch.length - layout.LENGTH_PREFIX_BYTES, layout.BATCH_LENGTH);
    batch.writeInt8(layout.MAGIC_V2, layout.MAGIC);
    batch.writeInt16BE(layout.CODEC_LZ4 | layout.LOG_APPEND_TIME, layout.ATTRIBUTES);
    batch.writeInt32BE(count - 1, layout.LAST_OFFSET_DELTA);
    batch.writeBigInt64BE(-1n, layout.PRODUCER_ID);
    batch.writeInt16BE(-1, layout.PRODUCER_EPOCH);
    batch.writeInt32BE(-1, layout.BASE_SEQUENCE);
    batch.writeInt32BE(count, layout.RECORD_COUNT);
    body.copy(batch, layout.HEADER_BYTES);
    return batch;
  }

  #encodeRecords(records: RecordBytes, start: number, end: number): Buffer {
    const { keys, keyOffsets, values, valueOffsets } = records;
    const payload =
      (keyOffsets[end] as number) -
      (keyOffsets[start] as number) +
      (valueOffsets[end] as number) -
      (valueOffsets[start] as number);
    const bound = payload + (end - start) * MAX_RECORD_OVERHEAD;
    if (bound > this.#scratch.length) this.#scratch = Buffer.allocUnsafe(bound);
    const target = this.#scratch;
    let at = 0;
    for (let record = start; record < end; record++) {
      const keyStart = keyOffsets[record] as number;
      const keyBytes = (keyOffsets[record + 1] as number) - keyStart;
      const valueStart = valueOffsets[record] as number;
      const valueBytes = (valueOffsets[record + 1] as number) - valueStart;
      const delta = record - start;
      const length = 3 + varintBytes(delta) + varintBytes(keyBytes) + keyBytes + varintBytes(valueBytes) + valueBytes;
      at = writeVarint(target, at, length);
      target[at++] = 0; // attributes
      target[at++] = 0; // timestamp delta
      at = writeVarint(target, at, delta);
      at = writeVarint(target, at, keyBytes);
      at = copyBytes(keys, keyStart, keyBytes, target, at);
      at = writeVarint(target, at, valueBytes);
      at = copyBytes(values, valueStart, valueBytes, target, at);
      target[at++] = 0; // number of headers
    }
    return target.subarray(0, at);
  }
}

/** Gives an encoded batch its place: base offset and append time (epoch milliseconds), and the checksum that covers the time. */
export function stampRecordBatch(batch: Uint8Array, baseOffset: number, appendMs: number): void {
  const view = new DataView(batch.buffer, batch.byteOffset, batch.byteLength);
  view.setBigInt64(layout.BASE_OFFSET, BigInt(baseOffset));
  view.setBigInt64(layout.BASE_TIMESTAMP, BigInt(appendMs));
  view.setBigInt64(layout.MAX_TIMESTAMP, BigInt(appendMs));
  view.setUint32(layout.CRC, crc32c(batch.subarray(layout.ATTRIBUTES)));
}

/** Where the batch that begins with record `start` ends. */
function batchEnd(records: RecordBytes, start: number): number {
  const last = Math.min(records.count, start + MAX_BATCH_RECORDS);
  let bytes = 0;
  let end = start;
  for (; end < last; end++) {
    const size =
      (records.keyOffsets[end + 1] as number) -
      (records.keyOffsets[end] as number) +
      (records.valueOffsets[end + 1] as number) -
      (records.valueOffsets[end] as number);
    if (size > MAX_RECORD_BYTES) {
      throw new TidemarkError(
        'TM_LOG_RECORD_TOO_LARGE',
        `A record holds ${size} bytes; the most is ${MAX_RECORD_BYTES}.`,
        {
          where: `record ${end} of an append`,
        },
      );
    }
    bytes += size + MAX_RECORD_OVERHEAD;
    if (bytes > MAX_BATCH_BYTES && end > start) break;
  }
  return end;
}

function copyBytes(source: Uint8Array, start: number, count: number, target: Uint8Array, at: number): number {
  if (count <= COPY_LOOP_BYTES) {
    for (let i = 0; i < count; i++) target[at + i] = source[start + i] as number;
  } else {
    target.set(source.subarray(start, start + count), at);
  }
  return at + count;
}
