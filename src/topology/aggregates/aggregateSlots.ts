import type { ColumnsBuilder } from '../../core/columnsBuilder.ts';
import type { Assigned, Chunk, Fired, Shape } from '../elements.ts';
import type { AggregateGroup, AggregateState } from './spec.ts';

interface Output {
  readonly group: AggregateGroup;
  readonly output: number;
}

/** The states of all aggregates of one step, by slot. Outputs of one group share its state. */
export class AggregateSlots {
  readonly #states: readonly AggregateState[];
  readonly #outputs: readonly { readonly state: AggregateState; readonly output: number }[];
  #chunk: Chunk | null = null;
  /** A slot above all others, for the merge of a window's panes; always left empty. */
  #scratch = 0;

  constructor(outputs: readonly Output[], input: Shape) {
    const states = new Map<AggregateGroup, AggregateState>();
    for (const { group } of outputs) if (!states.has(group)) states.set(group, group.bind(input));
    this.#states = [...states.values()];
    this.#outputs = outputs.flatMap(({ group, output }) => {
      const state = states.get(group);
      return state === undefined ? [] : [{ state, output }];
    });
  }

  add({ chunk, from, to, slots, slotCapacity }: Assigned): void {
    const isNew = chunk !== this.#chunk;
    this.#chunk = chunk;
    this.#scratch = slotCapacity;
    for (const state of this.#states) {
      state.reserve(slotCapacity + 1);
      if (isNew) state.begin(chunk);
      for (const ofDefinition of slots) state.add(ofDefinition, from, to);
    }
  }

  release(slots: Int32Array): void {
    for (const state of this.#states) for (const slot of slots) state.clear(slot);
  }

  /** Sets the fields from `firstField` on to the results of window `w`. */
  write({ panes, paneEnds }: Fired, w: number, builder: ColumnsBuilder, firstField: number): void {
    const from = w === 0 ? 0 : (paneEnds[w - 1] as number);
    const to = paneEnds[w] as number;
    const isMerged = to - from > 1;
    const slot = isMerged ? this.#scratch : (panes[from] as number);
    if (isMerged) {
      for (const state of this.#states) for (let i = from; i < to; i++) state.merge(panes[i] as number, slot);
    }
    for (let i = 0; i < this.#outputs.length; i++) {
      const { state, output } = this.#outputs[i] as { state: AggregateState; output: number };
      state.write(slot, output, builder, firstField + i);
    }
    if (isMerged) for (const state of this.#states) state.clear(slot);
  }
}
