// @ts-check
import { fetchLate, fetchPipeline, fetchSymbols, LATE_SHOWN, useKey } from './api.js';
import { BarView } from './barView.js';
import { BarChart } from './chart.js';
import { Connection } from './connection.js';
import { element } from './elements.js';
import { formatCount, formatDate } from './format.js';
import { describeChart, showInstrument, showLast, showLegend } from './heading.js';
import { IntervalSwitch } from './intervalSwitch.js';
import { poll } from './poll.js';
import { SymbolSearch } from './symbolSearch.js';
import { showBars, showLate, showPipeline } from './tables.js';
import { themeSwitch } from './theme.js';

/** @import { SymbolSummary } from './api.js' */
/** @import { Bar } from './barSeries.js' */

const SYMBOLS_EVERY_MS = 5_000;
const PIPELINE_EVERY_MS = 1_000;
const LATE_EVERY_MS = 3_000;
const INTERVAL_AT_FIRST = '1m';

const connection = new Connection();
/** @type {readonly SymbolSummary[]} */
let symbols = [];
/** @type {{ symbol: string, interval: string }} */
let chosen = fromAddress();
/** @type {BarView | null} */
let view = null;
/** @type {readonly Bar[]} */
let bars = [];
/** Start of the bar under the cursor. @type {number | null} */
let cursorMs = null;

const chart = new BarChart(element('chart'), {
  onCursor: (startMs) => {
    cursorMs = startMs;
    showLegend(barOfLegend(), style());
  },
  onView: () => showLast(bars.at(-1), chart.inView, chart.decimals),
  onNearOldest: () => void attempt(async () => view?.loadOlder()),
});
const search = new SymbolSearch({
  input: /** @type {HTMLInputElement} */ (element('symbol')),
  list: element('symbols'),
  entries: () =>
    symbols.map(({ symbol, intervals }) => ({ symbol, note: intervals.map(({ interval }) => interval).join(' ') })),
  onChoose: (symbol) => choose(symbol, chosen.interval),
});
const intervals = new IntervalSwitch(element('intervals'), (interval) => choose(chosen.symbol, interval));
const toggleTheme = themeSwitch(/** @type {HTMLButtonElement} */ (element('theme')), () => chart.recolour());

document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target instanceof HTMLInputElement) return;
  if (event.key === '/') search.focus();
  else if (event.key === 't' || event.key === 'T') toggleTheme();
  else if (!intervals.press(event.key)) return;
  event.preventDefault();
});
element('key').addEventListener('submit', (event) => {
  event.preventDefault();
  useKey(/** @type {HTMLInputElement} */ (element('key-text')).value);
  location.reload();
});
addEventListener('hashchange', () => {
  const { symbol, interval } = fromAddress();
  if (symbol !== chosen.symbol || interval !== chosen.interval) choose(symbol, interval);
});
// What is drawn, read back from the chart itself: for whoever checks the page, and for a look from the console.
Object.assign(globalThis, { tidemark: { drawn: () => chart.drawn() } });

poll(SYMBOLS_EVERY_MS, () =>
  attempt(async () => {
    symbols = await fetchSymbols();
    showEmpty(symbols.length === 0 ? 'No bars are stored yet: they appear here as soon as there are some.' : null);
    const summary = symbols.find(({ symbol }) => symbol === chosen.symbol);
    if (view === null && symbols.length > 0) choose(chosen.symbol, chosen.interval);
    else if (summary !== undefined) intervals.show(intervalNames(summary), chosen.interval);
  }),
);
poll(PIPELINE_EVERY_MS, () =>
  attempt(async () => {
    const { tasks, unstored } = await fetchPipeline();
    showPipeline(element('pipeline'), tasks);
    element('pipeline-note').textContent = `${formatCount(unstored)} results to store`;
  }),
);
poll(LATE_EVERY_MS, () => attempt(showLateOfSymbol));

