// @ts-check

/** Rows of the list at once; typing narrows it. */
const MOST_OPTIONS = 50;

/** @typedef {{ symbol: string, note: string }} SymbolEntry a symbol, and what the list shows beside it */

/**
 * The symbol's combobox, after the ARIA pattern: the focus stays in the field, arrows move through the list, Enter
 * takes, Escape leaves.
 */
export class SymbolSearch {
  #input;
  #list;
  #entries;
  #onChoose;
  #chosen = '';
  /** @type {string[]} */
  #shown = [];
  #active = 0;

  /**
   * @param {{ input: HTMLInputElement, list: HTMLElement, entries: () => readonly SymbolEntry[],
   *   onChoose: (symbol: string) => void }} parts
   */
  constructor({ input, list, entries, onChoose }) {
    this.#input = input;
    this.#list = list;
    this.#entries = entries;
    this.#onChoose = onChoose;
    input.addEventListener('focus', () => {
      input.select();
      this.#open('');
    });
    input.addEventListener('input', () => this.#open(input.value));
    input.addEventListener('blur', () => this.#close());
    input.addEventListener('keydown', (event) => this.#key(event));
    // Before the field loses the focus, which closes the list.
    list.addEventListener('pointerdown', (event) => event.preventDefault());
    list.addEventListener('click', (event) => {
      const option = event.target instanceof Element ? event.target.closest('[data-symbol]') : null;
      if (option instanceof HTMLElement && option.dataset.symbol !== undefined) this.#take(option.dataset.symbol);
    });
  }

  /** @param {string} symbol what the field shows while nobody types */
  set chosen(symbol) {
    this.#chosen = symbol;
    if (document.activeElement !== this.#input) this.#input.value = symbol;
  }

  focus() {
    this.#input.focus();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const count = this.#shown.length;
    if (event.key === 'ArrowDown') this.#moveTo((this.#active + 1) % count);
    else if (event.key === 'ArrowUp') this.#moveTo((this.#active + count - 1) % count);
    else if (event.key === 'Home' && event.ctrlKey) this.#moveTo(0);
    else if (event.key === 'End' && event.ctrlKey) this.#moveTo(count - 1);
    else if (event.key === 'Enter') {
      const symbol = this.#shown[this.#active];
      if (symbol !== undefined) this.#take(symbol);
    } else if (event.key === 'Escape') this.#input.blur();
    else return;
    event.preventDefault();
  }

  /** @param {string} symbol */
  #take(symbol) {
    this.#chosen = symbol;
    this.#input.blur();
    this.#onChoose(symbol);
  }

  /** @param {string} typed */
  #open(typed) {
    const wanted = typed.trim().toLowerCase();
    const found = this.#entries()
      .filter(({ symbol }) => symbol.toLowerCase().includes(wanted))
      .slice(0, MOST_OPTIONS);
    this.#shown = found.map(({ symbol }) => symbol);
    this.#list.replaceChildren(...found.map(option));
    if (found.length === 0) this.#list.append(nothingFound(typed));
    this.#list.hidden = false;
    this.#input.setAttribute('aria-expanded', 'true');
    this.#moveTo(Math.max(0, this.#shown.indexOf(this.#chosen)));
  }

  #close() {
    this.#list.hidden = true;
    this.#input.setAttribute('aria-expanded', 'false');
    this.#input.removeAttribute('aria-activedescendant');
    this.#input.value = this.#chosen;
  }

  /** @param {number} index */
  #moveTo(index) {
    if (this.#shown.length === 0) return this.#input.removeAttribute('aria-activedescendant');
    this.#active = index;
    for (const [i, element] of [...this.#list.children].entries()) {
      element.setAttribute('aria-selected', String(i === index));
      if (i !== index) continue;
      this.#input.setAttribute('aria-activedescendant', element.id);
      element.scrollIntoView({ block: 'nearest' });
    }
  }
}

/**
 * @param {SymbolEntry} entry
 * @param {number} i
 */
function option({ symbol, note }, i) {
  const element = document.createElement('div');
  element.id = `symbol-${i}`;
  element.role = 'option';
  element.dataset.symbol = symbol;
  const name = document.createElement('span');
  name.textContent = symbol;
  const beside = document.createElement('span');
  beside.className = 'beside';
  beside.textContent = note;
  element.append(name, beside);
  return element;
}

/** @param {string} typed */
function nothingFound(typed) {
  const element = document.createElement('div');
  element.className = 'none';
  element.textContent = `No symbol has “${typed}” in its name`;
  return element;
}
