import { type ErrorCode, TidemarkError } from '../../errors.ts';
import type { Columns } from '../columns.ts';
import type { RecordSchema } from '../schema.ts';
import { Cursor, type Fault } from './cursor.ts';
import { compileDecoder, type DecodeRun, FRAME_BYTES } from './decoder.ts';
import { type ReaderField, readerFields } from './resolution.ts';
import { targetOf } from './targets.ts';

/** What is decoded: many values as ranges of one buffer; start and end are -1 for a null value. */
export interface ValueChunk {
  readonly count: number;
  readonly data: Uint8Array;
  readonly valueStarts: Int32Array;
  readonly valueEnds: Int32Array;
}

/**
 * Why a value became no row: it is null (a tombstone); it has no frame; its schema's id is unknown or cannot be read; or
 * its body is at fault.
 */
export type BadReason = 'null' | 'framing' | Fault;

export interface BadValue {
  /** In the chunk. */
  readonly index: number;
  readonly reason: BadReason;
  /** In words. */
  readonly detail: string;
}

export interface Decoded {
  readonly columns: Columns;
  /** The index in the chunk of each row; null when every value became a row. */
  readonly rows: Int32Array | null;
  /** Values that became no row, by rising index. */
  readonly bad: readonly BadValue[];
}

/** Decoders kept, one for each schema id that came by. Unknown ids count, so that poison cannot fill the memory. */
const MAX_DECODERS = 1_000;

/** Errors of one schema, which make its values bad; any other error, such as a registry out of reach, is the caller's. */
const UNREADABLE: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'TM_SCHEMA_UNKNOWN',
  'TM_SCHEMA_INVALID',
  'TM_SCHEMA_UNSUPPORTED',
  'TM_SCHEMA_INCOMPATIBLE',
]);

const NULL_VALUE = -1;
const UNFRAMED = -2;
type Unreadable = Omit<BadValue, 'index'>;
const IS_NULL: Unreadable = { reason: 'null', detail: 'The value is null.' };
const IS_UNFRAMED: Unreadable = {
  reason: 'framing',
  detail: 'The value does not begin with a zero byte and a schema id of four bytes.',
};

/** What is wrong with a value's body, in words. */
export const FAULTS: Readonly<Record<Fault, string>> = {
  body: 'The Avro body is cut short, overlong or malformed.',
  range: 'A number is outside what a column holds: 2^53 for a long, 32 bits for an int, the precision of a decimal.',
  schema: "A value is of a union's branch or an enum's symbol that the reader's schema does not have.",
};

/** Decodes a topic's values, framed for Confluent's registry, into columns of one reader's schema. */
export class TopicDecoder {
  readonly #reader: RecordSchema;
  readonly #fields: readonly ReaderField[];
  readonly #schemaById: (id: number) => Promise<string>;
  readonly #decoders = new Map<number, DecodeRun | Unreadable>();

  /** @param schemaById throws TM_SCHEMA_UNKNOWN for an id that is not registered; its other errors are passed on */
  constructor(reader: RecordSchema, schemaById: (id: number) => Promise<string>) {
    this.#reader = reader;
    this.#fields = readerFields(reader);
    this.#schemaById = schemaById;
  }

  /**
   * Never throws for what a value holds: that is reported in `bad`, and the other values are decoded. Copies all that it
   * keeps, so that the chunk's buffer may be used again afterwards.
   */
  async decode(chunk: ValueChunk): Promise<Decoded> {
    const { count, valueStarts: starts, valueEnds: ends } = chunk;
    const cursor = new Cursor(chunk.data);
    const targets = this.#reader.fields.map((field) => targetOf(field, count));
    const rows = new Int32Array(count);
    const bad: BadValue[] = [];
    let length = 0;
    for (let from = 0, to = 0; from < count; from = to) {
      const frame = frameOf(chunk, from);
      to = endOfRun(chunk, from, frame);
      const decoder = frame < 0 ? null : (this.#decoders.get(frame) ?? (await this.#load(frame)));
      if (typeof decoder === 'function') {
        const reject = (index: number, fault: Fault) => bad.push({ index, reason: fault, detail: FAULTS[fault] });
        length = decoder(cursor, targets, { starts, ends, from, to }, length, { rows, reject });
      } else {
        const why = decoder ?? (frame === NULL_VALUE ? IS_NULL : IS_UNFRAMED);
        for (let index = from; index < to; index++) {
          bad.push({ index, ...why });
        }
      }
    }
    const finished = targets.map((target) => [target.name, target.finish(length)] as const);
    return {
      columns: { length, byName: new Map(finished) },
      rows: bad.length === 0 ? null : rows.subarray(0, length),
      bad,
    };
  }

  async #load(id: number): Promise<DecodeRun | Unreadable> {
    const decoder = await this.#compile(id);
    const [oldest] = this.#decoders.keys();
    if (this.#decoders.size >= MAX_DECODERS && oldest !== undefined) {
      this.#decoders.delete(oldest);
    }
    this.#decoders.set(id, decoder);
    return decoder;
  }

  async #compile(id: number): Promise<DecodeRun | Unreadable> {
    try {
      return compileDecoder(await this.#schemaById(id), this.#fields);
    } catch (error) {
      if (error instanceof TidemarkError && UNREADABLE.has(error.code)) {
        return { reason: 'schema', detail: `Schema ${id}: ${error.message}` };
      }
      throw error;
    }
  }
}

/** The schema's id that stands before a value's body, as an unsigned number; or why there is none. */
function frameOf({ data, valueStarts, valueEnds }: ValueChunk, index: number): number {
  const start = valueStarts[index] as number;
  if (start < 0) {
    return NULL_VALUE;
  }
  if ((valueEnds[index] as number) - start < FRAME_BYTES || data[start] !== 0) {
    return UNFRAMED;
  }
  const high = ((data[start + 1] as number) << 8) | (data[start + 2] as number);
  const low = ((data[start + 3] as number) << 8) | (data[start + 4] as number);
  return high * 2 ** 16 + low;
}

function endOfRun(chunk: ValueChunk, from: number, frame: number): number {
  let to = from + 1;
  while (to < chunk.count && frameOf(chunk, to) === frame) {
    to++;
  }
  return to;
}
