import { KeyTable, type SavedKeys } from '../../core/keyTable.ts';
import { MICROS_PER_MS } from '../../core/time.ts';
import { TidemarkError } from '../../errors.ts';
import type { Element, Shape, Stream } from '../elements.ts';
import type { Keyed } from '../operators/keyBy.ts';
import { markReleased, type ReleaseMarks } from '../operators/release.ts';
import { type RowList, restoredRows, type SavedRows, savedRows } from '../operators/waitingRows.ts';
import { JoinLate } from './joinLate.ts';
import { checkSides, JoinSide } from './joinSide.ts';
import { renamed, type Take, type Taken, takenFields } from './taken.ts';
import { type Batch, type TwoInputStep, twoInputs } from './twoInputs.ts';

export interface AsOfJoinOptions<Right, T extends Take<Right>> {
  /** Fields of the right side to add: name in the result -> field of the right side. */
  readonly take: T;
  /** A right row that is older than this at the left row's event time is no longer in force. */
  readonly maxAgeMs: number;
  /** Most rows of one side that are kept; one more stops the task with TM_STATE_FULL. Default 1,000,000. */
  readonly maxRows?: number;
}

type Nullable<T> = { readonly [K in keyof T]: T[K] | null };

const DEFAULT_MAX_ROWS = 1_000_000;

/**
 * Joins each left row with the right row of its key that is in force at its event time: the latest at or before it (of equal
 * times the one that arrived last), unless older than `maxAgeMs`; then the taken fields are null. Rows come out in the order of
 * event time, when the watermark of both sides has passed them; a flush hands out what waits. Late rows of either side go to
 * the late ledger. What is kept: rows that wait for the watermark, and one right row a key for `maxAgeMs`.
 *
 * @example
 * asOfJoin(
 *   ticks.pipe(watermark(bounded(1_000)), keyBy('instrument')),
 *   quotes.pipe(watermark(bounded(1_000)), keyBy('instrument')),
 *   { take: { bid: 'bid', ask: 'ask' }, maxAgeMs: 60_000 },
 * )
 * @throws TM_TOPOLOGY for sides without a key, a field that is not there or a name that is taken, and a bound that is none
 */
export function asOfJoin<Left, Right, K extends string, const T extends Take<Right>>(
  left: Stream<Keyed<Left, K>>,
  right: Stream<Right>,
  options: AsOfJoinOptions<Right, T>,
): Stream<Keyed<Left & Nullable<Taken<Right, T>>, K>> {
  const { maxAgeMs, maxRows = DEFAULT_MAX_ROWS } = options;
  if (!Number.isSafeInteger(maxAgeMs) || maxAgeMs < 0 || !Number.isSafeInteger(maxRows) || maxRows < 1) {
    throw new TidemarkError('TM_TOPOLOGY', `asOfJoin(...): maxAgeMs ${maxAgeMs} or maxRows ${maxRows} is not valid`, {
      hint: 'maxAgeMs is a whole number of milliseconds, zero or more; maxRows is a whole number above zero.',
    });
  }
  return twoInputs(left, right, (emit) => new AsOfJoin(options.take, maxAgeMs * MICROS_PER_MS, maxRows, emit));
}

interface SavedJoin {
  readonly keys: SavedKeys;
  readonly left: SavedRows;
  readonly right: SavedRows;
  readonly inForce: SavedRows;
  readonly sweptAt: number;
}

class AsOfJoin implements TwoInputStep {
  readonly keys = new KeyTable();
  readonly #late = new JoinLate('asOfJoin');
  readonly #take: Readonly<Record<string, string>>;
  readonly #maxAgeMicros: number;
  readonly #maxRows: number;
  readonly #emit: (element: Element) => void;
  /** Of the left side. */
  #keyField = '';
  #left: JoinSide | null = null;
  #right: JoinSide | null = null;
  /** By key id: the slot of the right row in force, or -1, and its event time. */
  #slots = new Int32Array(0);
  #times = new Float64Array(0);
  #sweptAt = Number.NEGATIVE_INFINITY;

