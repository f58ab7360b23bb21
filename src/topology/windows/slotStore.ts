/**
 * What is known of each slot: the unit of aggregate state, one key's records in one tumbling window or one pane. Typed
 * arrays with a free list, so memory is bounded by open windows.
 */
export class SlotStore {
  keyIds = new Int32Array(256);
  /** Offset of the first and of the last record that the slot holds. */
  firstOffsets = new Float64Array(256);
  lastOffsets = new Float64Array(256);
  /** The watermark in force before the slot's first record. */
  firstWatermarks = new Float64Array(256);
  readonly #open: number[] = [];
  readonly #positions: number[] = [];
  readonly #free: number[] = [];
  #used = 0;

  /** Slots in use now. */
  get openCount(): number {
    return this.#open.length;
  }

  /** Every slot ever opened is below this. */
  get capacity(): number {
    return this.keyIds.length;
  }

  open(keyId: number, offset: number, watermark: number): number {
    const slot = this.#free.pop() ?? this.#used++;
    if (slot >= this.keyIds.length) this.#grow();
    this.keyIds[slot] = keyId;
    this.firstOffsets[slot] = offset;
    this.lastOffsets[slot] = offset;
    this.firstWatermarks[slot] = watermark;
    this.#positions[slot] = this.#open.length;
    this.#open.push(slot);
    return slot;
  }

  close(slot: number): void {
    const position = this.#positions[slot] as number;
    const last = this.#open.pop() as number;
    if (last !== slot) {
      this.#open[position] = last;
      this.#positions[last] = position;
    }
    this.#free.push(slot);
  }

  /** The open slot whose first record is the oldest, or -1. */
  oldest(): number {
    let oldest = -1;
    let lowest = Number.POSITIVE_INFINITY;
    for (const slot of this.#open) {
      const offset = this.firstOffsets[slot] as number;
      if (offset < lowest) {
        lowest = offset;
        oldest = slot;
      }
    }
    return oldest;
  }

  #grow(): void {
    const size = this.keyIds.length * 2;
    const keyIds = new Int32Array(size);
    keyIds.set(this.keyIds);
    this.keyIds = keyIds;
    this.firstOffsets = grown(this.firstOffsets, size);
    this.lastOffsets = grown(this.lastOffsets, size);
    this.firstWatermarks = grown(this.firstWatermarks, size);
  }
}

function grown(values: Float64Array, size: number): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(size);
  larger.set(values);
  return larger;
}
