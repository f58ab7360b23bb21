import type { KeyTable } from '../../core/keyTable.ts';
import { MICROS_PER_MS } from '../../core/time.ts';
import { TidemarkError } from '../../errors.ts';
import { chunkRows } from '../chunkRows.ts';
import type { Chunk, Element, Late, Operator, Shape } from '../elements.ts';
import { topicsOf } from '../sources.ts';
import { transform } from '../transform.ts';
import { type SavedSequences, SeenSequences } from './seenSequences.ts';
import { stateFull } from './stateFull.ts';

export interface DeduplicateOptions {
  /** How long, in event time, a record is remembered. */
  readonly forMs: number;
  /** Most intervals of sequences that are kept; one more stops the task with TM_STATE_FULL. Default 1,000,000. */
  readonly maxIntervals?: number;
}

type NumberField<Row> = { [K in keyof Row]: Row[K] extends number | null ? K : never }[keyof Row] & string;

const DEFAULT_MAX_INTERVALS = 1_000_000;

/**
 * Drops records that came before: those of one key with the same number in a field, such as the venue's sequence or the trade
 * id, and event times in the same stretch of `forMs`. A number that was missing and comes later is no duplicate, and numbers
 * may begin anew in another stretch. What is dropped goes to the late ledger as `duplicate`. Records whose field is null pass, as
 * do those that come when their stretch has been forgotten: `forMs` behind the watermark. What is kept: the intervals of
 * numbers seen, a key and a stretch.
 *
 * @example ticks.pipe(watermark(bounded(1_000)), keyBy('instrument'), deduplicate('sequence', { forMs: 300_000 }))
 * @throws TM_TOPOLOGY when the field is not of whole numbers, no key or watermark comes before it, or a bound is none
 */
export function deduplicate<Row>(field: NumberField<Row>, options: DeduplicateOptions): Operator<Row, Row> {
  const { forMs, maxIntervals = DEFAULT_MAX_INTERVALS } = options;
  if (!Number.isSafeInteger(forMs) || forMs < 1 || !Number.isSafeInteger(maxIntervals) || maxIntervals < 1) {
    throw new TidemarkError(
      'TM_TOPOLOGY',
      `deduplicate(...): forMs ${forMs} or maxIntervals ${maxIntervals} is not valid`,
      {
        hint: 'Both are whole numbers above zero.',
      },
    );
  }
  return (source) =>
    transform(source, (emit) => {
      const duplicates = new Duplicates(field, forMs * MICROS_PER_MS, maxIntervals, emit);
      return (element) => {
        if (element.kind === 'chunk') return duplicates.onChunk(element);
        if (element.kind === 'shape') return emit(duplicates.shape(element));
        if (element.kind === 'snapshot') element.parts.push(duplicates.seen.snapshot());
        else if (element.kind === 'restore') {
          duplicates.restore(element.parts.shift() as SavedSequences, element.keys);
        }
        emit(element);
      };
    });
}

class Duplicates {
  readonly seen: SeenSequences;
  readonly #field: string;
  #shape: Shape | null = null;
  readonly #forMicros: number;
  readonly #maxIntervals: number;
  readonly #emit: (element: Element) => void;

  constructor(field: string, forMicros: number, maxIntervals: number, emit: (element: Element) => void) {
    this.#field = field;
    this.#forMicros = forMicros;
    this.#maxIntervals = maxIntervals;
    this.#emit = emit;
    this.seen = new SeenSequences(forMicros);
  }

  shape(shape: Shape): Shape {
    const field = shape.schema.fields.find(({ name }) => name === this.#field);
    if ((field?.kind !== 'long' && field?.kind !== 'int') || shape.keyField === null) throw this.#unfit();
    this.#shape = shape;
    return { ...shape, steps: [...shape.steps, `deduplicate ${this.#field} ${this.#forMicros}`] };
  }

  restore(saved: SavedSequences, keys: KeyTable | null): void {
    if (keys === null) throw this.#unfit();
    this.seen.restore(saved, keys);
  }

  onChunk(chunk: Chunk): void {
    const { keys, keyIds, watermarks, timesMicros } = chunk;
    const column = chunk.columns.byName.get(this.#field);
    const shape = this.#shape;
    if (shape === null || keys === null || keyIds === null || watermarks === null) throw this.#unfit();
    if (column?.kind !== 'long' && column?.kind !== 'int') throw this.#unfit();
    const kept = new Int32Array(chunk.columns.length);
    const dropped: number[] = [];
    let count = 0;
    for (let i = 0; i < kept.length; i++) {
      const start = this.seen.startOf(timesMicros[i] as number);
      const isKnown = column.nulls?.[i] !== 1 && start >= this.#horizon(watermarks[i] as number);
      if (isKnown && !this.seen.add(start, keyIds[i] as number, column.values[i] as number, keys)) dropped.push(i);
      else kept[count++] = i;
    }
    this.seen.dropBefore(this.#horizon(chunk.watermarkAfter), keys);
    if (this.seen.size > this.#maxIntervals) throw stateFull('deduplicate', 'maxIntervals', this.#maxIntervals);
    if (dropped.length > 0) this.#emit(duplicatesOf(shape, chunk, keys, keyIds, watermarks, dropped));
    this.#emit(dropped.length === 0 ? chunk : chunkRows(chunk, kept.subarray(0, count)));
  }

  /** Stretches that start before it are forgotten: they ended `forMs` behind the watermark. */
  #horizon(watermark: number): number {
    return watermark - 2 * this.#forMicros;
  }

  #unfit(): TidemarkError {
    return new TidemarkError(
      'TM_TOPOLOGY',
      `deduplicate('${this.#field}') needs a field of whole numbers, a key and a watermark`,
      {
        hint: 'Name a long, and put watermark(...) and keyBy(...) before it.',
      },
    );
  }
}

function duplicatesOf(
  shape: Shape,
  chunk: Chunk,
  keys: KeyTable,
  keyIds: Int32Array,
  watermarks: Float64Array,
  rows: readonly number[],
): Late {
  const { timesMicros, offsets, arrivals } = chunk;
  const topics = topicsOf(shape, chunk, rows);
  const valuesOf = (values: Float64Array) => Float64Array.from(rows, (row) => values[row] as number);
  return {
    kind: 'late',
    count: rows.length,
    keys: rows.map((row) => keys.bytesOf(keyIds[row] as number)),
    timesMicros: valuesOf(timesMicros),
    offsets: valuesOf(offsets),
    arrivals: valuesOf(arrivals),
    watermarks: valuesOf(watermarks),
    intervals: rows.map(() => ''),
    ...(topics === undefined ? {} : { topics }),
    reason: 'duplicate',
    missedAll: new Uint8Array(rows.length).fill(1),
  };
}
