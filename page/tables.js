// @ts-check
// The page's two tables and the pipeline strip: rows in, elements out.
import { formatCount, formatDate, formatPrice, formatSpan, formatTime, formatVolume } from './format.js';

/** @import { Bar } from './barSeries.js' */
/** @import { LateRecord, PartitionState } from './api.js' */

const BARS_SHOWN = 60;
/** A partition that is further behind is shown as behind. */
const LAG_THAT_COUNTS = 10_000;

/**
 * @param {HTMLElement} body
 * @param {readonly Bar[]} bars by start; the newest are shown first
 * @param {{ decimals: number, precision: 'minutes' | 'seconds' }} style
 */
export function showBars(body, bars, { decimals, precision }) {
  const newest = bars.slice(-BARS_SHOWN).reverse();
  body.replaceChildren(
    ...byDay(
      newest,
      5,
      ({ startMs }) => startMs,
      (bar) => {
        const row = tableRow([
          formatTime(bar.startMs, precision),
          formatPrice(bar.close, decimals),
          formatVolume(bar.volume),
          formatCount(bar.count),
          String(bar.revision),
        ]);
        row.children[1]?.classList.add(bar.close < bar.open ? 'fall' : 'rise');
        row.classList.toggle('revised', bar.revision > 0);
        row.title = `${formatDate(bar.startMs)} ${formatTime(bar.startMs, 'seconds')}`;
        return row;
      },
    ),
  );
  if (newest.length === 0) body.append(note('No bars yet.', 5));
}

/**
 * @param {HTMLElement} body
 * @param {readonly LateRecord[]} records
 */
export function showLate(body, records) {
  body.replaceChildren(
    ...byDay(
      records,
      4,
      ({ eventMs }) => eventMs,
      (record) => {
        const intervals = record.intervals.replaceAll(',', ' ');
        const row = tableRow([
          formatTime(record.eventMs, 'millis'),
          formatSpan(record.behindMs),
          record.missedAll ? 'every window' : intervals,
          record.position,
        ]);
        row.children[2]?.classList.add('words');
        row.children[3]?.classList.add('quiet');
        row.classList.toggle('lost', record.missedAll);
        const missed = record.missedAll ? 'so it is in no bar' : 'and is counted in wider windows';
        row.title = `${formatDate(record.eventMs)}, topic ${record.topic}: ${record.reason} for ${intervals}, ${missed}`;
        return row;
      },
    ),
  );
  if (records.length === 0) body.append(note('No record of this symbol came too late for a window.', 4));
}

/**
 * @param {HTMLElement} list
 * @param {readonly PartitionState[]} partitions
 */
export function showPipeline(list, partitions) {
  const newestMs = Math.max(...partitions.map(({ watermarkMs }) => watermarkMs ?? Number.NEGATIVE_INFINITY));
  list.replaceChildren(...partitions.map((partition) => partitionItem(partition, newestMs)));
}

/**
 * @param {PartitionState} state
 * @param {number} newestMs the highest watermark of all partitions
 */
function partitionItem({ partition, lag, position, watermarkMs }, newestMs) {
  const item = document.createElement('li');
  item.dataset.partition = String(partition);
  item.dataset.lag = String(lag);
  item.dataset.state = lag > LAG_THAT_COUNTS ? 'behind' : 'even';
  item.append(
    text('b', `P${partition}`),
    text('span', watermarkMs === null ? 'no watermark yet' : watermarkText(watermarkMs), 'watermark'),
    text('span', `lag ${formatCount(lag)}`, 'lag'),
    text('span', detailOf(position, watermarkMs, newestMs), 'detail'),
  );
  return item;
}

/** @param {number} ms */
function watermarkText(ms) {
  return `${formatDate(ms)} ${formatTime(ms, 'millis')}`;
}

/**
 * @param {number} position
 * @param {number | null} watermarkMs
 * @param {number} newestMs
 */
function detailOf(position, watermarkMs, newestMs) {
  const read = `offset ${formatCount(position)}`;
  if (watermarkMs === null || watermarkMs === newestMs) return read;
  return `${read}, ${formatSpan(newestMs - watermarkMs)} behind`;
}

/**
 * Rows with a line between those of two days: a time alone would not say which.
 *
 * @template Item
 * @param {readonly Item[]} items
 * @param {number} columns
 * @param {(item: Item) => number} msOf
 * @param {(item: Item) => HTMLElement} rowOf
 */
function byDay(items, columns, msOf, rowOf) {
  /** @type {HTMLElement[]} */
  const rows = [];
  let day = items[0] === undefined ? '' : formatDate(msOf(items[0]));
  for (const item of items) {
    const own = formatDate(msOf(item));
    if (own !== day) {
      const line = note(own, columns);
      line.className = 'day';
      rows.push(line);
      day = own;
    }
    rows.push(rowOf(item));
  }
  return rows;
}

/** @param {readonly string[]} cells */
function tableRow(cells) {
  const row = document.createElement('tr');
  row.append(...cells.map((cell) => text('td', cell)));
  return row;
}

/**
 * @param {string} words
 * @param {number} columns
 */
function note(words, columns) {
  const row = document.createElement('tr');
  const cell = document.createElement('td');
  cell.className = 'note';
  cell.colSpan = columns;
  cell.textContent = words;
  row.append(cell);
  return row;
}

/**
 * @param {string} name
 * @param {string} words
 * @param {string} [className]
 */
function text(name, words, className) {
  const element = document.createElement(name);
  element.textContent = words;
  if (className !== undefined) element.className = className;
  return element;
}
