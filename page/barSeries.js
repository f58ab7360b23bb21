// @ts-check
// The bars of one symbol and interval that the page holds, by start, each at its newest revision.

/**
 * @typedef {object} Bar
 * @property {number} startMs inclusive, epoch milliseconds
 * @property {number} open
 * @property {number} high
 * @property {number} low
 * @property {number} close
 * @property {number | null} volume null where a source does not say it
 * @property {number | null} vwap
 * @property {number} count
 * @property {number} revision
 */

/**
 * @typedef {object} Change
 * @property {boolean} structural whether bars came in between or went: what shows them must take all of them again
 * @property {Bar[]} bars the bars that are new or revised, by start
 */

/** More than a screen can hold; the oldest go first. */
const MOST_BARS = 20_000;

export class BarSeries {
  /** @type {Bar[]} */
  #bars = [];

  /** @returns {readonly Bar[]} by start */
  get bars() {
    return this.#bars;
  }

  /** @returns {Bar | undefined} */
  get last() {
    return this.#bars.at(-1);
  }

  /**
   * Takes bars in, in any order and however often: of one start the newest stays. That has the highest revision, and of an hour or a
   * day that is made of published minutes the most of them.
   *
   * @param {Iterable<Bar>} incoming
   * @returns {Change}
   */
  merge(incoming) {
    /** @type {Map<number, Bar>} */
    const changed = new Map();
    let structural = false;
    for (const bar of incoming) {
      const at = this.#lowerBound(bar.startMs);
      const held = this.#bars[at];
      if (held?.startMs === bar.startMs) {
        if (!isNewer(bar, held)) continue;
        this.#bars[at] = bar;
      } else {
        structural ||= at < this.#bars.length;
        this.#bars.splice(at, 0, bar);
      }
      changed.set(bar.startMs, bar);
    }
    if (this.#bars.length > MOST_BARS) {
      this.#bars.splice(0, this.#bars.length - MOST_BARS);
      structural = true;
    }
    return { structural, bars: [...changed.values()].sort((a, b) => a.startMs - b.startMs) };
  }

  /** @param {number} startMs */
  at(startMs) {
    const bar = this.#bars[this.#lowerBound(startMs)];
    return bar?.startMs === startMs ? bar : undefined;
  }

  /** @param {number} startMs */
  #lowerBound(startMs) {
    let low = 0;
    let high = this.#bars.length;
    // Nearly always the newest bar, or one after it.
    if (high > 0 && /** @type {Bar} */ (this.#bars[high - 1]).startMs < startMs) return high;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (/** @type {Bar} */ (this.#bars[middle]).startMs < startMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/**
 * @param {Bar} bar
 * @param {Bar} held
 */
function isNewer(bar, held) {
  return bar.revision > held.revision || (bar.revision === held.revision && bar.count > held.count);
}
