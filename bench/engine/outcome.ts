/** What a contender put out, in a form that two of them can be compared by. */
export interface Outcome {
  readonly rows: number;
  /** Pairs of a record and a window definition all of whose windows for it had expired. */
  readonly late: number;
  /** The ticks of all rows together. */
  readonly ticks: number;
  /** Sum of the hashes of all rows, independent of their order; of none where rows were only counted. */
  readonly checksum: string;
}

/** Adds up rows. */
export class OutcomeSum {
  late = 0;
  rows = 0;
  ticks = 0;
  #high = 0;
  #low = 0;

  /** Adds the hash of a row: its values in the order of the schema, numbers and decimals as their shortest text. */
  addText(text: string): void {
    let high = 0x811c9dc5;
    let low = 0x9e3779b9;
    for (let i = 0; i < text.length; i++) {
      high = Math.imul(high ^ text.charCodeAt(i), 0x01000193);
      low = Math.imul(low, 31) + text.charCodeAt(i);
    }
    this.#high = (this.#high + high) >>> 0;
    this.#low = (this.#low + low) >>> 0;
  }

  get outcome(): Outcome {
    const { rows, late, ticks } = this;
    return { rows, late, ticks, checksum: `${hex(this.#high)}${hex(this.#low)}` };
  }
}

function hex(word: number): string {
  return word.toString(16).padStart(8, '0');
}
