import type { Columns } from '../../core/columns.ts';
import { KeyTable, type SavedKeys } from '../../core/keyTable.ts';
import type { FieldSchema } from '../../core/schema.ts';
import { MICROS_PER_MS } from '../../core/time.ts';
import { TidemarkError } from '../../errors.ts';
import type { Element, Shape, Stream } from '../elements.ts';
import type { Keyed } from '../operators/keyBy.ts';
import { type RowList, restoredRows, type SavedRows, savedRows } from '../operators/waitingRows.ts';
import { JoinLate } from './joinLate.ts';
import { checkSides, JoinSide } from './joinSide.ts';
import { KeptRows } from './keptRows.ts';
import { Pairs } from './pairs.ts';
import { renamed, type Take, type Taken, takenFields } from './taken.ts';
import { type Batch, type TwoInputStep, twoInputs } from './twoInputs.ts';

export interface IntervalJoinOptions<Right, T extends Take<Right>> {
  /** Fields of the right side to add: name in the result -> field of the right side. */
  readonly take: T;
  /** How long before a left row, and how long after it, a right row may be. */
  readonly beforeMs: number;
  readonly afterMs: number;
  /** Most rows of one side that are kept; one more stops the task with TM_STATE_FULL. Default 1,000,000. */
  readonly maxRows?: number;
}

const DEFAULT_MAX_ROWS = 1_000_000;

/**
 * Joins each left row with every right row of its key whose event time is in `[left − beforeMs, left + afterMs]`, both ends
 * included. A pair comes out when the watermark of both sides has passed the later of the two; its event time is the left
 * row's, so the watermark behind the join is `afterMs` lower. A flush hands out the pairs that are there. Late rows of either
 * side go to the late ledger. What is kept: rows that wait for the watermark, and rows for as long as one to come may match.
 *
 * @example
 * intervalJoin(
 *   ticks.pipe(watermark(bounded(1_000)), keyBy('instrument')),
 *   quotes.pipe(watermark(bounded(1_000)), keyBy('instrument')),
 *   { take: { bid: 'bid', quotedAt: 'eventTime' }, beforeMs: 500, afterMs: 500 },
 * )
 * @throws TM_TOPOLOGY for sides without a key, a field that is not there or a name that is taken, and a bound that is none
 */
export function intervalJoin<Left, Right, K extends string, const T extends Take<Right>>(
  left: Stream<Keyed<Left, K>>,
  right: Stream<Right>,
  options: IntervalJoinOptions<Right, T>,
): Stream<Keyed<Left & Taken<Right, T>, K>> {
  const { beforeMs, afterMs, maxRows = DEFAULT_MAX_ROWS } = options;
  const isTime = (ms: number) => Number.isSafeInteger(ms) && ms >= 0;
  if (!isTime(beforeMs) || !isTime(afterMs) || !Number.isSafeInteger(maxRows) || maxRows < 1) {
    const given = `beforeMs ${beforeMs}, afterMs ${afterMs}, maxRows ${maxRows}`;
    throw new TidemarkError('TM_TOPOLOGY', `intervalJoin(...): ${given} are not valid`, {
      hint: 'Times are whole milliseconds, zero or more; maxRows is a whole number above zero.',
    });
  }
  const bounds = { beforeMicros: beforeMs * MICROS_PER_MS, afterMicros: afterMs * MICROS_PER_MS, maxRows };
  return twoInputs(left, right, (emit) => new IntervalJoin(options.take, bounds, emit));
}

interface Bounds {
  readonly beforeMicros: number;
  readonly afterMicros: number;
  readonly maxRows: number;
}

interface SavedSide {
  readonly waiting: SavedRows;
  readonly kept: SavedRows;
}

interface SavedJoin {
  readonly keys: SavedKeys;
  readonly left: SavedSide;
  readonly right: SavedSide;
  readonly sweptAt: number;
}

/** Rows of one side, and how long each may match rows of the other one. */
interface Side {
  readonly join: JoinSide;
  readonly kept: KeptRows;
  /** Slots to free once the pairs that they are in have been emitted. */
  readonly dropped: number[];
  readonly lifeMicros: number;
}

