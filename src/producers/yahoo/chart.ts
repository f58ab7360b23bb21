import { checkedNumber, isFault } from '../market/numbers.ts';
import { calendarEnd, calendarStart, type Period, periodOf } from '../market/periods.ts';
import { isObject, notOfFormat } from '../market/refusals.ts';
import {
  type BarNumbers,
  type MarketResponse,
  type MarketRows,
  NO_NUMBERS,
  type PublishedBar,
  type ResponseFault,
} from '../market/response.ts';
import { checkedTime } from '../market/times.ts';
import type { RowFault } from '../rowFault.ts';
import { type ToUtcMicros, timeZone, wallClock } from '../timeZone.ts';
import { eventsByRow, type RowEvents } from './events.ts';
import { shortestFloat } from './float32.ts';
import { answerOf } from './refusal.ts';
import { suspects } from './suspects.ts';

const MICROS_PER_SECOND = 1_000_000;
const DAY = periodOf('1d');

/** Yahoo's granularities, as the records have them. What came may be wider than what was asked for. */
const INTERVALS: ReadonlyMap<unknown, string> = new Map([
  ['60m', '1h'],
  ['1wk', '1w'],
  ...['1m', '2m', '5m', '15m', '30m', '90m', '1h', '4h', '1d', '5d', '1mo', '3mo'].map((name) => [name, name] as const),
]);

/** What a chart says of all its rows. */
interface ChartMeta {
  readonly instrument: string;
  readonly currency: string | null;
  readonly period: Period;
  readonly previousClose: number | null;
  /** Start of the current trading period, epoch microseconds; NaN when it is not said. */
  readonly sessionMicros: number;
  /** The exchange's clock. `gmtoffset` is that of now, winter's for rows of the summer. */
  readonly toLocal: (utcMicros: number) => number;
  readonly toUtc: ToUtcMicros;
}

/**
 * The bars of a chart, by rising start. The prices are split-adjusted, `adjustedClose` also for dividends.
 * @throws TidemarkError (TM_SOURCE_…) when the answer is an error, or not a chart of the symbol
 */
export function parseYahooChart(response: MarketResponse, symbol: string): MarketRows {
  const chart = answerOf(response, 'chart');
  const [result, ...more] = Array.isArray(chart?.result) ? chart.result : [];
  if (!isObject(result) || more.length > 0) throw notOfFormat('the answer has no chart', response.body);
  const meta = chartMeta(result.meta, symbol, response.body);
  // Without data there are no times: a weekend, or a symbol that has none.
  const times = result.timestamp ?? [];
  if (!Array.isArray(times)) throw notOfFormat('the times of the chart are no list', response.body);
  const columns = chartColumns(result.indicators, times.length, response.body);
  const events = eventsByRow(result.events, times);
  return gatherBars(times, columns, events, meta, response.receivedMicros);
}

function chartMeta(meta: unknown, symbol: string, body: string): ChartMeta {
  if (!isObject(meta)) throw notOfFormat('the chart says nothing of itself', body);
  if (typeof meta.symbol !== 'string' || meta.symbol.toUpperCase() !== symbol.toUpperCase()) {
    throw notOfFormat(`the chart is not of ${symbol}`, String(meta.symbol));
  }
  const interval = INTERVALS.get(meta.dataGranularity);
  if (interval === undefined) throw notOfFormat('the bars are of an unknown interval', String(meta.dataGranularity));
  const zoneName = typeof meta.exchangeTimezoneName === 'string' ? meta.exchangeTimezoneName : '';
  const toLocal = wallClock(zoneName);
  const toUtc = timeZone(zoneName);
  if (toLocal === null || toUtc === null) throw notOfFormat('the exchange is in an unknown time zone', zoneName);
  const previousClose = meta.chartPreviousClose;
  const periods = meta.currentTradingPeriod;
  const regular = isObject(periods) && isObject(periods.regular) ? periods.regular.start : undefined;
  return {
    instrument: `yahoo:${symbol}`,
    currency: typeof meta.currency === 'string' ? meta.currency : null,
    period: periodOf(interval),
    previousClose: typeof previousClose === 'number' ? previousClose : null,
    sessionMicros: typeof regular === 'number' ? regular * MICROS_PER_SECOND : Number.NaN,
    toLocal,
    toUtc,
  };
}

type ChartColumns = ReadonlyMap<keyof BarNumbers, readonly unknown[]>;

