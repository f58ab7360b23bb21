import { Int32List } from '../../core/int32List.ts';
import type { KeyTable } from '../../core/keyTable.ts';
import type { Element } from '../elements.ts';
import { type Emitted, FINAL, PROVISIONAL, RETRACTION } from './emitted.ts';
import { SlideSteps } from './slideSteps.ts';
import type { SlotStore } from './slotStore.ts';

/**
 * Most windows that one emitted element carries, and most windows or slots that are worked on between two breaks: what so many
 * hold, and their results, stays in the cache of a core.
 */
export const MAX_WINDOWS_PER_ELEMENT = 1024;

/**
 * Gathers what is to be done with slots over many records, and hands it out in few elements: slots to merge, stretches to move
 * on, windows to emit, slots to empty, in this order. So no slot may be merged into, added to or used anew after a window of it has been
 * gathered, before that is handed out: windows are gathered when they are complete, and a record that goes into a
 * complete one is preceded by `handOut`.
 */
export class Firings {
  readonly #emit: (element: Element) => void;
  readonly #keys: KeyTable;
  readonly #slots: SlotStore;
  readonly #definition = new Int32Array(MAX_WINDOWS_PER_ELEMENT);
  readonly #starts = new Float64Array(MAX_WINDOWS_PER_ELEMENT);
  readonly #ends = new Float64Array(MAX_WINDOWS_PER_ELEMENT);
  readonly #revisions = new Float64Array(MAX_WINDOWS_PER_ELEMENT);
  readonly #keyIds = new Int32Array(MAX_WINDOWS_PER_ELEMENT);
  readonly #final = new Uint8Array(MAX_WINDOWS_PER_ELEMENT);
  readonly #deleted = new Uint8Array(MAX_WINDOWS_PER_ELEMENT);
  readonly #paneEnds = new Int32Array(MAX_WINDOWS_PER_ELEMENT);
  readonly #afterArrivals = new Float64Array(MAX_WINDOWS_PER_ELEMENT);
  readonly #panes = new Int32List();
  readonly #mergeFrom = new Int32List();
  readonly #mergeInto = new Int32List();
  readonly #emptied = new Int32List();
  /** What is done to stretches. A window may have one pane that a stretch shows. */
  readonly slides = new SlideSteps();
  #count = 0;
  #budget = MAX_WINDOWS_PER_ELEMENT;
  /** Arrival of the record that windows added now come out after. */
  afterArrival = Number.NaN;

  constructor(keys: KeyTable, slots: SlotStore, emit: (element: Element) => void) {
    this.#keys = keys;
    this.#slots = slots;
    this.#emit = emit;
  }

  /** Counts a unit of work. True once a break is due, so that others get their turn. */
  spend(): boolean {
    return --this.#budget < 0;
  }

  /** After a break. */
  renewBudget(): void {
    this.#budget = MAX_WINDOWS_PER_ELEMENT;
  }

  /** A slot of the window that the next `add` completes. */
  addPane(slot: number): void {
    this.#panes.push(slot);
  }

  add(
    definition: number,
    startMicros: number,
    endMicros: number,
    revision: number,
    keyId: number,
    emission: Emitted = FINAL,
  ): void {
    const at = this.#count++;
    this.#definition[at] = definition;
    this.#starts[at] = startMicros;
    this.#ends[at] = endMicros;
    this.#revisions[at] = revision;
    this.#keyIds[at] = keyId;
    this.#final[at] = emission === PROVISIONAL ? 0 : 1;
    this.#deleted[at] = emission === RETRACTION ? 1 : 0;
    this.#paneEnds[at] = this.#panes.length;
    this.#afterArrivals[at] = this.afterArrival;
    if (this.#count === MAX_WINDOWS_PER_ELEMENT) this.handOut();
  }

  /** Emits the window of one slot, with its next revision. */
  addSlot(definition: number, slot: number, emission: Emitted = FINAL): void {
    const slots = this.#slots;
    const revision = slots.revisions[slot] as number;
    slots.revisions[slot] = revision + 1;
    slots.firedArrivals[slot] = slots.lastArrivals[slot] as number;
    slots.provisional[slot] = emission === PROVISIONAL ? 1 : 0;
    this.addPane(slot);
    const start = slots.starts[slot] as number;
    this.add(definition, start, slots.ends[slot] as number, revision, slots.keyIds[slot] as number, emission);
  }

  /** Adds what one slot holds to another. */
  merge(from: number, into: number): void {
    this.#mergeFrom.push(from);
    this.#mergeInto.push(into);
  }

  /** Forgets what a slot holds. */
  empty(slot: number): void {
    this.#emptied.push(slot);
  }

  /** Gives a slot back, and forgets what it holds. */
  close(slot: number): void {
    this.#slots.close(slot);
    this.#emptied.push(slot);
  }

  handOut(): void {
    this.#handOutMerges();
    const slides = this.slides.handOut();
    if (slides !== null) this.#emit({ kind: 'slid', ...slides });
    this.#handOutWindows();
    this.#handOutEmptied();
  }

  #handOutMerges(): void {
    if (this.#mergeFrom.length === 0) return;
    const from = this.#mergeFrom.take();
    const into = this.#mergeInto.take();
    this.#emit({ kind: 'merged', from, into });
  }

  #handOutWindows(): void {
    const count = this.#count;
    if (count === 0) return;
    this.#count = 0;
    this.#emit({
      kind: 'fired',
      count,
      afterArrivals: this.#afterArrivals.slice(0, count),
      definition: this.#definition.slice(0, count),
      startMicros: this.#starts.slice(0, count),
      endMicros: this.#ends.slice(0, count),
      revisions: this.#revisions.slice(0, count),
      final: this.#final.slice(0, count),
      deleted: this.#deleted.slice(0, count),
      keyIds: this.#keyIds.slice(0, count),
      panes: this.#panes.take(),
      paneEnds: this.#paneEnds.slice(0, count),
      keys: this.#keys,
    });
  }

  #handOutEmptied(): void {
    if (this.#emptied.length === 0) return;
    this.#emit({ kind: 'released', slots: this.#emptied.take() });
    this.#slots.recycle();
  }
}
