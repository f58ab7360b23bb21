import { createHash } from 'node:crypto';
import { compileEncoder } from '../core/avro/encoder.ts';
import { parseRecordSchema } from '../core/avro/parseSchema.ts';
import { ColumnsBuilder } from '../core/columnsBuilder.ts';
import { TidemarkError } from '../errors.ts';
import type { Log, RecordBytes, TopicPartition, TransactionalWriter } from '../log/log.ts';
import type { SchemaRegistry } from '../log/registry/registry.ts';
import { type SnapshotSlice, snapshotSliceSchema } from '../schemas.generated.ts';
import { TopicRows } from './topicRows.ts';

/** Most bytes of state in a record: well below the megabyte that a broker takes by default. */
const SLICE_BYTES = 512 * 1024;
/** Most slices in a transaction, so that none takes long. */
const SLICES_PER_TRANSACTION = 16;
/** Newest snapshots that a position names: where one cannot be read, the one before serves. */
const KEPT = 2;
const FORMAT = 3;
const SLICE = parseRecordSchema(snapshotSliceSchema);

/** Where a snapshot is, whole, and what it is the state of. */
export interface SnapshotPointer {
  readonly format: number;
  readonly number: number;
  /** The position whose state it is, with the offset of each input, and the controls that had applied. */
  readonly position: number;
  readonly offsets: readonly number[];
  readonly controlSequence: number;
  /** Later control records lie from this offset of their partition on. */
  readonly controlOffset: number;
  /** Offset of its first slice. */
  readonly firstOffset: number;
  readonly slices: number;
  readonly checksum: string;
}

/** The state that a snapshot holds, and its place. */
export interface SnapshotState {
  readonly pointer: SnapshotPointer;
  readonly state: Uint8Array;
}

export interface SnapshotParts {
  readonly log: Log;
  /** Of the task: an owner that was fenced writes no snapshot either. */
  readonly writer: TransactionalWriter;
  /** The partition of the topic of snapshots. */
  readonly place: TopicPartition;
  readonly schemaId: number;
}

/** The snapshots of one task: slices in a topic, outside the transactions of its commits. */
export class Snapshots {
  readonly #parts: SnapshotParts;
  #pointers: readonly SnapshotPointer[];

  constructor(parts: SnapshotParts, pointers: readonly SnapshotPointer[]) {
    this.#parts = parts;
    this.#pointers = pointers;
  }

  /** The newest, newest first, for the next commit to name: one that no position names is never read. */
  get pointers(): readonly SnapshotPointer[] {
    return this.#pointers;
  }

  /** Writes the state at a committed position, and deletes slices that the last commit named no more. */
  async write(
    state: Uint8Array,
    at: Pick<SnapshotPointer, 'position' | 'offsets' | 'controlSequence' | 'controlOffset'>,
  ): Promise<void> {
    const { log, place } = this.#parts;
    const oldest = this.#pointers[KEPT - 1];
    if (oldest !== undefined) await log.deleteRecords(place, oldest.firstOffset);
    const number = (this.#pointers[0]?.number ?? 0) + 1;
    const slices = Math.max(1, Math.ceil(state.length / SLICE_BYTES));
    let firstOffset: number | null = null;
    for (let slice = 0; slice < slices; slice += SLICES_PER_TRANSACTION) {
      const appended = await this.#append(state, number, slice, Math.min(slices, slice + SLICES_PER_TRANSACTION));
      firstOffset ??= appended;
    }
    const checksum = checksumOf(state);
    const pointer = { format: FORMAT, number, ...at, firstOffset: firstOffset ?? 0, slices, checksum };
    this.#pointers = [pointer, ...this.#pointers].slice(0, KEPT);
  }

  /** The offset of the first slice. */
  async #append(state: Uint8Array, number: number, from: number, to: number): Promise<number> {
    const { writer, place, schemaId } = this.#parts;
    const records = slicesOf(state, number, from, to, schemaId, place);
    const [appended] = await writer.commit({ appends: [{ ...place, records }], positions: [] });
    if (appended === undefined) throw new RangeError('an append tells where it landed');
    return appended.firstOffset;
  }
}

function slicesOf(
  state: Uint8Array,
  number: number,
  from: number,
  to: number,
  schemaId: number,
  { partition }: TopicPartition,
): RecordBytes {
  const builder = new ColumnsBuilder(SLICE, to - from);
  for (let slice = from; slice < to; slice++) {
    builder.setNumber(builder.fieldIndex('number'), number);
    builder.setNumber(builder.fieldIndex('slice'), slice);
    const start = slice * SLICE_BYTES;
    builder.setBytes(builder.fieldIndex('bytes'), state, start, Math.min(state.length, start + SLICE_BYTES));
    builder.endRow();
  }
  const { values, valueOffsets } = compileEncoder(SLICE).encode(builder.finish(), null, schemaId);
  const key = new TextEncoder().encode(String(partition));
  const count = to - from;
  const keys = new Uint8Array(key.length * count);
  for (let i = 0; i < count; i++) keys.set(key, i * key.length);
  const keyOffsets = Int32Array.from({ length: count + 1 }, (_, i) => i * key.length);
  return { count, keys, keyOffsets, values, valueOffsets };
}

/**
 * The newest of these snapshots that can be read whole; null when there is none.
 * @param onPassedOver told of each that cannot be used, and why
 */
export async function readSnapshot(
  parts: { readonly log: Log; readonly registry: SchemaRegistry },
  place: TopicPartition,
  pointers: readonly SnapshotPointer[],
  onPassedOver: (warning: TidemarkError) => void,
): Promise<SnapshotState | null> {
  for (const pointer of pointers) {
    const state = await stateOf(parts, place, pointer);
    if (state !== null) return { pointer, state };
    onPassedOver(
      new TidemarkError('TM_SNAPSHOT_UNUSABLE', `snapshot ${pointer.number} is damaged, or not all there`, {
        where: `${place.topic}, partition ${place.partition}, offset ${pointer.firstOffset}`,
        hint: 'The one before it is used, or the input is read again from the beginning: nothing is lost but time.',
      }),
    );
  }
  return null;
}

async function stateOf(
  parts: { readonly log: Log; readonly registry: SchemaRegistry },
  place: TopicPartition,
  { format, number, firstOffset, slices, checksum }: SnapshotPointer,
): Promise<Uint8Array | null> {
  const range = (await parts.log.ranges(place.topic))[place.partition];
  if (format !== FORMAT || range === undefined || firstOffset < range.begin || firstOffset >= range.end) return null;
  const rows = await TopicRows.open<SnapshotSlice>(parts, SLICE, [{ ...place, offset: firstOffset }]);
  const found: Uint8Array[] = [];
  try {
    while (found.length < slices) {
      const read = await rows.read(0, slices - found.length);
      if (read.length === 0) return null;
      for (const { row } of read) {
        if (row.number !== number || row.slice !== found.length) return null;
        found.push(row.bytes);
      }
    }
  } finally {
    await rows.close();
  }
  const state = Buffer.concat(found);
  return checksumOf(state) === checksum ? state : null;
}

function checksumOf(state: Uint8Array): string {
  return createHash('sha256').update(state).digest('hex');
}
