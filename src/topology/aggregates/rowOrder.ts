import type { Chunk, Shape } from '../elements.ts';
import { numberColumn } from './spec.ts';

/** A record without a sequence comes before those that have one. */
const NO_SEQUENCE = Number.NEGATIVE_INFINITY;

/** The order of a chunk's records: by event time, then the venue's sequence, then arrival (offset). */
export class RowOrder {
  timesMicros = new Float64Array(0);
  sequences = new Float64Array(0);
  offsets = new Float64Array(0);
  readonly #sequenceField: string | null;

  constructor(input: Shape) {
    this.#sequenceField = input.sequenceField;
  }

  begin(chunk: Chunk): void {
    this.timesMicros = chunk.timesMicros as Float64Array<ArrayBuffer>;
    this.offsets = chunk.arrivals as Float64Array<ArrayBuffer>;
    if (this.sequences.length < chunk.offsets.length) this.sequences = new Float64Array(chunk.offsets.length);
    if (this.#sequenceField === null) {
      this.sequences.fill(NO_SEQUENCE);
      return;
    }
    const { values, nulls } = numberColumn(chunk, this.#sequenceField);
    for (let i = 0; i < values.length; i++) {
      this.sequences[i] = nulls?.[i] === 1 ? NO_SEQUENCE : (values[i] as number);
    }
  }
}

/** A place in that order, one a slot. */
export class Places {
  timesMicros = new Float64Array(0);
  sequences = new Float64Array(0);
  offsets = new Float64Array(0);

  reserve(capacity: number): void {
    if (this.offsets.length >= capacity) return;
    for (const name of ['timesMicros', 'sequences', 'offsets'] as const) {
      const larger = new Float64Array(capacity);
      larger.set(this[name]);
      this[name] = larger;
    }
  }

  set(slot: number, tsMicros: number, sequence: number, offset: number): void {
    this.timesMicros[slot] = tsMicros;
    this.sequences[slot] = sequence;
    this.offsets[slot] = offset;
  }

  /** Below zero when the given place comes before the slot's. */
  compare(slot: number, tsMicros: number, sequence: number, offset: number): number {
    const time = this.timesMicros[slot] as number;
    if (tsMicros !== time) return tsMicros < time ? -1 : 1;
    const held = this.sequences[slot] as number;
    if (sequence !== held) return sequence < held ? -1 : 1;
    return offset - (this.offsets[slot] as number);
  }

  /** The slot's sequence, or null when the record had none. */
  sequence(slot: number): number | null {
    const sequence = this.sequences[slot] as number;
    return sequence === NO_SEQUENCE ? null : sequence;
  }
}
