import fc from 'fast-check';
import { compressFrameSync } from 'lz4-napi';
import { describe, expect, it } from 'vitest';
import { TidemarkError } from '../../../src/errors.ts';
import { decodeRecordBatch } from '../../../src/log/recordBatch/decoder.ts';
import { RecordColumns } from '../../../src/log/recordBatch/recordColumns.ts';
import { effort } from '../../support/effort.ts';
import { recordsOf } from '../records.ts';
import { type OracleBatch, type OracleRecord, oracleBatch, oracleRecords } from './batchOracle.ts';

const LZ4 = 3;
const LOG_APPEND_TIME = 8;
const CONTROL = 32;

const record = (key: string | null, value: string | null): OracleRecord => ({
  key: key === null ? null : Buffer.from(key),
  value: value === null ? null : Buffer.from(value),
});

const PLAIN: OracleBatch = {
  baseOffset: 100n,
  attributes: 0,
  baseTimestamp: 1_000n,
  maxTimestamp: 2_000n,
  records: [record('a', '1'), record('b', '2'), record('c', '3')],
};

function decode(batch: Uint8Array, fromOffset = 0) {
  const columns = new RecordColumns();
  const nextOffset = decodeRecordBatch(batch, fromOffset, columns, 'here');
  return { nextOffset, records: recordsOf(columns.chunk({ topic: 't', partition: 0 }, 0, columns.count, nextOffset)) };
}

describe('decodeRecordBatch', () => {
  it('reads keys, values, offsets and times of creation', () => {
    const records = [
      { ...record('a', '1'), timestampDelta: 5n },
      { ...record('', ''), timestampDelta: -5n },
    ];
    const { nextOffset, records: read } = decode(oracleBatch({ ...PLAIN, records }));
    expect(nextOffset).toBe(102);
    expect(read).toMatchObject([
      { offset: 100, key: 'a', value: '1', appendMs: 1_005 },
      { offset: 101, key: '', value: '', appendMs: 995 },
    ]);
  });

  it("gives every record the batch's time where the log's clock counts", () => {
    const { records } = decode(oracleBatch({ ...PLAIN, attributes: LOG_APPEND_TIME }));
    expect(records.map(({ appendMs }) => appendMs)).toEqual([2_000, 2_000, 2_000]);
  });

  it('tells null keys and values from empty ones, and passes over headers', () => {
    const headers = [['name', 'value']] as const;
    const { records } = decode(
      oracleBatch({ ...PLAIN, records: [{ ...record(null, ''), headers }, record('', null)] }),
    );
    expect(records).toMatchObject([
      { key: null, value: '' },
      { key: '', value: null },
    ]);
  });

  it('decompresses lz4', () => {
    const body = compressFrameSync(oracleRecords(PLAIN.records));
    const { records } = decode(oracleBatch({ ...PLAIN, attributes: LZ4, body }));
    expect(records.map(({ value }) => value)).toEqual(['1', '2', '3']);
  });

  it('starts at the offset asked for, and keeps the gaps of a compacted batch', () => {
    const records = [0n, 2n, 7n].map((offsetDelta) => ({ ...record('k', 'v'), offsetDelta }));
    expect(decode(oracleBatch({ ...PLAIN, records }), 101).records.map(({ offset }) => offset)).toEqual([102, 107]);
  });

  it('takes a transaction marker for an offset without a record', () => {
    const marker = { ...PLAIN, attributes: CONTROL, records: [record('\0\0\0\x01', '\0\0\0\0\0\0')] };
    expect(decode(oracleBatch(marker))).toEqual({ nextOffset: 101, records: [] });
  });

  it('is exact for longs up to 2^53', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), fc.nat(2 ** 31 - 2), (timestampDelta, offsetDelta) => {
        const one = { ...record('k', 'v'), timestampDelta: BigInt(timestampDelta), offsetDelta: BigInt(offsetDelta) };
        const { records } = decode(oracleBatch({ ...PLAIN, baseTimestamp: 0n, records: [one] }));
        expect(records).toMatchObject([{ appendMs: timestampDelta, offset: 100 + offsetDelta }]);
      }),
    );
  });

  it('adds the records of a further batch behind those of the first', () => {
    const columns = new RecordColumns();
    decodeRecordBatch(oracleBatch(PLAIN), 0, columns, 'here');
    decodeRecordBatch(oracleBatch({ ...PLAIN, baseOffset: 103n }), 0, columns, 'here');
    const read = recordsOf(columns.chunk({ topic: 't', partition: 0 }, 1, 5, 105));
    expect(read.map(({ offset, value }) => `${offset}:${value}`)).toEqual(['101:2', '102:3', '103:1', '104:2']);
  });

  it('finds any changed bit from the magic number on', () => {
    const batch = oracleBatch(PLAIN);
    fc.assert(
      fc.property(fc.integer({ min: 16, max: batch.length - 1 }), fc.nat(7), (at, bit) => {
        const damaged = Buffer.from(batch);
        damaged.writeUInt8(damaged.readUInt8(at) ^ (1 << bit), at);
        expect(() => decode(damaged)).toThrow(expect.objectContaining({ code: 'TM_LOG_CORRUPT', where: 'here' }));
      }),
    );
  });

  it('refuses a batch cut short', () => {
    const batch = oracleBatch(PLAIN);
    for (let length = 0; length < batch.length; length++) {
      expect(() => decode(batch.subarray(0, length))).toThrow(expect.objectContaining({ code: 'TM_LOG_CORRUPT' }));
    }
  });

  it('refuses another compression, and says which', () => {
    const zstd = oracleBatch({ ...PLAIN, attributes: 4 });
    expect(() => decode(zstd)).toThrow(expect.objectContaining({ code: 'TM_LOG_FORMAT' }));
  });

  it('meets random bytes, and random records under a right checksum, with a coded error at most', () => {
    const random = fc.uint8Array({ maxLength: 300 });
    const attributes = fc.constantFrom(0, LZ4, LOG_APPEND_TIME, LZ4 | LOG_APPEND_TIME);
    const sealed = fc
      .record({
        body: random,
        attributes,
        count: fc.nat(40),
        frame: fc.boolean(),
        baseOffset: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      })
      .map(({ body, count, frame, ...rest }) =>
        oracleBatch({
          ...PLAIN,
          ...rest,
          records: Array.from({ length: count }, () => record('k', 'v')),
          body: frame ? compressFrameSync(Buffer.from(body)) : body,
        }),
      );
    // Records of which a few bytes are changed get further than random ones.
    const changed = fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })).map(([at, byte]) => {
      const body = oracleRecords(PLAIN.records);
      body.writeUInt8(byte, at % body.length);
      return oracleBatch({ ...PLAIN, body });
    });
    fc.assert(
      fc.property(fc.oneof(random, sealed, changed), (bytes) => {
        try {
          decode(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(TidemarkError);
        }
      }),
      { numRuns: effort(5_000) },
    );
  });
});
