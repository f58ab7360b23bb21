import type { Column, Columns, NumberColumn } from '../../core/columns.ts';
import { partitionOf } from '../../core/murmur2.ts';
import { RowPool } from '../../core/rowPool.ts';
import { type Chunk, type Element, NO_WATERMARK, type Shape } from '../elements.ts';
import type { Upstream } from './boundary.ts';
import { CARRIED_KINDS, IDLE, ROW, WATERMARK } from './carried.ts';

/** What is to be written, in order; the row of a record that is none is -1. */
interface Records {
  readonly slots: number[];
  readonly kinds: number[];
  readonly targets: number[];
  readonly offsets: number[];
  readonly watermarks: number[];
}

interface Saved {
  readonly watermark: number;
  readonly told: number;
}

export interface WritingOptions extends Upstream {
  readonly shape: Shape;
  readonly field: string;
  /** The watermark is told to every partition whenever it passes a multiple. */
  readonly watermarkEveryMicros: number;
}

/**
 * The upstream side of a boundary: each row goes to the partition of its new key, with the watermark in force before it. Each time
 * the watermark passes a multiple it is written to all partitions, at the record that did it: so what each partition gets is
 * a function of the records alone, however they were cut into chunks.
 */
export class Writing {
  readonly #options: WritingOptions;
  readonly #pool: RowPool;
  #chunks: Chunk[] = [];
  #watermark = NO_WATERMARK;
  /** The multiple that was told last. */
  #told = NO_WATERMARK;

  constructor(options: WritingOptions) {
    this.#options = options;
    this.#pool = new RowPool(options.shape.schema.fields.map((field) => ({ ...field, nullable: true })));
  }

  take(element: Element): void {
    if (element.kind === 'chunk') {
      // The steps of the watermark may come with a later chunk of what was processed together.
      this.#chunks.push(element);
      return;
    }
    this.#write();
    if (element.kind === 'watermark' || element.kind === 'wallClock') {
      const records = emptyRecords();
      this.#raise(element.tsMicros, records);
      this.#carry(records, null);
    } else if (element.kind === 'snapshot') {
      element.parts.push({ watermark: this.#watermark, told: this.#told } satisfies Saved);
    } else if (element.kind === 'restore') {
      const { watermark, told } = element.parts.shift() as Saved;
      this.#watermark = watermark;
      this.#told = told;
    }
  }

  /** Writes to all partitions that there is nothing more up to these offsets, and the watermark as it is. */
  rest(reached: readonly number[]): void {
    const records = emptyRecords();
    this.#tellAll(IDLE, records);
    this.#carry(records, JSON.stringify(reached));
  }

  #write(): void {
    const chunks = this.#chunks;
    if (chunks.length === 0) return;
    this.#chunks = [];
    const records = emptyRecords();
    const steps = chunks.flatMap(({ progress }) => (progress === undefined ? [] : [progress]));
    const arrivals = steps.flatMap((each) => [...each.arrivals]);
    const watermarks = steps.flatMap((each) => [...each.watermarks]);
    let step = 0;
    for (const chunk of chunks) {
      const all = Int32Array.from({ length: chunk.columns.length }, (_, row) => row);
      const slots = this.#pool.put(chunk.columns, all);
      const targets = this.#targetsOf(chunk.columns);
      for (let row = 0; row < all.length; row++) {
        const arrival = Math.floor(chunk.arrivals[row] as number);
        while (step < arrivals.length && (arrivals[step] as number) < arrival) {
          this.#raise(watermarks[step++] as number, records);
        }
        const watermark = (chunk.watermarks as Float64Array)[row] as number;
        add(records, slots[row] as number, ROW, targets[row] as number, chunk.offsets[row] as number, watermark);
      }
    }
    while (step < arrivals.length) this.#raise(watermarks[step++] as number, records);
    this.#carry(records, null);
    for (const slot of records.slots) if (slot !== -1) this.#pool.free(slot);
  }

  #targetsOf({ length, byName }: Columns): Int32Array {
    const { field, partitions } = this.#options;
    const column = byName.get(field);
    if (column?.kind !== 'string') throw new RangeError(`there is no column of texts '${field}'`);
    const { bytes, offsets } = column;
    return Int32Array.from({ length }, (_, row) =>
      partitionOf(bytes, offsets[row] as number, offsets[row + 1] as number, partitions),
    );
  }

  #raise(watermark: number, records: Records): void {
    if (watermark <= this.#watermark) return;
    this.#watermark = watermark;
    const multiple = Math.floor((watermark + 1) / this.#options.watermarkEveryMicros);
    if (multiple <= this.#told) return;
    this.#told = multiple;
    this.#tellAll(WATERMARK, records);
  }

  #tellAll(kind: number, records: Records): void {
    for (let target = 0; target < this.#options.partitions; target++) {
      add(records, -1, kind, target, Number.NaN, this.#watermark);
    }
  }

  #carry(records: Records, reached: string | null): void {
    const { slots, kinds, targets, offsets, watermarks } = records;
    const length = slots.length;
    if (length === 0) return;
    const texts = new TextEncoder().encode(reached ?? '');
    const own: readonly (readonly [string, Column])[] = [
      ['_kind', { kind: 'enum', codes: Int32Array.from(kinds), symbols: CARRIED_KINDS }],
      ['_partition', { kind: 'int', values: new Float64Array(length).fill(this.#options.partition) }],
      ['_offset', nullableLongs(offsets)],
      ['_watermark', nullableLongs(watermarks)],
      [
        '_reached',
        {
          kind: 'string',
          bytes: repeated(texts, length),
          offsets: Int32Array.from({ length: length + 1 }, (_, i) => i * texts.length),
          nulls: new Uint8Array(length).fill(reached === null ? 1 : 0),
        },
      ],
    ];
    const { byName } = this.#pool.gather(Int32Array.from(slots));
    const columns: Columns = { length, byName: new Map([...byName, ...own]) };
    this.#options.carry({ columns, targets: Int32Array.from(targets) });
  }
}

function emptyRecords(): Records {
  return { slots: [], kinds: [], targets: [], offsets: [], watermarks: [] };
}

function add(records: Records, slot: number, kind: number, target: number, offset: number, watermark: number): void {
  records.slots.push(slot);
  records.kinds.push(kind);
  records.targets.push(target);
  records.offsets.push(offset);
  records.watermarks.push(watermark);
}

/** Longs of which those that are no number are null. */
function nullableLongs(numbers: readonly number[]): NumberColumn {
  const values = Float64Array.from(numbers, (value) => (Number.isFinite(value) ? value : 0));
  const nulls = Uint8Array.from(numbers, (value) => (Number.isFinite(value) ? 0 : 1));
  return { kind: 'long', values, nulls };
}

function repeated(bytes: Uint8Array, times: number): Uint8Array {
  const out = new Uint8Array(bytes.length * times);
  for (let i = 0; i < times; i++) out.set(bytes, i * bytes.length);
  return out;
}
