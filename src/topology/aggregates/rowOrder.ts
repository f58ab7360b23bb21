import type { Chunk, Shape } from '../elements.ts';
import { numberColumn } from './spec.ts';

/** A record without a sequence comes before those that have one. */
export const NO_SEQUENCE = Number.NEGATIVE_INFINITY;

/** The order of a chunk's records: by event time, then the venue's sequence, then arrival. */
export class RowOrder {
  timesMicros: Float64Array = new Float64Array(0);
  arrivals: Float64Array = new Float64Array(0);
  /** Null where records have none. */
  sequences: Float64Array | null = null;
  sequenceNulls: Uint8Array | undefined;
  readonly #sequenceField: string | null;

  constructor(input: Shape) {
    this.#sequenceField = input.sequenceField;
  }

  begin(chunk: Chunk): void {
    this.timesMicros = chunk.timesMicros;
    this.arrivals = chunk.arrivals;
    if (this.#sequenceField === null) return;
    const { values, nulls } = numberColumn(chunk, this.#sequenceField);
    this.sequences = values;
    this.sequenceNulls = nulls;
  }

  sequenceAt(row: number): number {
    if (this.sequences === null || this.sequenceNulls?.[row] === 1) return NO_SEQUENCE;
    return this.sequences[row] as number;
  }
}

/** A place in that order as it lies in a slot's record, from some index on. */
export const PLACE_TIME = 0;
export const PLACE_SEQUENCE = 1;
export const PLACE_ARRIVAL = 2;
export const PLACE_WIDTH = 3;

export function setPlace(records: Float64Array, at: number, tsMicros: number, sequence: number, arrival: number): void {
  records[at + PLACE_TIME] = tsMicros;
  records[at + PLACE_SEQUENCE] = sequence;
  records[at + PLACE_ARRIVAL] = arrival;
}

/** Below zero when the given place comes before the one at `at`. */
export function comparePlace(
  records: Float64Array,
  at: number,
  tsMicros: number,
  sequence: number,
  arrival: number,
): number {
  const time = records[at + PLACE_TIME] as number;
  if (tsMicros !== time) return tsMicros < time ? -1 : 1;
  const held = records[at + PLACE_SEQUENCE] as number;
  if (sequence !== held) return sequence < held ? -1 : 1;
  return arrival - (records[at + PLACE_ARRIVAL] as number);
}
