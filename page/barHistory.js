// @ts-check
import { fetchBars } from './api.js';
import { BarSeries } from './barSeries.js';

/** @import { SymbolInterval } from './api.js' */
/** @import { Bar, Change } from './barSeries.js' */

/** Windows of the first request: a few screens. */
const WINDOWS_AT_FIRST = 1_500;
/** A range that brought less than this is widened: ticks are few there. */
const ENOUGH_BARS = 300;
const WIDER = 4;
const DAY_MS = 86_400_000;

/** The bars of one symbol and interval, loaded from the newest back as far as they are wanted. */
export class BarHistory {
  #series = new BarSeries();
  #symbol;
  #interval;
  #firstMs;
  /** Everything from here on is loaded. */
  #fromMs;
  #spanMs;
  #isLoading = false;

  /**
   * @param {string} symbol
   * @param {SymbolInterval} interval
   */
  constructor(symbol, { interval, firstMs, lastMs }) {
    this.#symbol = symbol;
    this.#interval = interval;
    this.#firstMs = firstMs;
    this.#spanMs = WINDOWS_AT_FIRST * intervalMs(interval);
    this.#fromMs = lastMs;
  }

  /** @returns {readonly Bar[]} by start */
  get bars() {
    return this.#series.bars;
  }

  /** @param {number} startMs */
  at(startMs) {
    return this.#series.at(startMs);
  }

  /** @param {Iterable<Bar>} bars that came live */
  merge(bars) {
    return this.#series.merge(bars);
  }

  /** Loads what is stored of the range that was loaded before, and after it. */
  async refresh() {
    return this.#series.merge(await fetchBars(this.#symbol, this.#interval, { fromMs: this.#fromMs }));
  }

  /**
   * Loads older bars.
   *
   * @returns {Promise<Change | null>} null where there are none, or they are being loaded
   */
  async loadOlder() {
    if (this.#isLoading || this.#fromMs <= this.#firstMs) return null;
    this.#isLoading = true;
    try {
      const toMs = this.#fromMs;
      const fromMs = Math.max(toMs - this.#spanMs, this.#firstMs);
      const bars = await fetchBars(this.#symbol, this.#interval, { fromMs, toMs });
      this.#fromMs = fromMs;
      if (bars.length < ENOUGH_BARS) this.#spanMs *= WIDER;
      return this.#series.merge(bars);
    } finally {
      this.#isLoading = false;
    }
  }

  /** Loads the newest bars, enough for a screen where there are as many. */
  async loadNewest() {
    await this.refresh();
    while (this.bars.length < ENOUGH_BARS && (await this.loadOlder()) !== null);
  }
}

/** @param {string} interval such as `1m` */
function intervalMs(interval) {
  const [, count = '1', unit = 'm'] = /^(\d+)(ms|mo|s|m|h|d|w)/.exec(interval) ?? [];
  const days = /** @type {Record<string, number>} */ ({ d: 1, w: 7, mo: 30 });
  const units = /** @type {Record<string, number>} */ ({ ms: 1, s: 1_000, m: 60_000, h: 3_600_000 });
  return Number(count) * (units[unit] ?? (days[unit] ?? 0) * DAY_MS);
}