  constructor(
    take: Readonly<Record<string, string>>,
    maxAgeMicros: number,
    maxRows: number,
    emit: (element: Element) => void,
  ) {
    this.#take = take;
    this.#maxAgeMicros = maxAgeMicros;
    this.#maxRows = maxRows;
    this.#emit = emit;
  }

  shape(left: Shape, right: Shape): Shape {
    checkSides('asOfJoin', left, right);
    const added = takenFields('asOfJoin', left.schema, right.schema, this.#take).map((f) => ({ ...f, nullable: true }));
    const taken = new Set(Object.values(this.#take));
    const kept = right.schema.fields.filter(({ name }) => taken.has(name)).map((f) => ({ ...f, nullable: true }));
    // The keys are known besides: they need not be kept with each row.
    const others = left.schema.fields.filter(({ name }) => name !== left.keyField);
    this.#keyField = left.keyField as string;
    this.#left = new JoinSide('asOfJoin', left, others, this.keys, this.#maxRows, this.#late);
    this.#right = new JoinSide('asOfJoin', right, kept, this.keys, this.#maxRows, this.#late);
    const step = `as-of join ${this.#maxAgeMicros} ${JSON.stringify(this.#take)} (${right.steps.join('; ')})`;
    const schema = { ...left.schema, fields: [...left.schema.fields, ...added] };
    const origins = [...left.origins, ...right.origins];
    return { ...left, schema, origins, steps: [...left.steps, step] };
  }

  process(batch: Batch): void {
    const { left, right, steps, watermarkBefore } = batch;
    this.keys.sweep();
    this.#sides.left.add(left, batch);
    this.#sides.right.add(right, batch);
    const late = this.#late.take();
    if (late !== null) this.#emit(late);
    if (steps.watermarks.length === 0) return;
    const watermark = steps.watermarks.at(-1) as number;
    this.#join(watermark, watermark, (released) => ({
      ...markReleased(released.timesMicros, steps, watermarkBefore),
      progress: steps,
    }));
    this.#sweep(watermark);
  }

