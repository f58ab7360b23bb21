import { gatherDoubles, gatherIds } from '../../core/gather.ts';
import type { KeyTable } from '../../core/keyTable.ts';
import type { FieldSchema } from '../../core/schema.ts';
import { TidemarkError } from '../../errors.ts';
import { type Chunk, type Element, NO_WATERMARK, noteWaiting, type Operator, type Progress } from '../elements.ts';
import { keptColumns, keptFields, ofKept } from '../sources.ts';
import { transform } from '../transform.ts';
import { markReleased, sortLate } from './release.ts';
import { stateFull } from './stateFull.ts';
import { type RowList, type SavedRows, WaitingRows } from './waitingRows.ts';

export interface ReorderOptions {
  /** Most rows that wait; one more stops the task with TM_STATE_FULL. Default 1,000,000. */
  readonly maxRows?: number;
}

const DEFAULT_MAX_ROWS = 1_000_000;

/**
 * Puts rows in the order of event time: each waits until the watermark has reached it; equal times stay in the order of
 * arrival. Late rows do not wait: windows with allowed lateness take them. A flush lets all go that wait.
 *
 * @example ticks.pipe(watermark(bounded(1_000)), reorder())
 * @throws TM_TOPOLOGY without a watermark before it, or for a bound that is none
 */
export function reorder<Row>({ maxRows = DEFAULT_MAX_ROWS }: ReorderOptions = {}): Operator<Row, Row> {
  if (!Number.isSafeInteger(maxRows) || maxRows < 1) {
    throw new TidemarkError('TM_TOPOLOGY', `reorder(...): maxRows ${maxRows} is not valid`, {
      hint: 'maxRows is a whole number above zero.',
    });
  }
  return (source) =>
    transform(source, (emit) => {
      let rows: Reordering | null = null;
      return (element) => {
        if (element.kind === 'shape') {
          rows = new Reordering(keptFields(element), maxRows, emit);
          emit({ ...element, steps: [...element.steps, 'reorder'] });
        } else if (element.kind === 'chunk') {
          rows?.onChunk(element);
        } else if (element.kind === 'explain') {
          emit({ ...element, waiting: element.waiting + (rows?.waiting ?? 0) });
        } else {
          rows?.onOther(element);
          emit(element);
        }
      };
    });
}

interface SavedReordering {
  readonly waiting: SavedRows;
  readonly watermark: number;
  readonly lastArrival: number;
}

class Reordering {
  readonly #waiting: WaitingRows;
  readonly #maxRows: number;
  readonly #emit: (element: Element) => void;
  #keys: KeyTable | null = null;
  #watermark = NO_WATERMARK;
  #lastArrival = 0;

