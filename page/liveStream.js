// @ts-check
import { requestStream } from './api.js';
import { readEvents } from './eventStream.js';

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 8_000;
/** The API says something at least this often, were it only a comment; else the connection is dead. */
const SILENCE_MS = 45_000;

/**
 * @typedef {object} StreamListeners
 * @property {(data: string) => void} onRow a new or revised bar
 * @property {() => Promise<void>} onStart the stream begins at the present: what came before has to be loaded
 * @property {() => void} onUp
 * @property {(error: unknown) => void} onDown the connection is lost; it is tried again until `close`
 */

/** New and revised bars as they come. A lost connection is made again and goes on after the last event that came. */
export class LiveStream {
  #address;
  #listeners;
  #closed = new AbortController();
  #lastEventId = '';

  /**
   * @param {string} address
   * @param {StreamListeners} listeners
   */
  constructor(address, listeners) {
    this.#address = address;
    this.#listeners = listeners;
    void this.#run();
  }

  close() {
    this.#closed.abort();
  }

  async #run() {
    let waitMs = FIRST_WAIT_MS;
    const onUp = () => {
      waitMs = FIRST_WAIT_MS;
      this.#listeners.onUp();
    };
    while (!this.#closed.signal.aborted) {
      try {
        await this.#read(onUp);
      } catch (error) {
        if (!this.#closed.signal.aborted) this.#listeners.onDown(error);
      }
      await pause(waitMs, this.#closed.signal);
      waitMs = Math.min(2 * waitMs, LONGEST_WAIT_MS);
    }
  }

  /**
   * Reads one connection to its end, which is always an error: the stream has none.
   *
   * @param {() => void} onUp
   */
  async #read(onUp) {
    const connection = new AbortController();
    const close = () => connection.abort(new Error('the stream fell silent'));
    let timer = setTimeout(close, SILENCE_MS);
    const onBytes = () => {
      clearTimeout(timer);
      timer = setTimeout(close, SILENCE_MS);
    };
    const signal = AbortSignal.any([this.#closed.signal, connection.signal]);
    try {
      const body = await requestStream(this.#address, this.#lastEventId, signal);
      // Nothing is missed meanwhile: what comes waits in the connection.
      if (this.#lastEventId === '') await this.#listeners.onStart();
      onUp();
      for await (const { type, data, id } of readEvents(body, onBytes)) {
        if (type === 'reset') await this.#listeners.onStart();
        else if (type === 'bar') this.#listeners.onRow(data);
        this.#lastEventId = id;
      }
      throw new Error('the stream ended');
    } finally {
      clearTimeout(timer);
      connection.abort();
    }
  }
}

/**
 * @param {number} ms
 * @param {AbortSignal} signal ends the pause early
 */
function pause(ms, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve(undefined);
    });
  });
}
