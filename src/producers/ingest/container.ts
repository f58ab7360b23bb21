import { inflateRawSync } from 'node:zlib';
import { type AvroType, parseAvroType } from '../../core/avro/avroType.ts';
import { Cursor } from '../../core/avro/cursor.ts';
import { FRAME_BYTES } from '../../core/avro/decoder.ts';
import { skip } from '../../core/avro/skip.ts';
import type { ValueChunk } from '../../core/avro/topicDecoder.ts';
import { TidemarkError } from '../../errors.ts';
import { bodyFault, tooManyRows } from './bodyFaults.ts';

const MAGIC = [0x4f, 0x62, 0x6a, 1];
const SYNC_BYTES = 16;
const SINGLE =
  'it is one record as topics hold them; put the records of a request, and their schema, in an Avro object container file';

export interface ContainerBounds {
  readonly maxRows: number;
  /** Of what the blocks hold when they are decompressed. */
  readonly maxBytes: number;
}

/** The records of an Avro object container file (Avro 1.12, "Object Container Files"), each a range of one buffer. */
export interface Container {
  /** What they were written with. */
  readonly schemaText: string;
  readonly records: ValueChunk;
}

/**
 * Takes a file apart. Each record's range begins with the room of a frame, whatever stands there: decoders pass over it.
 * @throws TM_INGEST_BODY for what is no such file; TM_API_BOUNDS
 */
export function readContainer(bytes: Uint8Array, bounds: ContainerBounds): Container {
  const cursor = new Cursor(bytes);
  cursor.open(MAGIC.length, bytes.length);
  if (!MAGIC.every((byte, at) => bytes[at] === byte))
    throw bodyFault(isSingleRecord(bytes) ? SINGLE : 'it is no Avro object container file');
  const metadata = readMetadata(cursor);
  const sync = take(cursor, SYNC_BYTES);
  const schemaText = metadata.get('avro.schema') ?? '';
  const codec = metadata.get('avro.codec') ?? 'null';
  if (codec !== 'null' && codec !== 'deflate') throw bodyFault(`its codec is ${codec}, neither null nor deflate`);
  const type = schemaOf(schemaText);
  const blocks: Uint8Array[] = [new Uint8Array(FRAME_BYTES)];
  const ends: number[] = [];
  let length = FRAME_BYTES;
  while (cursor.position < cursor.end) {
    const count = cursor.long();
    const packed = take(cursor, cursor.length());
    if (count < 0) throw bodyFault('a block is malformed');
    if (ends.length + count > bounds.maxRows) throw tooManyRows(bounds.maxRows);
    const block = codec === 'null' ? packed : inflated(packed, bounds.maxBytes - length);
    const inBlock = new Cursor(block);
    inBlock.open(0, block.length);
    for (let i = 0; i < count && inBlock.fault === null; i++) {
      skip(inBlock, type);
      ends.push(length + inBlock.position);
    }
    if (!inBlock.complete()) throw bodyFault('a block does not hold the records that it counts');
    if (!Buffer.from(take(cursor, SYNC_BYTES)).equals(sync))
      throw bodyFault('a block does not end with the sync marker');
    blocks.push(block);
    length += block.length;
  }
  const starts = [FRAME_BYTES, ...ends].slice(0, ends.length);
  return {
    schemaText,
    records: {
      count: ends.length,
      data: Buffer.concat(blocks),
      valueStarts: Int32Array.from(starts, (start) => start - FRAME_BYTES),
      valueEnds: Int32Array.from(ends),
    },
  };
}

/** Framed as Confluent's registry has it (0, then the schema's id), or Avro's single-object encoding (C3 01). */
function isSingleRecord(bytes: Uint8Array): boolean {
  return bytes[0] === 0 || (bytes[0] === 0xc3 && bytes[1] === 1);
}

function schemaOf(text: string): AvroType {
  try {
    return parseAvroType(text);
  } catch (error) {
    if (error instanceof TidemarkError) throw bodyFault(`its schema is not valid: ${error.message}`);
    throw error;
  }
}

function readMetadata(cursor: Cursor): ReadonlyMap<string, string> {
  const metadata = new Map<string, string>();
  for (let count = cursor.long(); count !== 0; count = cursor.long()) {
    if (count < 0) cursor.long();
    for (let i = 0; i < Math.abs(count) && cursor.fault === null; i++) {
      const key = text(take(cursor, cursor.length()));
      metadata.set(key, text(take(cursor, cursor.length())));
    }
    if (cursor.fault !== null) break;
  }
  return metadata;
}

/** @throws TM_INGEST_BODY when they are not all there */
function take(cursor: Cursor, bytes: number): Uint8Array {
  const start = cursor.position;
  cursor.skip(bytes);
  if (cursor.fault !== null) throw bodyFault('it is cut short, or malformed');
  return cursor.data.subarray(start, start + bytes);
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8');
}

function inflated(packed: Uint8Array, maxBytes: number): Uint8Array {
  try {
    return inflateRawSync(packed, { maxOutputLength: Math.max(1, maxBytes) });
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ERR_BUFFER_TOO_LARGE') {
      throw new TidemarkError('TM_API_BOUNDS', 'the blocks hold more bytes than a body may have', {
        where: 'ingest.maxBodyBytes',
        hint: 'Send fewer rows in a request.',
      });
    }
    throw bodyFault('a block is not compressed as its codec says');
  }
}
