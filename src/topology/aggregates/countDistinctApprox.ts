import type { NumberColumn } from '../../core/columns.ts';
import { addToRegisters, estimate, mergeRegisters, type Registers } from '../../core/hyperLogLog.ts';
import { CodedState } from './codedState.ts';
import { type Aggregate, type AnyField, fieldOf } from './spec.ts';

class DistinctSketchState extends CodedState {
  readonly #sketches: (Registers | undefined)[] = [];

  protected addCode(slot: number, code: number): void {
    if (Number.isNaN(code)) return;
    this.#sketches[slot] = addToRegisters(this.#sketches[slot] ?? new Map(), this.codes.bytes(code));
  }

  merge(from: Int32Array, into: Int32Array): void {
    for (let i = 0; i < from.length; i++) {
      const source = this.#sketches[from[i] as number];
      const target = into[i] as number;
      if (source !== undefined) this.#sketches[target] = mergeRegisters(this.#sketches[target] ?? new Map(), source);
    }
  }

  clear(slots: Int32Array): void {
    for (const slot of slots) this.#sketches[slot] = undefined;
  }

  snapshot(slots: Int32Array): readonly (Registers | undefined)[] {
    return Array.from(slots, (slot) => copyOf(this.#sketches[slot]));
  }

  restore(slots: Int32Array, saved: ReturnType<DistinctSketchState['snapshot']>): void {
    slots.forEach((slot, index) => {
      this.#sketches[slot] = copyOf(saved[index]);
    });
  }

  results(_output: number, slots: Int32Array): NumberColumn {
    return { kind: 'long', values: Float64Array.from(slots, (slot) => estimate(this.#sketches[slot] ?? new Map())) };
  }
}

function copyOf(registers: Registers | undefined): Registers | undefined {
  return registers instanceof Map ? new Map(registers) : registers?.slice();
}

/**
 * About how many different values a field of any kind has, with a standard error of 0.81%, in at most 16 KiB for each window
 * and key (HyperLogLog). Nulls do not count. However records were split and merged, the result is the same.
 *
 * @example aggregate({ sizes: countDistinctApprox('size') })
 */
export function countDistinctApprox<const F extends string>(field: F): Aggregate<AnyField<F>, number> {
  return {
    group: { bind: (input) => new DistinctSketchState(input, field) },
    output: 0,
    label: `countDistinctApprox ${field}`,
    field: (input) => {
      fieldOf(input, field);
      return { kind: 'long', nullable: false };
    },
    merge: null,
  };
}
