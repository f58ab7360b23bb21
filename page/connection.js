// @ts-check
import { RequestError } from './api.js';
import { element } from './elements.js';
import { formatTime } from './format.js';

const UNAUTHORIZED = 401;

/** What the page gets its data through; each can fail by itself. */
/** @typedef {'stream' | 'requests'} Line */

/** Whether the API answers, as the banner and the light at the top show it. */
export class Connection {
  /** @type {Map<Line, string>} */
  #failures = new Map();
  #hasStream = false;
  #lastMs = 0;
  #asksForKey = false;

  /** @param {Line} line */
  up(line) {
    this.#failures.delete(line);
    if (line === 'stream') this.#hasStream = true;
    this.#lastMs = Date.now();
    this.#asksForKey = false;
    this.#show();
  }

  /**
   * @param {Line} line
   * @param {unknown} error
   */
  down(line, error) {
    this.#failures.set(line, reasonOf(error));
    if (line === 'stream') this.#hasStream = false;
    this.#asksForKey = error instanceof RequestError && error.status === UNAUTHORIZED;
    this.#show();
  }

  #show() {
    const [reason] = this.#failures.values();
    const live = element('live');
    live.dataset.state = reason !== undefined ? 'down' : this.#hasStream ? 'live' : 'connecting';
    const words = { down: 'Disconnected', live: 'Live', connecting: 'Connecting' }[live.dataset.state] ?? '';
    if (live.textContent !== words) live.textContent = words;
    element('key').hidden = !this.#asksForKey;
    const banner = element('banner');
    banner.hidden = reason === undefined;
    const since = this.#lastMs === 0 ? '' : ` What you see is of ${formatTime(this.#lastMs, 'seconds')} UTC.`;
    const text = reason === undefined ? '' : `${reason}${since} Trying again.`;
    if (banner.textContent !== text) banner.textContent = text;
  }
}

/** @param {unknown} error */
function reasonOf(error) {
  if (error instanceof RequestError && error.status !== 0) return `The API answers with an error: ${error.message}.`;
  return 'The API does not answer.';
}
