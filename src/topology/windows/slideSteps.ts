import { DROP, FORGET, SHOW, type Slides, TAKE } from '../../core/slides.ts';

const INITIAL_STEPS = 1024;

/** Gathers what is done to stretches of slots. */
export class SlideSteps {
  #kinds = new Uint8Array(INITIAL_STEPS);
  #stretches = new Int32Array(INITIAL_STEPS);
  #slots = new Int32Array(INITIAL_STEPS);
  #count = 0;
  #shown = 0;

  take(stretch: number, slot: number): void {
    this.#add(TAKE, stretch, slot);
  }

  drop(stretch: number, slot: number): void {
    this.#add(DROP, stretch, slot);
  }

  forget(stretch: number): void {
    this.#add(FORGET, stretch, stretch);
  }

  /** The pane that stands for what the stretch holds now. */
  show(stretch: number): number {
    this.#add(SHOW, stretch, stretch);
    return ~this.#shown++;
  }

  /** The steps since the last time; null where there were none. */
  handOut(): Slides | null {
    const count = this.#count;
    if (count === 0) return null;
    const shown = this.#shown;
    this.#count = 0;
    this.#shown = 0;
    return { count, kinds: this.#kinds, stretches: this.#stretches, slots: this.#slots, shown };
  }

  #add(kind: number, stretch: number, slot: number): void {
    const at = this.#count++;
    if (at === this.#kinds.length) this.#grow();
    this.#kinds[at] = kind;
    this.#stretches[at] = stretch;
    this.#slots[at] = slot;
  }

  #grow(): void {
    const size = this.#kinds.length * 2;
    const [kinds, stretches, slots] = [this.#kinds, this.#stretches, this.#slots];
    this.#kinds = new Uint8Array(size);
    this.#stretches = new Int32Array(size);
    this.#slots = new Int32Array(size);
    this.#kinds.set(kinds);
    this.#stretches.set(stretches);
    this.#slots.set(slots);
  }
}