  constructor(fields: readonly FieldSchema[], maxRows: number, emit: (element: Element) => void) {
    this.#waiting = new WaitingRows(fields);
    this.#maxRows = maxRows;
    this.#emit = emit;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  onChunk(chunk: Chunk): void {
    const { progress, timesMicros, offsets, arrivals } = chunk;
    if (progress === undefined) {
      throw new TidemarkError('TM_TOPOLOGY', 'reorder(...) needs a watermark', {
        hint: 'Put watermark(...) before it.',
      });
    }
    this.#keys = chunk.keys;
    const before = this.#watermark;
    const { inTime, late, lateWatermarks } = sortLate(chunk, progress, before);
    const keyIds = chunk.keyIds ?? new Int32Array(timesMicros.length).fill(-1);
    const listed = (rows: Int32Array) => ({
      timesMicros: gatherDoubles(timesMicros, rows),
      offsets: gatherDoubles(offsets, rows),
      arrivals: gatherDoubles(arrivals, rows),
      keyIds: gatherIds(keyIds, rows),
    });
    for (const row of inTime) this.#keys?.retain(keyIds[row] as number);
    const columns = keptColumns(chunk);
    this.#waiting.add(columns, inTime, listed(inTime));
    if (this.#waiting.pool.size > this.#maxRows) throw stateFull('reorder', 'maxRows', this.#maxRows);
    this.#watermark = chunk.watermarkAfter;
    this.#lastArrival = progress.arrivals.at(-1) ?? this.#lastArrival;
    const lateRows = { ...listed(late), slots: this.#waiting.pool.put(columns, late) };
    this.#release(this.#watermark, progress, before, lateRows, lateWatermarks);
  }

  onOther(element: Element): void {
    const isWatermark = element.kind === 'watermark' || element.kind === 'wallClock';
    if (isWatermark && element.tsMicros > this.#watermark) {
      const before = this.#watermark;
      this.#watermark = element.tsMicros;
      const steps = {
        arrivals: Float64Array.of(this.#lastArrival),
        watermarks: Float64Array.of(this.#watermark),
      };
      this.#release(this.#watermark, steps, before);
    } else if (element.kind === 'barrier') {
      noteWaiting(element, this.#waiting.nextMicros);
    } else if (element.kind === 'flush') {
      this.#release(Number.POSITIVE_INFINITY, null, this.#watermark);
    } else if (element.kind === 'snapshot') {
      const part: SavedReordering = {
        waiting: this.#waiting.snapshot(),
        watermark: this.#watermark,
        lastArrival: this.#lastArrival,
      };
      element.parts.push(part);
    } else if (element.kind === 'restore') {
      const { waiting, watermark, lastArrival } = element.parts.shift() as SavedReordering;
      this.#keys = element.keys;
      for (const keyId of this.#waiting.restore(waiting).keyIds) this.#keys?.retain(keyId);
      this.#watermark = watermark;
      this.#lastArrival = lastArrival;
    }
  }

  /** @param steps null for a flush: the watermark stays */
  #release(
    upTo: number,
    steps: Progress | null,
    before: number,
    late: RowList | null = null,
    lateWatermarks: Float64Array = new Float64Array(0),
  ): void {
    const released = this.#waiting.release(upTo);
    const marks =
      steps === null
        ? { watermarks: new Float64Array(released.slots.length).fill(before), arrivals: released.arrivals }
        : markReleased(released.timesMicros, steps, before);
    const list = { ...released, arrivals: marks.arrivals };
    const lists = late === null ? [list] : [list, late];
    const order = interleaved(list, late);
    const columnOf = (pick: (rows: RowList) => Float64Array) => pickEach(order, lists.map(pick));
    const slots = pickEach(
      order,
      lists.map((rows) => rows.slots),
    );
    const keyIds = pickEach(
      order,
      lists.map((rows) => rows.keyIds),
    );
    this.#emit({
      kind: 'chunk',
      ...ofKept(this.#waiting.pool.gather(Int32Array.from(slots))),
      offsets: columnOf((rows) => rows.offsets),
      arrivals: columnOf((rows) => rows.arrivals),
      timesMicros: columnOf((rows) => rows.timesMicros),
      watermarks: pickEach(order, [marks.watermarks, lateWatermarks]),
      watermarkAfter: this.#watermark,
      ...(steps === null ? {} : { progress: steps }),
      keys: this.#keys,
      keyIds: this.#keys === null ? null : Int32Array.from(keyIds),
    });
    for (const rows of lists) this.#waiting.free(rows);
    for (const keyId of released.keyIds) if (keyId !== -1) this.#keys?.release(keyId);
  }
}

/** Which rows come out, as indexes into the first list and, from its length on, the second: late rows as they came. */
function interleaved(released: RowList, late: RowList | null): Int32Array {
  const first = released.slots.length;
  const second = late?.slots.length ?? 0;
  const order = new Int32Array(first + second);
  let i = 0;
  let j = 0;
  for (let at = 0; at < order.length; at++) {
    const isLate = i >= first || (j < second && (late?.arrivals[j] as number) <= (released.arrivals[i] as number));
    order[at] = isLate ? first + j++ : i++;
  }
  return order;
}

function pickEach(order: Int32Array, lists: readonly (Float64Array | Int32Array)[]): Float64Array {
  const first = lists[0] as Float64Array;
  const second = lists[1] ?? first;
  return Float64Array.from(order, (at) => (at < first.length ? first[at] : second[at - first.length]) as number);
}