class IntervalJoin implements TwoInputStep {
  readonly keys = new KeyTable();
  readonly #late = new JoinLate('intervalJoin');
  readonly #take: Readonly<Record<string, string>>;
  readonly #bounds: Bounds;
  readonly #emit: (element: Element) => void;
  #left: Side | null = null;
  #right: Side | null = null;
  #sweptAt = Number.NEGATIVE_INFINITY;

  constructor(take: Readonly<Record<string, string>>, bounds: Bounds, emit: (element: Element) => void) {
    this.#take = take;
    this.#bounds = bounds;
    this.#emit = emit;
  }

  shape(left: Shape, right: Shape): Shape {
    checkSides('intervalJoin', left, right);
    const { beforeMicros, afterMicros, maxRows } = this.#bounds;
    const added = takenFields('intervalJoin', left.schema, right.schema, this.#take);
    const taken = new Set(Object.values(this.#take));
    const fields = right.schema.fields.filter(({ name }) => taken.has(name));
    const sideOf = (shape: Shape, kept: readonly FieldSchema[], lifeMicros: number): Side => ({
      join: new JoinSide('intervalJoin', shape, kept, this.keys, maxRows, this.#late),
      kept: new KeptRows(),
      dropped: [],
      lifeMicros,
    });
    this.#left = sideOf(left, left.schema.fields, afterMicros);
    this.#right = sideOf(right, fields, beforeMicros);
    const how = `${beforeMicros} ${afterMicros} ${JSON.stringify(this.#take)}`;
    const schema = { ...left.schema, fields: [...left.schema.fields, ...added] };
    const origins = [...left.origins, ...right.origins];
    return { ...left, schema, origins, steps: [...left.steps, `interval join ${how} (${right.steps.join('; ')})`] };
  }

  process(batch: Batch): void {
    const { steps, watermarkBefore } = batch;
    this.keys.sweep();
    this.#sides.left.join.add(batch.left, batch);
    this.#sides.right.join.add(batch.right, batch);
    const late = this.#late.take();
    if (late !== null) this.#emit(late);
    if (steps.watermarks.length === 0) return;
    const watermark = steps.watermarks.at(-1) as number;
    this.#join(watermark, watermarkBefore).emit(steps, watermarkBefore);
    this.#sweep(watermark);
    this.#freeDropped();
  }

  flush(watermark: number): void {
    this.#join(Number.POSITIVE_INFINITY, watermark).emit(null, watermark);
    this.#freeDropped();
  }

  snapshot(): SavedJoin {
    const { left, right } = this.#sides;
    return { keys: this.keys.snapshot(), left: savedSide(left), right: savedSide(right), sweptAt: this.#sweptAt };
  }

  restore(part: unknown): void {
    const saved = part as SavedJoin;
    const { left, right } = this.#sides;
    this.keys.restore(saved.keys);
    this.#restoreSide(left, saved.left);
    this.#restoreSide(right, saved.right);
    this.#sweptAt = saved.sweptAt;
  }

  get waiting(): number {
    const { left, right } = this.#sides;
    return left.join.rows.length + right.join.rows.length;
  }

  get nextMicros(): number {
    const { left, right } = this.#sides;
    return Math.min(left.join.rows.nextMicros, right.join.rows.nextMicros);
  }

  get #sides(): { readonly left: Side; readonly right: Side } {
    if (this.#left === null || this.#right === null) throw new RangeError('a chunk came before the shape');
    return { left: this.#left, right: this.#right };
  }

  /**
   * Brings the rows up to a time together, in its order (of equal times the right side's first): each meets those of the
   * other side that came out before it.
   */
  #join(upTo: number, watermarkBefore: number): Pairs {
    const { left, right } = this.#sides;
    const ours = left.join.rows.release(upTo);
    const theirs = right.join.rows.release(upTo);
    const pairs = new Pairs(this.keys, this.#bounds.afterMicros, this.#emit, (l, r) => this.#columnsOf(l, r));
    let l = 0;
    let r = 0;
    while (l < ours.slots.length || r < theirs.slots.length) {
      const isRight =
        l >= ours.slots.length ||
        (r < theirs.slots.length && (theirs.timesMicros[r] as number) <= (ours.timesMicros[l] as number));
      if (isRight) this.#meet(right, left, theirs, r++, watermarkBefore, pairs);
      else this.#meet(left, right, ours, l++, watermarkBefore, pairs);
    }
    return pairs;
  }

  /** Pairs a row with the kept rows of the other side, and keeps it. */
  #meet(side: Side, other: Side, rows: RowList, row: number, watermarkBefore: number, pairs: Pairs): void {
    const { beforeMicros, afterMicros } = this.#bounds;
    const isLeft = side === this.#left;
    const keyId = rows.keyIds[row] as number;
    const time = rows.timesMicros[row] as number;
    const slot = rows.slots[row] as number;
    const [earliest, latest] = isLeft
      ? [time - beforeMicros, time + afterMicros]
      : [time - afterMicros, time + beforeMicros];
    for (let met = other.kept.first(keyId); met !== -1; met = other.kept.next(met)) {
      const metTime = other.kept.timeOf(met);
      if (metTime < earliest || metTime > latest) continue;
      const arrival = rows.arrivals[row] as number;
      if (isLeft) pairs.add(slot, met, keyId, time, rows.offsets[row] as number, time, arrival);
      else pairs.add(met, slot, keyId, metTime, other.kept.offsetOf(met), time, arrival);
    }
    side.kept.add(slot, keyId, time, rows.offsets[row] as number);
    this.#drop(other, keyId, watermarkBefore);
  }

  /** Drops rows of a key that no row to come can match: those to come are above the watermark. */
  #drop({ kept, dropped, lifeMicros }: Side, keyId: number, watermark: number): void {
    const before = dropped.length;
    kept.dropUpTo(keyId, watermark - lifeMicros, dropped);
    for (let i = before; i < dropped.length; i++) this.keys.release(keyId);
  }

  #freeDropped(): void {
    for (const { join, dropped } of [this.#sides.left, this.#sides.right]) {
      for (const slot of dropped) join.rows.pool.free(slot);
      dropped.length = 0;
    }
  }

  /** Looks at every key, once in as much event time as rows are kept. */
  #sweep(watermark: number): void {
    const { beforeMicros, afterMicros } = this.#bounds;
    if (watermark - this.#sweptAt <= beforeMicros + afterMicros) return;
    this.#sweptAt = watermark;
    for (const side of [this.#sides.left, this.#sides.right]) {
      for (let keyId = 0; keyId < side.kept.keyCapacity; keyId++) this.#drop(side, keyId, watermark);
    }
  }

  #columnsOf(leftSlots: Int32Array, rightSlots: Int32Array): Columns {
    const { left, right } = this.#sides;
    const columns = left.join.rows.pool.gather(leftSlots);
    const taken = renamed(right.join.rows.pool.gather(rightSlots), this.#take);
    return { length: columns.length, byName: new Map([...columns.byName, ...taken.byName]) };
  }

  #restoreSide({ join, kept }: Side, saved: SavedSide): void {
    join.restore(saved.waiting);
    const { slots, keyIds, timesMicros, offsets } = restoredRows(join.rows.pool, saved.kept);
    for (let i = 0; i < slots.length; i++) {
      this.keys.retain(keyIds[i] as number);
      kept.add(slots[i] as number, keyIds[i] as number, timesMicros[i] as number, offsets[i] as number);
    }
  }
}

function savedSide({ join, kept }: Side): SavedSide {
  const slots: number[] = [];
  const keyIds: number[] = [];
  for (let keyId = 0; keyId < kept.keyCapacity; keyId++) {
    for (let slot = kept.first(keyId); slot !== -1; slot = kept.next(slot)) {
      slots.push(slot);
      keyIds.push(keyId);
    }
  }
  return {
    waiting: join.rows.snapshot(),
    kept: savedRows(join.rows.pool, {
      slots: Int32Array.from(slots),
      timesMicros: Float64Array.from(slots, (slot) => kept.timeOf(slot)),
      offsets: Float64Array.from(slots, (slot) => kept.offsetOf(slot)),
      arrivals: new Float64Array(slots.length),
      keyIds: Int32Array.from(keyIds),
    }),
  };
}
