// @ts-check
import { fetchSymbols, parseBar, streamAddress } from './api.js';
import { BarHistory } from './barHistory.js';
import { LiveStream } from './liveStream.js';

/** @import { Bar, Change } from './barSeries.js' */

/**
 * @typedef {object} ViewListeners
 * @property {(bars: readonly Bar[]) => void} onLoaded all bars afresh
 * @property {(bars: readonly Bar[], change: Change) => void} onChange
 * @property {() => void} onUp
 * @property {(error: unknown) => void} onDown
 */

/** One symbol and interval: what is stored of it, and what comes live, as one series. */
export class BarView {
  #symbol;
  #interval;
  #listeners;
  #stream;
  /** @type {BarHistory | null} */
  #history = null;
  /** @type {Bar[]} bars that came since the last frame */
  #incoming = [];
  #frame = 0;

  /**
   * @param {string} symbol
   * @param {string} interval
   * @param {ViewListeners} listeners
   */
  constructor(symbol, interval, listeners) {
    this.#symbol = symbol;
    this.#interval = interval;
    this.#listeners = listeners;
    this.#stream = new LiveStream(streamAddress(symbol, interval), {
      onStart: () => this.#load(),
      onRow: (data) => this.#take(parseBar(data)),
      onUp: listeners.onUp,
      onDown: listeners.onDown,
    });
  }

  close() {
    this.#stream.close();
    cancelAnimationFrame(this.#frame);
  }

  /** @param {number} startMs */
  at(startMs) {
    return this.#history?.at(startMs);
  }

  async loadOlder() {
    const change = await this.#history?.loadOlder();
    if (change) this.#show(change);
  }

  async #load() {
    const summary = (await fetchSymbols()).find(({ symbol }) => symbol === this.#symbol);
    const interval = summary?.intervals.find((own) => own.interval === this.#interval);
    if (interval === undefined) throw new Error(`there are no bars of ${this.#symbol} at ${this.#interval}`);
    const history = new BarHistory(this.#symbol, interval);
    await history.loadNewest();
    this.#history = history;
    this.#listeners.onLoaded(history.bars);
  }

  /** @param {Bar | null} bar */
  #take(bar) {
    if (bar === null) return;
    this.#incoming.push(bar);
    if (this.#incoming.length > 1) return;
    this.#frame = requestAnimationFrame(() => {
      const bars = this.#incoming;
      this.#incoming = [];
      if (this.#history !== null) this.#show(this.#history.merge(bars));
    });
  }

  /** @param {Change} change */
  #show(change) {
    if (this.#history !== null && change.bars.length > 0) this.#listeners.onChange(this.#history.bars, change);
  }
}
