import type { Columns, NumberColumn } from '../../core/columns.ts';
import { gatherDoubles, gatherIds } from '../../core/gather.ts';
import { RowPool } from '../../core/rowPool.ts';
import type { RecordSchema } from '../../core/schema.ts';
import { orderByTime } from '../../core/sortTimes.ts';
import { type Chunk, type Element, NO_WATERMARK, type Progress } from '../elements.ts';
import { ROW } from './carried.ts';

interface Saved {
  readonly current: number;
  readonly byRecords: number;
  readonly watermarks: readonly number[];
  readonly active: readonly boolean[];
  readonly lastArrival: number;
}

/** Records of several chunks, one after another. */
interface Records {
  readonly arrivals: Float64Array;
  readonly timesMicros: Float64Array;
  readonly partitions: Float64Array;
  /** Negative infinity where there is none. */
  readonly watermarks: Float64Array;
  readonly offsets: Float64Array;
  /** In the pool; -1 for a record that is no row. */
  readonly slots: Int32Array;
}

const NO_STEPS: Progress = { arrivals: new Float64Array(0), watermarks: new Float64Array(0) };

/**
 * The downstream side of a boundary: brings the rows of all upstream tasks together in the order in which the task took them
 * in. The watermark is the lowest of those upstream that are active, and moves after the record that raises it.
 */
export class Reading {
  readonly #partitions: number;
  readonly #emit: (element: Element) => void;
  readonly #pool: RowPool;
  #chunks: Chunk[] = [];
  #current = NO_WATERMARK;
  /** Where the records left it: the wall clock may have moved it itself further. */
  #byRecords = NO_WATERMARK;
  #watermarks: number[];
  #active: boolean[];
  #lastArrival = 0;

  constructor(partitions: number, schema: RecordSchema, emit: (element: Element) => void) {
    this.#partitions = partitions;
    this.#emit = emit;
    this.#pool = new RowPool(schema.fields);
    this.#watermarks = new Array<number>(partitions).fill(NO_WATERMARK);
    this.#active = new Array<boolean>(partitions).fill(true);
  }

