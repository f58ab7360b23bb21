import type { KeyTable } from '../../core/keyTable.ts';
import type { Fired } from '../elements.ts';

/** Gathers windows to emit, in order, and hands them out in elements of at most `maxWindows`. */
export class Firings {
  readonly #maxWindows: number;
  readonly #emit: (fired: Fired) => void;
  #keys: KeyTable | null = null;
  #definition: number[] = [];
  #starts: number[] = [];
  #ends: number[] = [];
  #revisions: number[] = [];
  #keyIds: number[] = [];
  #panes: number[] = [];
  #paneEnds: number[] = [];

  constructor(maxWindows: number, emit: (fired: Fired) => void) {
    this.#maxWindows = maxWindows;
    this.#emit = emit;
  }

  /** Where the windows' key ids are resolved. */
  useKeys(keys: KeyTable): void {
    this.#keys = keys;
  }

  /** A pane of the window that the next `add` completes. */
  addPane(slot: number): void {
    this.#panes.push(slot);
  }

  add(definition: number, startMicros: number, endMicros: number, revision: number, keyId: number): void {
    this.#definition.push(definition);
    this.#starts.push(startMicros);
    this.#ends.push(endMicros);
    this.#revisions.push(revision);
    this.#keyIds.push(keyId);
    this.#paneEnds.push(this.#panes.length);
    if (this.#starts.length >= this.#maxWindows) this.handOut();
  }

  handOut(): void {
    if (this.#keys === null || this.#starts.length === 0) return;
    const fired: Fired = {
      kind: 'fired',
      count: this.#starts.length,
      definition: Int32Array.from(this.#definition),
      startMicros: Float64Array.from(this.#starts),
      endMicros: Float64Array.from(this.#ends),
      revisions: Float64Array.from(this.#revisions),
      keyIds: Int32Array.from(this.#keyIds),
      panes: Int32Array.from(this.#panes),
      paneEnds: Int32Array.from(this.#paneEnds),
      keys: this.#keys,
    };
    for (const list of [this.#definition, this.#starts, this.#ends, this.#revisions, this.#keyIds]) list.length = 0;
    this.#panes.length = 0;
    this.#paneEnds.length = 0;
    this.#emit(fired);
  }
}
