/** Record batches written the slow, obvious way, straight from the format's description. Imports nothing from src. */

export interface OracleRecord {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly timestampDelta?: bigint;
  /** Without it, the record's place in the batch. */
  readonly offsetDelta?: bigint;
  readonly headers?: readonly (readonly [string, string])[];
}

export interface OracleBatch {
  readonly baseOffset: bigint;
  readonly attributes: number;
  readonly baseTimestamp: bigint;
  readonly maxTimestamp: bigint;
  readonly records: readonly OracleRecord[];
  /** What is stored in place of the records as they are encoded: a compressed or a damaged body. */
  readonly body?: Uint8Array;
}

export function oracleBatch(batch: OracleBatch): Buffer {
  const body = batch.body ?? oracleRecords(batch.records);
  const covered = Buffer.concat([
    int(2, batch.attributes),
    int(4, batch.records.length - 1),
    long(batch.baseTimestamp),
    long(batch.maxTimestamp),
    long(-1n),
    int(2, -1),
    int(4, -1),
    int(4, batch.records.length),
    body,
  ]);
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(crc32c(covered));
  const rest = Buffer.concat([int(4, 0), int(1, 2), checksum, covered]);
  return Buffer.concat([long(batch.baseOffset), int(4, rest.length), rest]);
}

export function oracleRecords(records: readonly OracleRecord[]): Buffer {
  return Buffer.concat(
    records.map((record, place) => {
      const headers = record.headers ?? [];
      const body = Buffer.concat([
        int(1, 0),
        varint(record.timestampDelta ?? 0n),
        varint(record.offsetDelta ?? BigInt(place)),
        sized(record.key),
        sized(record.value),
        varint(BigInt(headers.length)),
        ...headers.flatMap(([name, value]) => [sized(Buffer.from(name)), sized(Buffer.from(value))]),
      ]);
      return Buffer.concat([varint(BigInt(body.length)), body]);
    }),
  );
}

/** A zigzag varint of 64 bits. */
export function varint(value: bigint): Buffer {
  let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
  const bytes: number[] = [];
  while (rest >= 128n) {
    bytes.push(Number(rest % 128n) + 128);
    rest /= 128n;
  }
  return Buffer.from([...bytes, Number(rest)]);
}

function sized(bytes: Uint8Array | null): Buffer {
  return bytes === null ? varint(-1n) : Buffer.concat([varint(BigInt(bytes.length)), bytes]);
}

function int(bytes: number, value: number): Buffer {
  const buffer = Buffer.alloc(bytes);
  buffer.writeIntBE(value, 0, bytes);
  return buffer;
}

function long(value: bigint): Buffer {
  const buffer = Buffer.alloc(8);
  buffer.writeBigInt64BE(value);
  return buffer;
}

/** CRC-32C (Castagnoli) a bit at a time. */
function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  return ~crc >>> 0;
}