  take(partition: number, element: Element): void {
    if (element.kind === 'chunk') {
      this.#chunks.push(element);
      return;
    }
    if (element.kind === 'activity') {
      this.#process();
      this.#setActive(partition, element.isActive);
      return;
    }
    // What is pushed into every input goes on once: when it has come on the last.
    if (partition !== this.#partitions - 1) return;
    this.#process();
    if (element.kind === 'wallClock') {
      this.#current = Math.max(this.#current, this.#byRecords + element.quietMicros);
      this.#emit({ ...element, tsMicros: this.#current });
      return;
    }
    if (element.kind === 'barrier') {
      element.watermark = this.#current;
      element.recordWatermark = this.#byRecords;
    } else if (element.kind === 'snapshot') element.parts.push(this.#saved());
    else if (element.kind === 'restore') this.#restore(element.parts.shift() as Saved);
    this.#emit(element);
  }

  #setActive(partition: number, isActive: boolean): void {
    const before = this.#active.some((each) => each);
    this.#active[partition] = isActive;
    if (this.#rises()) {
      const steps = { arrivals: Float64Array.of(this.#lastArrival), watermarks: Float64Array.of(this.#current) };
      this.#emit(this.#chunkOf(this.#recordsOf([]), NO_ROWS, NO_STEPS.watermarks, steps));
    }
    const after = this.#active.some((each) => each);
    if (after !== before) this.#emit({ kind: 'activity', isActive: after });
  }

  #process(): void {
    const chunks = this.#chunks;
    if (chunks.length === 0) return;
    this.#chunks = [];
    const records = this.#recordsOf(chunks);
    const { arrivals, partitions, watermarks, slots } = records;
    const rows: number[] = [];
    const before: number[] = [];
    const steps = { arrivals: [] as number[], watermarks: [] as number[] };
    for (const at of orderByTime(arrivals)) {
      if (slots[at] !== -1) {
        rows.push(at);
        before.push(this.#current);
      }
      this.#lastArrival = arrivals[at] as number;
      this.#raise(partitions[at] as number, watermarks[at] as number);
      if (this.#rises()) {
        steps.arrivals.push(this.#lastArrival);
        steps.watermarks.push(this.#current);
      }
    }
    const progress = {
      arrivals: Float64Array.from(steps.arrivals),
      watermarks: Float64Array.from(steps.watermarks),
    };
    this.#emit(this.#chunkOf(records, Int32Array.from(rows), Float64Array.from(before), progress));
  }

  #recordsOf(chunks: readonly Chunk[]): Records {
    const count = chunks.reduce((sum, { columns }) => sum + columns.length, 0);
    const records: Records = {
      arrivals: new Float64Array(count),
      timesMicros: new Float64Array(count),
      partitions: new Float64Array(count),
      watermarks: new Float64Array(count),
      offsets: new Float64Array(count),
      slots: new Int32Array(count).fill(-1),
    };
    let from = 0;
    for (const { columns, arrivals, timesMicros } of chunks) {
      const { length, byName } = columns;
      const watermark = longs(byName, '_watermark');
      records.arrivals.set(arrivals, from);
      records.timesMicros.set(timesMicros, from);
      records.partitions.set(longs(byName, '_partition').values, from);
      records.offsets.set(longs(byName, '_offset').values, from);
      for (let i = 0; i < length; i++) {
        records.watermarks[from + i] = watermark.nulls?.[i] === 1 ? NO_WATERMARK : (watermark.values[i] as number);
      }
      const rows = rowsAmong(columns);
      this.#pool.put(columns, rows).forEach((slot, i) => {
        records.slots[from + (rows[i] as number)] = slot;
      });
      from += length;
    }
    return records;
  }

  #raise(partition: number, watermark: number): void {
    if (watermark > (this.#watermarks[partition] as number)) this.#watermarks[partition] = watermark;
  }

  /** True when the lowest of the active watermarks is higher than before. */
  #rises(): boolean {
    let lowest = Number.POSITIVE_INFINITY;
    for (let i = 0; i < this.#partitions; i++) {
      if (this.#active[i] === true) lowest = Math.min(lowest, this.#watermarks[i] as number);
    }
    // While all are idle, only what moves one of them moves it.
    if (lowest === Number.POSITIVE_INFINITY) return false;
    this.#byRecords = Math.max(this.#byRecords, lowest);
    if (lowest <= this.#current) return false;
    this.#current = lowest;
    return true;
  }

  #chunkOf(records: Records, rows: Int32Array, watermarks: Float64Array, progress: Progress): Chunk {
    const slots = gatherIds(records.slots, rows);
    const columns = this.#pool.gather(slots);
    for (const slot of slots) this.#pool.free(slot);
    return {
      kind: 'chunk',
      columns,
      offsets: Float64Array.from(rows, (row) => this.#placeOf(records, row)),
      arrivals: gatherDoubles(records.arrivals, rows),
      timesMicros: gatherDoubles(records.timesMicros, rows),
      watermarks,
      watermarkAfter: this.#current,
      progress,
      keys: null,
      keyIds: null,
    };
  }

  /** One number for the upstream partition and the offset there that a row came of. */
  #placeOf({ offsets, partitions }: Records, row: number): number {
    return (offsets[row] as number) * this.#partitions + (partitions[row] as number);
  }

  #saved(): Saved {
    return {
      current: this.#current,
      byRecords: this.#byRecords,
      watermarks: this.#watermarks,
      active: this.#active,
      lastArrival: this.#lastArrival,
    };
  }

  #restore({ current, byRecords, watermarks, active, lastArrival }: Saved): void {
    this.#current = current;
    this.#byRecords = byRecords;
    this.#watermarks = [...watermarks];
    this.#active = [...active];
    this.#lastArrival = lastArrival;
  }
}

const NO_ROWS = new Int32Array(0);

/** The records that are rows. */
function rowsAmong({ length, byName }: Columns): Int32Array {
  const kinds = byName.get('_kind');
  if (kinds?.kind !== 'enum') throw new RangeError('a record of a repartition topic has a kind');
  const rows = new Int32Array(length);
  let count = 0;
  for (let i = 0; i < length; i++) if (kinds.codes[i] === ROW) rows[count++] = i;
  return rows.subarray(0, count);
}

function longs(byName: Columns['byName'], name: string): NumberColumn {
  const column = byName.get(name);
  if (column?.kind !== 'long' && column?.kind !== 'int') throw new RangeError(`there is no column of longs '${name}'`);
  return column;
}
