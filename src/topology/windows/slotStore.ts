import { Int32List } from '../../core/int32List.ts';
import type { KeyTable } from '../../core/keyTable.ts';
import { MOSTLY_USED } from '../../core/slotRecords.ts';
import { type Emitted, FINAL } from './emitted.ts';

const INITIAL_SLOTS = 256;
/** `firedArrivals`: the slot has not fired. */
export const NEVER_FIRED = -1;

const COLUMNS = [
  'starts',
  'ends',
  'firstArrivals',
  'lastArrivals',
  'firedArrivals',
  'revisions',
  'provisional',
] as const;

/** Slots as they are saved: the columns at the slots' own numbers. */
export interface SavedSlots extends Record<(typeof COLUMNS)[number], Float64Array> {
  readonly slots: Int32Array;
  readonly keyIds: Int32Array;
}

/**
 * What is known of each slot, the unit of aggregate state: one key's records in one slice, window or session. Typed
 * arrays with a free list, so memory is bounded by open windows. An array is replaced when it grows: do not keep one
 * over a call of `open`.
 */
export class SlotStore {
  readonly #keys: KeyTable;
  keyIds = new Int32Array(INITIAL_SLOTS);
  /** Inclusive and exclusive bounds in event time. */
  starts = new Float64Array(INITIAL_SLOTS);
  ends = new Float64Array(INITIAL_SLOTS);
  /** Arrival of the first and of the last record that the slot holds. */
  firstArrivals = new Float64Array(INITIAL_SLOTS);
  lastArrivals = new Float64Array(INITIAL_SLOTS);
  /** `lastArrivals` when the slot's window last fired. */
  firedArrivals = new Float64Array(INITIAL_SLOTS);
  /** The revision that its window's next emission has. */
  revisions = new Float64Array(INITIAL_SLOTS);
  /** 1 where its window's last emission was provisional. */
  provisional = new Float64Array(INITIAL_SLOTS);
  /** 1 for slots in use. */
  #isOpen = new Uint8Array(INITIAL_SLOTS);
  /** So many slots have room in every column. */
  #capacity = INITIAL_SLOTS;
  readonly #free = new Int32List();
  readonly #closed = new Int32List();
  #used = 0;

  constructor(keys: KeyTable) {
    this.#keys = keys;
  }

  /** Every slot ever opened is below this. */
  get used(): number {
    return this.#used;
  }

  /** The slots that there is room for. */
  get capacity(): number {
    return this.#capacity;
  }

  open(keyId: number, start: number, end: number, arrival: number): number {
    const slot = this.#free.length > 0 ? this.#free.pop() : this.#used++;
    if (slot >= this.#capacity) this.#grow(this.#capacity * 2);
    this.keyIds[slot] = keyId;
    this.starts[slot] = start;
    this.ends[slot] = end;
    this.firstArrivals[slot] = arrival;
    this.lastArrivals[slot] = arrival;
    this.firedArrivals[slot] = NEVER_FIRED;
    this.revisions[slot] = 0;
    this.provisional[slot] = 0;
    this.#isOpen[slot] = 1;
    this.#keys.retain(keyId);
    return slot;
  }

  /**
   * Makes room for twice the slots once most of them are used, in one column: call it for each chunk. To copy all columns at
   * once would keep the event loop.
   */
  growAhead(): void {
    if (this.#used >= this.#capacity * MOSTLY_USED) this.#growColumn(this.#capacity * 2);
  }

  /** Gives a slot back; it is not used anew before `recycle`. */
  close(slot: number): void {
    this.#keys.release(this.keyIds[slot] as number);
    this.#isOpen[slot] = 0;
    this.#closed.push(slot);
  }

  /** Lets closed slots be used anew: they have been emptied. */
  recycle(): void {
    while (this.#closed.length > 0) this.#free.push(this.#closed.pop());
  }

  isOpen(slot: number): boolean {
    return this.#isOpen[slot] === 1;
  }

  /** Takes note that a record has come into the slot. */
  touch(slot: number, arrival: number): void {
    if (arrival > (this.lastArrivals[slot] as number)) this.lastArrivals[slot] = arrival;
  }

  keyOf(slot: number): Uint8Array {
    return this.#keys.bytesOf(this.keyIds[slot] as number);
  }

  /**
   * Slots in the order of their first records; of those with one arrival, in that of their keys. Never by key ids: these
   * depend on how the stream was cut into chunks.
   */
  byFirstRecord(slots: Iterable<number>): number[] {
    const { firstArrivals } = this;
    return [...slots].sort(
      (a, b) =>
        (firstArrivals[a] as number) - (firstArrivals[b] as number) || Buffer.compare(this.keyOf(a), this.keyOf(b)),
    );
  }

  snapshot(): SavedSlots {
    const slots = Int32Array.from(this.#openSlots());
    const column = (values: Float64Array) => Float64Array.from(slots, (slot) => values[slot] as number);
    return {
      slots,
      keyIds: Int32Array.from(slots, (slot) => this.keyIds[slot] as number),
      starts: column(this.starts),
      ends: column(this.ends),
      firstArrivals: column(this.firstArrivals),
      lastArrivals: column(this.lastArrivals),
      firedArrivals: column(this.firedArrivals),
      revisions: column(this.revisions),
      provisional: column(this.provisional),
    };
  }

  /** Opens the slots of a snapshot, at the same numbers, in a store that is empty. */
  restore(saved: SavedSlots): void {
    this.#used = saved.slots.reduce((used, slot) => Math.max(used, slot + 1), 0);
    let capacity = this.#capacity;
    while (capacity < this.#used) capacity *= 2;
    this.#grow(capacity);
    for (let i = 0; i < saved.slots.length; i++) {
      const slot = saved.slots[i] as number;
      this.#isOpen[slot] = 1;
      this.keyIds[slot] = saved.keyIds[i] as number;
      for (const name of COLUMNS) this[name][slot] = saved[name][i] as number;
      this.#keys.retain(this.keyIds[slot] as number);
    }
    for (let slot = this.#used - 1; slot >= 0; slot--) if (this.#isOpen[slot] === 0) this.#free.push(slot);
  }

  *#openSlots(): Iterable<number> {
    for (let slot = 0; slot < this.#used; slot++) if (this.#isOpen[slot] === 1) yield slot;
  }

  #grow(size: number): void {
    while (this.#growColumn(size));
    this.#capacity = size;
  }

  /** Makes room in a column that has not so much; false where all have. */
  #growColumn(size: number): boolean {
    const name = COLUMNS.find((each) => this[each].length < size);
    if (name !== undefined) {
      const larger = new Float64Array(size);
      larger.set(this[name]);
      this[name] = larger;
      return true;
    }
    if (this.keyIds.length >= size) return false;
    const keyIds = new Int32Array(size);
    keyIds.set(this.keyIds);
    this.keyIds = keyIds;
    const isOpen = new Uint8Array(size);
    isOpen.set(this.#isOpen);
    this.#isOpen = isOpen;
    return true;
  }
}

/**
 * Whether a slot's window has something to emit: contents that it did not hold when it last fired, or, unless they have been
 * emptied, contents that have been emitted as provisional only.
 */
export function mustFire(slots: SlotStore, slot: number, emitted: Emitted, isDiscarding: boolean): boolean {
  if (slots.firedArrivals[slot] !== slots.lastArrivals[slot]) return true;
  return emitted === FINAL && slots.provisional[slot] === 1 && !isDiscarding;
}