/** The lists of prices that there are, each as long as the times. */
function chartColumns(indicators: unknown, length: number, body: string): ChartColumns {
  if (!isObject(indicators)) throw notOfFormat('the chart has no prices', body);
  const first = (name: string): Readonly<Record<string, unknown>> => {
    const [found] = Array.isArray(indicators[name]) ? indicators[name] : [];
    return isObject(found) ? found : {};
  };
  const { open, high, low, close, volume } = first('quote');
  const found: readonly (readonly [keyof BarNumbers, unknown])[] = [
    ...([
      ['open', open],
      ['high', high],
      ['low', low],
      ['close', close],
      ['volume', volume],
    ] as const),
    ['adjustedClose', first('adjclose').adjclose],
  ];
  const columns = new Map<keyof BarNumbers, readonly unknown[]>();
  for (const [name, values] of found) {
    if (values === undefined || (values === null && length === 0)) continue;
    if (!Array.isArray(values) || values.length !== length) {
      throw notOfFormat(`the chart does not have a ${name} for each time`, body);
    }
    columns.set(name, values);
  }
  if (length > 0 && !columns.has('close')) throw notOfFormat('the chart has no closes', body);
  return columns;
}

function gatherBars(
  times: readonly unknown[],
  columns: ChartColumns,
  events: ReadonlyMap<number, RowEvents>,
  meta: ChartMeta,
  receivedMicros: number,
): MarketRows {
  const { instrument, currency, period } = meta;
  const bars: Omit<PublishedBar, 'suspect'>[] = [];
  const faults: ResponseFault[] = [];
  let empty = 0;
  for (let row = 0; row < times.length; row++) {
    const numbers = rowNumbers(columns, row);
    const seconds = times[row];
    const time = typeof seconds === 'number' ? seconds * MICROS_PER_SECOND : Number.NaN;
    const sentMicros = checkedTime('timestamp', time, String(seconds));
    const before = bars.at(-1)?.eventTime;
    const eventTime = isFault(sentMicros) || row < times.length - 1 ? sentMicros : liveStart(sentMicros, before, meta);
    if (numbers === null) empty++;
    else if (isFault(numbers)) faults.push(faultOf(numbers, times, columns, row));
    else if (isFault(eventTime)) faults.push(faultOf(eventTime, times, columns, row));
    else {
      const provisional = endOf(eventTime, meta) > receivedMicros;
      const key = { instrument, interval: period.interval, eventTime, adjusted: true };
      bars.push({ ...key, provisional, currency, ...numbers, ...events.get(row) });
    }
  }
  bars.sort((a, b) => a.eventTime - b.eventTime);
  const flags = suspects(bars, meta.previousClose);
  return { bars: bars.map((bar, index) => ({ ...bar, suspect: flags[index] ?? null })), quotes: [], faults, empty };
}

/** The numbers of a row; null for a row of nulls: a period without a trade. */
function rowNumbers(columns: ChartColumns, row: number): BarNumbers | RowFault | null {
  const numbers: Partial<Record<keyof BarNumbers, number>> = {};
  for (const [name, values] of columns) {
    const value = values[row];
    if (value === null) continue;
    if (typeof value !== 'number') return { reason: 'number', detail: `${name} is not a number: ${String(value)}` };
    const checked = checkedNumber(name, name === 'volume' ? value : shortestFloat(value));
    if (isFault(checked)) return checked;
    numbers[name] = checked;
  }
  if (Object.keys(numbers).length === 0) return null;
  if (numbers.close === undefined) return { reason: 'missing', detail: 'the row has no close' };
  return { ...NO_NUMBERS, ...numbers };
}

function faultOf(fault: RowFault, times: readonly unknown[], columns: ChartColumns, row: number): ResponseFault {
  const values = [...columns].map(([name, column]) => [name, column[row]]);
  const payload = JSON.stringify({ timestamp: times[row], ...Object.fromEntries(values) });
  return { ...fault, position: row + 1, payload };
}

/**
 * The start of the bar of the last row, which may be live: then its time is that of the last trade, and its bar is the one that
 * the trade lies in. A second row of the bar before it adds nothing that a later answer does not say.
 */
function liveStart(sentMicros: number, before: number | undefined, meta: ChartMeta): number | RowFault {
  const start = gridStart(sentMicros, meta);
  if (start !== before) return start;
  return { reason: 'duplicate', detail: 'a live row of a bar that has a row already' };
}

function gridStart(sentMicros: number, { period, sessionMicros, toLocal, toUtc }: ChartMeta): number {
  const { lengthMicros, days } = period;
  const isInSession = sentMicros >= sessionMicros;
  if (lengthMicros !== null)
    return isInSession ? sentMicros - ((sentMicros - sessionMicros) % lengthMicros) : sentMicros;
  const local = toLocal(sentMicros);
  const midnight = calendarStart(DAY, local);
  if (days === 1)
    return isInSession && midnight === calendarStart(DAY, toLocal(sessionMicros)) ? sessionMicros : sentMicros;
  // Longer bars begin at midnight.
  return local === midnight ? sentMicros : toUtc(calendarStart(period, local));
}

/** When no trade can change the bar any more. A day's bar may begin when trade does, and ends with the day. */
function endOf(startMicros: number, { period, toLocal, toUtc }: ChartMeta): number {
  const { lengthMicros } = period;
  if (lengthMicros !== null) return startMicros + lengthMicros;
  return toUtc(calendarEnd(period, calendarStart(period, toLocal(startMicros))));
}
