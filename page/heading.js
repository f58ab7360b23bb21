// @ts-check
// What is said in words and numbers above the chart: the instrument, its last bar, its day, and the bar under the cursor.

import { element } from './elements.js';
import { formatChange, formatCount, formatDate, formatPrice, formatTime, formatVolume } from './format.js';

/** @import { Bar } from './barSeries.js' */

/** @param {string} symbol `venue:symbol` */
export function showInstrument(symbol) {
  const colon = symbol.indexOf(':');
  element('name').textContent = symbol.slice(colon + 1);
  element('venue').textContent = colon < 0 ? '' : symbol.slice(0, colon);
  document.title = `${symbol.slice(colon + 1)} · Tidemark`;
}

/**
 * The last close, and the range of the bars in view.
 *
 * @param {Bar | undefined} last
 * @param {readonly Bar[]} inView by start
 * @param {number} decimals
 */
export function showLast(last, inView, decimals) {
  const [first] = inView;
  const end = inView.at(-1);
  const close = element('close');
  close.textContent = formatPrice(last?.close ?? null, decimals);
  close.className = `last ${last === undefined ? 'level' : tone(last.close - last.open)}`;
  element('close-time').textContent =
    last === undefined ? '' : `bar of ${formatDate(last.startMs)} ${formatTime(last.startMs, 'seconds')}`;
  if (first === undefined || end === undefined) return element('range').replaceChildren();
  let [high, low, volume] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, 0];
  for (const bar of inView) {
    high = Math.max(high, bar.high);
    low = Math.min(low, bar.low);
    volume += bar.volume ?? 0;
  }
  const change = pair('In view', formatChange(end.close / first.open - 1));
  change.lastElementChild?.classList.add(tone(end.close - first.open));
  element('range').replaceChildren(
    change,
    pair('High', formatPrice(high, decimals)),
    pair('Low', formatPrice(low, decimals)),
    pair('Volume', formatVolume(volume)),
  );
}

/**
 * @param {Bar | undefined} bar
 * @param {{ decimals: number, precision: 'minutes' | 'seconds' }} style
 */
export function showLegend(bar, { decimals, precision }) {
  const legend = element('legend');
  if (bar === undefined) return legend.replaceChildren();
  const price = (/** @type {number | null} */ value) => formatPrice(value, decimals);
  const pairs = [
    pair('Start', `${formatDate(bar.startMs)} ${formatTime(bar.startMs, precision)}`),
    pair('O', price(bar.open)),
    pair('H', price(bar.high)),
    pair('L', price(bar.low)),
    pair('C', price(bar.close)),
    pair('Vol', formatVolume(bar.volume)),
    pair('VWAP', formatPrice(bar.vwap, decimals)),
    pair('Ticks', formatCount(bar.count)),
  ];
  // The date says that it is one; only who does not see it is told.
  pairs[0]?.firstElementChild?.classList.add('hidden');
  for (const i of [1, 2, 3, 4]) pairs[i]?.lastElementChild?.classList.add(tone(bar.close - bar.open));
  const revision = pair('Rev', String(bar.revision));
  if (bar.revision > 0) revision.className = 'revision';
  legend.replaceChildren(...pairs, revision);
}

/**
 * Says in words what the chart shows, to those who do not see it.
 *
 * @param {HTMLElement} chart
 * @param {{ symbol: string, interval: string }} chosen
 * @param {readonly Bar[]} bars by start
 * @param {number} decimals
 */
export function describeChart(chart, { symbol, interval }, bars, decimals) {
  const last = bars.at(-1);
  const words =
    last === undefined
      ? 'no bars'
      : `${bars.length} bars, the last of ${formatDate(last.startMs)} ${formatTime(last.startMs, 'seconds')} UTC, ` +
        `closed at ${formatPrice(last.close, decimals)}`;
  chart.setAttribute('aria-label', `Candles and volume of ${symbol}, ${interval}: ${words}`);
}

/** @param {number} difference */
function tone(difference) {
  if (difference === 0) return 'level';
  return difference < 0 ? 'fall' : 'rise';
}

/**
 * @param {string} term
 * @param {string} value
 */
function pair(term, value) {
  const group = document.createElement('div');
  const name = document.createElement('dt');
  const description = document.createElement('dd');
  name.textContent = term;
  description.textContent = value;
  group.append(name, description);
  return group;
}
