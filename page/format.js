// @ts-check
// Numbers and times as the page writes them: plain decimals with thin groups, UTC, columns that align.

const MOST_PRICE_DECIMALS = 10;
const DAY_MS = 86_400_000;
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/**
 * Decimals that show each of the prices in full; the shortest decimal form of a double is what it means.
 *
 * @param {Iterable<number>} prices
 */
export function priceDecimals(prices) {
  let decimals = 0;
  for (const price of prices) {
    const text = String(price);
    const [mantissa = '', exponent = '0'] = text.split('e');
    const fraction = (mantissa.split('.')[1] ?? '').length - Number(exponent);
    if (fraction > decimals) decimals = fraction;
  }
  return Math.min(decimals, MOST_PRICE_DECIMALS);
}

/** @type {Map<number, Intl.NumberFormat>} */
const priceFormats = new Map();

/**
 * @param {number | null} price
 * @param {number} decimals
 */
export function formatPrice(price, decimals) {
  if (price === null) return '–';
  let format = priceFormats.get(decimals);
  if (format === undefined) {
    format = new Intl.NumberFormat('en-US', { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
    priceFormats.set(decimals, format);
  }
  return format.format(price);
}

const WHOLE = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const THREE_DECIMALS = new Intl.NumberFormat('en-US', { minimumFractionDigits: 3, maximumFractionDigits: 3 });
const COMPACT = new Intl.NumberFormat('en-US', {
  notation: 'compact',
  minimumFractionDigits: 2,
  maximumFractionDigits: 2,
});
const COMPACT_FROM = 100_000;

/** @param {number} count */
export function formatCount(count) {
  return WHOLE.format(count);
}

/** @param {number | null} volume */
export function formatVolume(volume) {
  if (volume === null) return '–';
  return Math.abs(volume) >= COMPACT_FROM ? COMPACT.format(volume) : THREE_DECIMALS.format(volume);
}

/** @param {number} fraction */
export function formatChange(fraction) {
  const percent = (100 * Math.abs(fraction)).toFixed(2);
  if (percent === '0.00') return '0.00%';
  return `${fraction < 0 ? '−' : '+'}${percent}%`;
}

/** @param {number} ms epoch milliseconds */
export function formatDate(ms) {
  return new Date(ms).toISOString().slice(0, 10);
}

/**
 * @param {number} ms epoch milliseconds
 * @param {'minutes' | 'seconds' | 'millis'} to what to write it to
 */
export function formatTime(ms, to) {
  return new Date(ms).toISOString().slice(11, { minutes: 16, seconds: 19, millis: 23 }[to]);
}

/**
 * A tick of a time axis: the time, or at the turn of a day the day; times of two days are never taken for those of one.
 *
 * @param {number} ms epoch milliseconds
 * @param {'year' | 'month' | 'day' | 'minutes' | 'seconds'} turn what turns there
 */
export function formatTick(ms, turn) {
  if (turn === 'minutes' || turn === 'seconds') return formatTime(ms, turn);
  const [year = '', month = '', day = ''] = formatDate(ms).split('-');
  const name = MONTHS[Number(month) - 1] ?? '';
  return { year, month: name, day: `${Number(day)} ${name}` }[turn];
}

/** @param {number} ms a length of time */
export function formatSpan(ms) {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)} min ${Math.floor((ms % 60_000) / 1_000)} s`;
  if (ms < DAY_MS) return `${Math.floor(ms / 3_600_000)} h ${Math.floor((ms % 3_600_000) / 60_000)} min`;
  return `${Math.floor(ms / DAY_MS)} d ${Math.floor((ms % DAY_MS) / 3_600_000)} h`;
}