/**
 * Shows another symbol or interval; what does not exist falls back to what does.
 *
 * @param {string} symbol
 * @param {string} interval
 */
function choose(symbol, interval) {
  const summary = symbols.find((known) => known.symbol === symbol) ?? symbols[0];
  if (summary === undefined) return;
  const names = intervalNames(summary);
  const kept = [interval, INTERVAL_AT_FIRST].find((name) => names.includes(name)) ?? names[0] ?? INTERVAL_AT_FIRST;
  chosen = { symbol: summary.symbol, interval: kept };
  history.replaceState(null, '', `#${chosen.symbol}/${chosen.interval}`);
  search.chosen = chosen.symbol;
  intervals.show(names, chosen.interval);
  showInstrument(chosen.symbol);
  showNothingYet();
  view?.close();
  view = new BarView(chosen.symbol, chosen.interval, {
    onLoaded: (loaded) => {
      bars = loaded;
      cursorMs = null;
      chart.show(bars, { seconds: chosen.interval.endsWith('s') });
      Object.assign(element('chart').dataset, { state: 'ready', ...chosen });
      showNumbers();
    },
    onChange: (all, change) => {
      bars = all;
      chart.update(bars, change);
      showNumbers();
    },
    onUp: () => connection.up('stream'),
    onDown: (error) => connection.down('stream', error),
  });
  void attempt(showLateOfSymbol);
}

/** @param {SymbolSummary} summary */
function intervalNames({ intervals: own }) {
  return own.map(({ interval }) => interval);
}

function fromAddress() {
  const [symbol = '', interval = INTERVAL_AT_FIRST] = decodeURIComponent(location.hash.slice(1)).split('/');
  return { symbol, interval };
}

/** Until the bars chosen now are there, no number of the ones before may stand beside their name. */
function showNothingYet() {
  element('chart').dataset.state = 'loading';
  bars = [];
  cursorMs = null;
  showLast(undefined, [], chart.decimals);
  showLegend(undefined, style());
  for (const id of ['bars', 'late']) element(id).replaceChildren();
  for (const id of ['bars-note', 'revised-note', 'late-note']) element(id).textContent = '';
}

/** What goes with every change of the bars. */
function showNumbers() {
  showLast(bars.at(-1), chart.inView, chart.decimals);
  showLegend(barOfLegend(), style());
  showBars(element('bars'), bars, style());
  const revised = bars.filter(({ revision }) => revision > 0).length;
  element('bars-note').textContent = `${formatCount(bars.length)} loaded${revised === 0 ? ', none revised' : ''}`;
  element('revised-note').textContent = revised === 0 ? '' : `${formatCount(revised)} revised`;
  describeChart(element('chart'), chosen, bars, chart.decimals);
}

async function showLateOfSymbol() {
  const { symbol } = chosen;
  if (symbol === '') return;
  const records = await fetchLate(symbol);
  if (symbol !== chosen.symbol) return;
  showLate(element('late'), records);
  const [newest] = records;
  const count = records.length < LATE_SHOWN ? `${records.length}` : `${LATE_SHOWN} and more`;
  element('late-note').textContent = newest === undefined ? '' : `${count}, newest of ${formatDate(newest.eventMs)}`;
}

function barOfLegend() {
  return (cursorMs === null ? undefined : view?.at(cursorMs)) ?? bars.at(-1);
}

/** @returns {{ decimals: number, precision: 'minutes' | 'seconds' }} */
function style() {
  return { decimals: chart.decimals, precision: chosen.interval.endsWith('s') ? 'seconds' : 'minutes' };
}

/** @param {string | null} words */
function showEmpty(words) {
  element('empty').hidden = words === null;
  element('empty').textContent = words;
}

/**
 * Asks the API for something; a failure shows in the banner, and a later success takes it away.
 *
 * @param {() => Promise<void>} ask
 */
async function attempt(ask) {
  try {
    await ask();
    connection.up('requests');
  } catch (error) {
    connection.down('requests', error);
  }
}
