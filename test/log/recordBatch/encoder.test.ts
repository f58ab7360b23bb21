import { decompressFrameSync } from 'lz4-napi';
import { describe, expect, it } from 'vitest';
import {
  MAX_BATCH_BYTES,
  MAX_BATCH_RECORDS,
  RecordBatchEncoder,
  stampRecordBatch,
} from '../../../src/log/recordBatch/encoder.ts';
import { numbered, recordBytes } from '../records.ts';
import { oracleBatch, oracleRecords } from './batchOracle.ts';

const HEADER_BYTES = 61;
const bodyOf = (batch: Uint8Array) => decompressFrameSync(Buffer.from(batch.subarray(HEADER_BYTES)));

describe('RecordBatchEncoder', () => {
  it('writes the format byte for byte', () => {
    const written = [...numbered('value', 300), { key: '', value: 'v'.repeat(20_000) }];
    const [batch = new Uint8Array()] = new RecordBatchEncoder().encode(recordBytes(written));
    stampRecordBatch(batch, 2 ** 40, 1_700_000_000_123);

    const records = written.map(({ key, value }) => ({ key: Buffer.from(key), value: Buffer.from(value) }));
    expect(bodyOf(batch).equals(oracleRecords(records))).toBe(true);
    const expected = oracleBatch({
      baseOffset: 2n ** 40n,
      attributes: 3 | 8,
      baseTimestamp: 1_700_000_000_123n,
      maxTimestamp: 1_700_000_000_123n,
      records,
      body: batch.subarray(HEADER_BYTES),
    });
    expect(expected.equals(batch)).toBe(true);
  });

  it('writes lz4 frames that Kafka reads: independent blocks, no block checksums', () => {
    const [batch = new Uint8Array()] = new RecordBatchEncoder().encode(recordBytes(numbered('value', 10)));
    const frame = Buffer.from(batch.subarray(HEADER_BYTES));
    expect(frame.readUInt32LE(0)).toBe(0x184d2204);
    const flags = frame.readUInt8(4);
    expect({ version: flags >> 6, independent: (flags >> 5) & 1, blockChecksum: (flags >> 4) & 1 }).toEqual({
      version: 1,
      independent: 1,
      blockChecksum: 0,
    });
  });

  it('cuts an append into batches by records and by bytes', () => {
    const counts = (records: Parameters<typeof recordBytes>[0]) =>
      new RecordBatchEncoder().encode(recordBytes(records)).map((batch) => Buffer.from(batch).readInt32BE(57));
    expect(counts(numbered('v', 2 * MAX_BATCH_RECORDS + 1))).toEqual([MAX_BATCH_RECORDS, MAX_BATCH_RECORDS, 1]);
    const half = { key: '', value: 'x'.repeat(MAX_BATCH_BYTES / 2 - 1000) };
    expect(counts([half, half, half])).toEqual([2, 1]);
    const large = { key: '', value: 'x'.repeat(3 * MAX_BATCH_BYTES) };
    expect(counts([half, large, half, half])).toEqual([1, 1, 2]);
    expect(counts([])).toEqual([]);
  });

  it('keeps earlier batches as they are when it encodes more', () => {
    const encoder = new RecordBatchEncoder();
    const [first = new Uint8Array()] = encoder.encode(recordBytes(numbered('first', 50)));
    const copy = Buffer.from(first);
    encoder.encode(recordBytes(numbered('second', 500)));
    expect(copy.equals(first)).toBe(true);
  });
});