  /** What waits is joined with what has come so far; the watermark stays. */
  flush(watermark: number): void {
    this.#join(Number.POSITIVE_INFINITY, watermark, ({ arrivals }) => ({
      watermarks: new Float64Array(arrivals.length).fill(watermark),
      arrivals,
    }));
  }

  snapshot(): SavedJoin {
    const { left, right } = this.#sides;
    const keyIds = Int32Array.from(this.#slots.keys()).filter((id) => this.#slots[id] !== -1);
    const none = new Float64Array(keyIds.length);
    return {
      keys: this.keys.snapshot(),
      left: left.rows.snapshot(),
      right: right.rows.snapshot(),
      inForce: savedRows(right.rows.pool, {
        slots: Int32Array.from(keyIds, (id) => this.#slots[id] as number),
        timesMicros: Float64Array.from(keyIds, (id) => this.#times[id] as number),
        offsets: none,
        arrivals: none,
        keyIds,
      }),
      sweptAt: this.#sweptAt,
    };
  }

  restore(part: unknown): void {
    const saved = part as SavedJoin;
    const { left, right } = this.#sides;
    this.keys.restore(saved.keys);
    left.restore(saved.left);
    right.restore(saved.right);
    const { slots, timesMicros, keyIds } = restoredRows(right.rows.pool, saved.inForce);
    this.#reserve();
    keyIds.forEach((id, i) => {
      this.keys.retain(id);
      this.#slots[id] = slots[i] as number;
      this.#times[id] = timesMicros[i] as number;
    });
    this.#sweptAt = saved.sweptAt;
  }

  get waiting(): number {
    const { left, right } = this.#sides;
    return left.rows.length + right.rows.length;
  }

  get nextMicros(): number {
    const { left, right } = this.#sides;
    return Math.min(left.rows.nextMicros, right.rows.nextMicros);
  }

  get #sides(): { readonly left: JoinSide; readonly right: JoinSide } {
    if (this.#left === null || this.#right === null) throw new RangeError('a chunk came before the shape');
    return { left: this.#left, right: this.#right };
  }

  /** Joins the rows up to a time, in its order: of equal times the right side's first, so that they are in force. */
  #join(
    upTo: number,
    watermarkAfter: number,
    marksOf: (released: RowList) => ReleaseMarks & Pick<Extract<Element, { kind: 'chunk' }>, 'progress'>,
  ): void {
    const { left, right } = this.#sides;
    const ours = left.rows.release(upTo);
    const theirs = right.rows.release(upTo);
    this.#reserve();
    const joined = new Int32Array(ours.slots.length);
    const superseded: number[] = [];
    let next = 0;
    for (let i = 0; i < joined.length; i++) {
      const time = ours.timesMicros[i] as number;
      while (next < theirs.slots.length && (theirs.timesMicros[next] as number) <= time) {
        this.#putInForce(theirs, next++, superseded);
      }
      joined[i] = this.#inForce(ours.keyIds[i] as number, time);
    }
    while (next < theirs.slots.length) this.#putInForce(theirs, next++, superseded);
    const { watermarks, arrivals, progress } = marksOf(ours);
    const columns = left.rows.pool.gather(ours.slots);
    const key = this.keys.column(ours.keyIds);
    const taken = renamed(right.rows.pool.gather(joined), this.#take);
    this.#emit({
      kind: 'chunk',
      columns: { length: columns.length, byName: new Map([[this.#keyField, key], ...columns.byName, ...taken.byName]) },
      offsets: ours.offsets,
      arrivals,
      timesMicros: ours.timesMicros,
      watermarks,
      watermarkAfter,
      ...(progress === undefined ? {} : { progress }),
      keys: this.keys,
      keyIds: ours.keyIds,
    });
    left.free(ours);
    for (const slot of superseded) right.rows.pool.free(slot);
  }

  #putInForce(rows: RowList, row: number, superseded: number[]): void {
    const id = rows.keyIds[row] as number;
    const before = this.#slots[id] as number;
    const slot = rows.slots[row] as number;
    // After a flush a row may come that is older than the one in force.
    const isOlder = before !== -1 && (this.#times[id] as number) > (rows.timesMicros[row] as number);
    if (before !== -1) this.keys.release(id);
    if (isOlder) {
      superseded.push(slot);
      return;
    }
    if (before !== -1) superseded.push(before);
    this.#slots[id] = slot;
    this.#times[id] = rows.timesMicros[row] as number;
  }

  #inForce(id: number, time: number): number {
    const slot = this.#slots[id] as number;
    const age = time - (this.#times[id] as number);
    return slot !== -1 && age >= 0 && age <= this.#maxAgeMicros ? slot : -1;
  }

  /** Drops rows that can be in force no more; once in every `maxAgeMs` of event time, since it looks at every key. */
  #sweep(watermark: number): void {
    if (watermark - this.#sweptAt <= this.#maxAgeMicros) return;
    this.#sweptAt = watermark;
    for (let id = 0; id < this.#slots.length; id++) {
      const slot = this.#slots[id] as number;
      if (slot === -1 || (this.#times[id] as number) + this.#maxAgeMicros > watermark) continue;
      this.#slots[id] = -1;
      this.#sides.right.rows.pool.free(slot);
      this.keys.release(id);
    }
  }

  /** Makes room for every key id there is. */
  #reserve(): void {
    if (this.keys.capacity <= this.#slots.length) return;
    const capacity = Math.max(this.keys.capacity, this.#slots.length * 2);
    const slots = new Int32Array(capacity).fill(-1);
    slots.set(this.#slots);
    this.#slots = slots;
    const times = new Float64Array(capacity);
    times.set(this.#times);
    this.#times = times;
  }
}
