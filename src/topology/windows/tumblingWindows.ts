import type { KeyTable } from '../../core/keyTable.ts';
import { startAtOrBefore, type WindowDefinition } from './definition.ts';
import type { Firings } from './firings.ts';
import { EXPIRED, type KeyedWindows } from './keyedWindows.ts';
import { MinHeap } from './minHeap.ts';
import { SlotIndex } from './slotIndex.ts';
import type { SlotStore } from './slotStore.ts';

const NEVER_FIRED = -1;

/** Tumbling windows: one slot for each key and window. All keys of a window form a bucket, in the order they came. */
export class TumblingWindows implements KeyedWindows {
  readonly sizeMicros: number;
  refirePending = false;
  readonly #definition: WindowDefinition;
  readonly #ordinal: number;
  readonly #latenessMicros: number;
  readonly #slots: SlotStore;
  readonly #keys: KeyTable;
  readonly #index = new SlotIndex();
  readonly #buckets = new Map<number, number[]>();
  /** Starts of the windows that have not completed, and of all that are kept. */
  readonly #closing = new MinHeap();
  readonly #kept = new MinHeap();
  #revisions = new Float64Array(256);
  /** `lastOffsets` of the slot when it last fired. */
  #firedOffsets = new Float64Array(256);
  #lastSlot = -1;
  #lastStart = 0;

  constructor(definition: WindowDefinition, ordinal: number, latenessMicros: number, slots: SlotStore, keys: KeyTable) {
    this.sizeMicros = definition.sizeMicros;
    this.#definition = definition;
    this.#ordinal = ordinal;
    this.#latenessMicros = latenessMicros;
    this.#slots = slots;
    this.#keys = keys;
  }

  get nextClosing(): number {
    return this.#closing.lowest + this.sizeMicros - 1;
  }

  assign(keyId: number, tsMicros: number, watermark: number, offset: number): number {
    const start = startAtOrBefore(this.#definition, tsMicros);
    const lastInstant = start + this.sizeMicros - 1;
    const complete = watermark >= lastInstant;
    this.refirePending = complete;
    if (complete && watermark >= lastInstant + this.#latenessMicros) {
      this.refirePending = false;
      return EXPIRED;
    }
    let slot = this.#index.get(keyId, start);
    if (slot < 0) slot = this.#open(keyId, start, complete, watermark, offset);
    this.#slots.lastOffsets[slot] = offset;
    this.#lastSlot = slot;
    this.#lastStart = start;
    return slot;
  }

  refire(firings: Firings): number {
    this.#fire(this.#lastSlot, this.#lastStart, firings);
    this.refirePending = false;
    return 1;
  }

  fireClosing(firings: Firings): void {
    this.flush(this.#closing.pop(), firings);
  }

  starts(): Iterable<number> {
    return this.#buckets.keys();
  }

  flush(startMicros: number, firings: Firings): void {
    for (const slot of this.#buckets.get(startMicros) ?? []) {
      if (this.#firedOffsets[slot] !== this.#slots.lastOffsets[slot]) this.#fire(slot, startMicros, firings);
    }
  }

  expire(watermark: number, released: number[]): void {
    while (watermark >= this.#kept.lowest + this.sizeMicros - 1 + this.#latenessMicros) {
      const start = this.#kept.pop();
      for (const slot of this.#buckets.get(start) ?? []) {
        const keyId = this.#slots.keyIds[slot] as number;
        this.#index.delete(keyId, start);
        this.#keys.release(keyId);
        this.#slots.close(slot);
        released.push(slot);
      }
      this.#buckets.delete(start);
    }
  }

  #open(keyId: number, start: number, complete: boolean, watermark: number, offset: number): number {
    const slot = this.#slots.open(keyId, offset, watermark);
    if (slot >= this.#revisions.length) this.#grow(slot);
    this.#revisions[slot] = 0;
    this.#firedOffsets[slot] = NEVER_FIRED;
    this.#index.set(keyId, start, slot);
    this.#keys.retain(keyId);
    const bucket = this.#buckets.get(start);
    if (bucket !== undefined) {
      bucket.push(slot);
    } else {
      this.#buckets.set(start, [slot]);
      this.#kept.push(start);
      if (!complete) this.#closing.push(start);
    }
    return slot;
  }

  #fire(slot: number, start: number, firings: Firings): void {
    firings.addPane(slot);
    const revision = this.#revisions[slot] as number;
    firings.add(this.#ordinal, start, start + this.sizeMicros, revision, this.#slots.keyIds[slot] as number);
    this.#revisions[slot] = revision + 1;
    this.#firedOffsets[slot] = this.#slots.lastOffsets[slot] as number;
  }

  #grow(slot: number): void {
    const size = Math.max(slot + 1, this.#revisions.length * 2);
    const revisions = new Float64Array(size);
    revisions.set(this.#revisions);
    this.#revisions = revisions;
    const firedOffsets = new Float64Array(size);
    firedOffsets.set(this.#firedOffsets);
    this.#firedOffsets = firedOffsets;
  }
}
