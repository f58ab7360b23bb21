import { Subject } from 'rxjs';
import { parseRecordSchema } from '../../src/core/avro/parseSchema.ts';
import { RowView } from '../../src/core/avro/rowView.ts';
import { RowWriter } from '../../src/core/avro/rowWriter.ts';
import {
  type Chunk,
  type Element,
  NO_WATERMARK,
  type Restore,
  type Shape,
  type Snapshot,
  type Stream,
} from '../../src/topology/elements.ts';

/** A row as it came out, with the time, place and watermark that it carries. */
export interface SeenRow {
  readonly row: Readonly<Record<string, unknown>>;
  readonly timeMicros: number;
  readonly offset: number;
  readonly arrival: number;
  /** In force before the row; null before a `watermark` step. */
  readonly watermark: number | null;
  readonly key: string | null;
}

export type Row = Readonly<Record<string, unknown>>;

/** A first element of a stream. */
export function shapeOf(avsc: unknown, timeField = 'eventTime'): Shape {
  const schema = parseRecordSchema(avsc);
  const sequenceField = schema.fields.some(({ name }) => name === 'sequence') ? 'sequence' : null;
  return {
    kind: 'shape',
    schema,
    timeField,
    sequenceField,
    keyField: null,
    origins: [],
    boundaries: [],
    steps: [],
    windows: null,
    result: null,
  };
}

/** Rows as a chunk of consecutive records from an offset on. */
export function chunkOf({ schema, timeField }: Shape, rows: readonly Row[], firstOffset: number): Chunk {
  const writer = new RowWriter(schema);
  for (const row of rows) writer.add(row);
  const offsets = Float64Array.from(rows, (_, i) => firstOffset + i);
  return {
    kind: 'chunk',
    columns: writer.finish(),
    offsets,
    arrivals: offsets,
    timesMicros: Float64Array.from(rows, (row) => row[timeField] as number),
    watermarks: null,
    watermarkAfter: NO_WATERMARK,
    keys: null,
    keyIds: null,
  };
}

/** Runs steps without a topology: rows go in, and what comes out is kept. */
export class StepRun {
  readonly rows: SeenRow[] = [];
  /** What came out besides rows and shape. */
  readonly others: Element[] = [];
  watermarkAfter = NO_WATERMARK;
  shape: Shape | null = null;
  readonly #source = new Subject<Element>();
  readonly #shape: Shape;
  #view: RowView<Row> | null = null;
  #offset = 0;
  #failure: { readonly error: unknown } | null = null;

  constructor(input: Shape, steps: (source: Stream<never>) => Stream<unknown>) {
    this.#shape = input;
    steps(this.#source as Stream<never>).subscribe({
      next: (element) => this.#take(element),
      error: (error: unknown) => {
        this.#failure = { error };
      },
    });
    this.#send(input);
  }

  /** Throws what a step has thrown. */
  check(): void {
    if (this.#failure !== null) throw this.#failure.error;
  }

  #send(element: Element): void {
    this.#source.next(element);
    this.check();
  }

  /** The rows in chunks of the given size. */
  feed(rows: readonly Row[], chunkSize = rows.length): this {
    for (let at = 0; at < rows.length; at += chunkSize) {
      const part = rows.slice(at, at + chunkSize);
      this.#send(chunkOf(this.#shape, part, this.#offset));
      this.#offset += part.length;
    }
    return this;
  }

  send(element: Element): this {
    this.#send(element);
    return this;
  }

  /** The state, as it would come back from storage. */
  snapshot(): unknown[] {
    const snapshot: Snapshot = { kind: 'snapshot', parts: [], keys: null, slots: new Int32Array(0) };
    this.#send(snapshot);
    return structuredClone(snapshot.parts);
  }

  /** Takes over from a run that has taken in `offset` records. */
  restore(parts: readonly unknown[], offset: number): this {
    const restore: Restore = {
      kind: 'restore',
      parts: [...parts],
      keys: null,
      slots: new Int32Array(0),
      slotsUsed: 0,
    };
    this.#send(restore);
    if (restore.parts.length > 0) throw new Error(`${restore.parts.length} parts of the snapshot were not taken`);
    this.#offset = offset;
    return this;
  }

  #take(element: Element): void {
    if (element.kind === 'shape') {
      this.shape = element;
      this.#view = new RowView<Row>(element.schema);
    } else if (element.kind !== 'chunk') {
      this.others.push(element);
    } else {
      this.#takeChunk(element);
    }
  }

  #takeChunk(chunk: Chunk): void {
    const { columns, offsets, arrivals, timesMicros, watermarks, keys, keyIds } = chunk;
    this.#view?.bind(columns);
    for (let i = 0; i < columns.length; i++) {
      this.rows.push({
        row: { ...this.#view?.at(i) },
        timeMicros: timesMicros[i] as number,
        offset: offsets[i] as number,
        arrival: arrivals[i] as number,
        watermark: watermarks === null ? null : (watermarks[i] as number),
        key: keys === null || keyIds === null ? null : Buffer.from(keys.bytesOf(keyIds[i] as number)).toString(),
      });
    }
    this.watermarkAfter = chunk.watermarkAfter;
  }
}
