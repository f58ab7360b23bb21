// @ts-check

/** Keys 1 to 9 choose. */
const MOST_KEYS = 9;

/** The intervals as a radio group: one stop for Tab, arrows move and choose. */
export class IntervalSwitch {
  #group;
  #onChoose;
  /** @type {readonly string[]} */
  #intervals = [];
  #chosen = '';

  /**
   * @param {HTMLElement} group
   * @param {(interval: string) => void} onChoose
   */
  constructor(group, onChoose) {
    this.#group = group;
    this.#onChoose = onChoose;
    group.addEventListener('click', (event) => {
      const button = event.target instanceof Element ? event.target.closest('button') : null;
      if (button?.dataset.interval !== undefined) this.#choose(button.dataset.interval);
    });
    group.addEventListener('keydown', (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (step === undefined) return;
      event.preventDefault();
      const count = this.#intervals.length;
      const next = this.#intervals[(this.#intervals.indexOf(this.#chosen) + step + count) % count];
      if (next === undefined) return;
      this.#choose(next);
      this.#buttonOf(next)?.focus();
    });
  }

  /**
   * @param {readonly string[]} intervals
   * @param {string} chosen
   */
  show(intervals, chosen) {
    if (intervals.join() !== this.#intervals.join()) {
      this.#intervals = intervals;
      this.#group.replaceChildren(...intervals.map(intervalButton));
    }
    this.#chosen = chosen;
    for (const interval of intervals) {
      const button = this.#buttonOf(interval);
      button?.setAttribute('aria-checked', String(interval === chosen));
      button?.setAttribute('tabindex', interval === chosen ? '0' : '-1');
    }
  }

  /** @param {string} key one that was pressed anywhere @returns whether it was one of the switch's */
  press(key) {
    const interval = /^[1-9]$/.test(key) ? this.#intervals[Number(key) - 1] : undefined;
    if (interval !== undefined) this.#choose(interval);
    return interval !== undefined;
  }

  /** @param {string} interval */
  #choose(interval) {
    if (interval !== this.#chosen) this.#onChoose(interval);
  }

  /** @param {string} interval */
  #buttonOf(interval) {
    return [...this.#group.querySelectorAll('button')].find((button) => button.dataset.interval === interval);
  }
}

/**
 * @param {string} interval
 * @param {number} i
 */
function intervalButton(interval, i) {
  const button = document.createElement('button');
  button.type = 'button';
  button.role = 'radio';
  button.dataset.interval = interval;
  button.textContent = interval;
  if (i < MOST_KEYS) button.setAttribute('aria-keyshortcuts', String(i + 1));
  return button;
}
