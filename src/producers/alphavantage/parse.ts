import { TidemarkError } from '../../errors.ts';
import { isFault, numberOfText } from '../market/numbers.ts';
import { isObject, notOfFormat, parseJsonObject } from '../market/refusals.ts';
import {
  type BarNumbers,
  type MarketResponse,
  type MarketRows,
  NO_NUMBERS,
  type PublishedBar,
  type PublishedQuote,
  type ResponseFault,
} from '../market/response.ts';
import { checkedTime } from '../market/times.ts';
import { type RowFault, shown } from '../rowFault.ts';
import { isoParser } from '../timeText.ts';
import { type ToUtcMicros, timeZone } from '../timeZone.ts';
import { type Answer, type AnswerRow, csvRows, jsonSeries, LABEL, textFields } from './answer.ts';
import { barOfLabel, type Labels, labelsAreEnds } from './labels.ts';
import { checkStatus, refuseMessage } from './refusal.ts';
import { type AlphaVantageSeries, INTRADAY, instrumentOf, pairOf, seriesPeriod } from './series.ts';

/** A label as a reading of the wall clock, NaN where it is none. */
const readLabel = isoParser((localMicros) => localMicros);

/** Fields of an answer, and what they are in a bar. */
const NUMBERS = [
  ['open', 'open'],
  ['high', 'high'],
  ['low', 'low'],
  ['close', 'close'],
  ['price', 'close'],
  ['volume', 'volume'],
  ['adjusted close', 'adjustedClose'],
  ['dividend amount', 'dividend'],
  ['split coefficient', 'splitFactor'],
] as const;

/**
 * The rows of an answer, JSON or CSV.
 * @throws TidemarkError (TM_SOURCE_…) when the answer holds a message in place of data, or is not one to what was asked
 */
export function parseAlphaVantage(response: MarketResponse, series: AlphaVantageSeries): MarketRows {
  checkStatus(response);
  const { body } = response;
  if (!body.trimStart().startsWith('{')) {
    const answer = csvRows(body);
    return series.interval === null
      ? stockQuotes(answer.rows, 'latestday', series)
      : timeSeries(answer, response, series);
  }
  const answer = parseJsonObject(body);
  refuseMessage(answer);
  if (series.interval !== null) return timeSeries(jsonSeries(answer, body), response, series);
  const { 'Global Quote': quote, 'Stock Quotes': quotes, 'Realtime Currency Exchange Rate': rate } = answer;
  if (isObject(rate)) return exchangeRate(textFields(rate), response, series);
  if (isObject(quote)) return stockQuotes(objectRows([quote]), 'latest trading day', series);
  if (Array.isArray(quotes)) return stockQuotes(objectRows(quotes), LABEL, series);
  throw notOfFormat('the answer has no quote', body);
}

/** The zone of an answer's times: it says so in JSON; in CSV it goes by the market. */
function zoneOf(meta: ReadonlyMap<string, string>, { market }: AlphaVantageSeries): ToUtcMicros {
  const name = meta.get('time zone') ?? (market === 'stocks' ? 'US/Eastern' : 'UTC');
  const zone = timeZone(name);
  if (zone === null) throw notOfFormat('the answer is in an unknown time zone', name);
  return zone;
}

function timeSeries(answer: Answer, response: MarketResponse, series: AlphaVantageSeries): MarketRows {
  checkMeta(answer.meta, series);
  const isStock = series.market === 'stocks';
  const period = seriesPeriod(series);
  const readings = answer.rows.map((row) => ('fields' in row ? readLabel(row.fields.get(LABEL) ?? '') : Number.NaN));
  const labels: Labels = {
    period,
    toUtcMicros: zoneOf(answer.meta, series),
    areEnds: period.lengthMicros !== null && labelsAreEnds(readings, isStock, response.receivedMicros),
  };
  const { instrument, currency } = named(series);
  const adjusted = series.adjusted && period.lengthMicros !== null;
  return gatherBars(answer.rows, (row, index) => {
    const reading = checkedTime('timestamp', readings[index] as number, row.fields.get(LABEL) ?? '');
    if (isFault(reading)) return reading;
    const numbers = numbersOf(row);
    if (numbers === null || isFault(numbers)) return numbers;
    const { startMicros, endMicros } = barOfLabel(reading, labels);
    const provisional = endMicros > response.receivedMicros;
    const key = { instrument, interval: period.interval, eventTime: startMicros, adjusted };
    return { ...key, provisional, currency, suspect: null, ...numbers };
  });
}

function named(series: AlphaVantageSeries): Pick<PublishedBar, 'instrument' | 'currency'> {
  const [, currency] = pairOf(series.symbol);
  return { instrument: instrumentOf(series), currency: series.market === 'stocks' ? null : currency };
}

/** An answer to another question is no answer. @throws TM_SOURCE_RESPONSE */
function checkMeta(meta: ReadonlyMap<string, string>, { market, symbol, interval }: AlphaVantageSeries): void {
  const [base, quote] = pairOf(symbol);
  const expected: readonly (readonly [string, string | undefined])[] = [
    ['symbol', market === 'stocks' ? symbol : undefined],
    ['from symbol', base],
    ['to symbol', quote],
    ['digital currency code', base],
    ['market code', quote],
    ['interval', INTRADAY.get(interval ?? '')],
  ];
  for (const [field, value] of expected) {
    const found = meta.get(field);
    if (found === undefined || value === undefined || found.toUpperCase() === value.toUpperCase()) continue;
    throw notOfFormat(`the answer is not to what was asked: ${field} is not ${value}`, found);
  }
}

/** The numbers of a row; null when it has none at all. */
function numbersOf({ fields }: AnswerRow): BarNumbers | RowFault | null {
  const numbers: Partial<Record<keyof BarNumbers, number>> = {};
  for (const [name, field] of NUMBERS) {
    const text = fields.get(name);
    const value = text === undefined ? null : numberOfText(name, text);
    if (isFault(value)) return value;
    if (value !== null) numbers[field] = value;
  }
  if (Object.keys(numbers).length === 0) return null;
  if (numbers.close === undefined) return { reason: 'missing', detail: 'the row has no close' };
  return { ...NO_NUMBERS, ...numbers };
}

/** Bars by rising start: answers come newest first. */
function gatherBars(
  rows: Answer['rows'],
  barOf: (row: AnswerRow, index: number) => PublishedBar | RowFault | null,
): MarketRows {
  const bars: PublishedBar[] = [];
  const faults: ResponseFault[] = [];
  let empty = 0;
  for (const [index, row] of rows.entries()) {
    const bar = 'fields' in row ? barOf(row, index) : row;
    if (bar === null) empty++;
    else if (isFault(bar)) {
      faults.push({ reason: bar.reason, detail: bar.detail, position: index + 1, payload: row.payload });
    } else bars.push(bar);
  }
  bars.sort((a, b) => a.eventTime - b.eventTime);
  return { bars, quotes: [], faults, empty };
}

function objectRows(values: readonly unknown[]): Answer['rows'] {
  return values.map((value) => {
    const payload = JSON.stringify(value);
    if (!isObject(value)) return { reason: 'columns', detail: 'the row is not an object', payload };
    return { fields: textFields(value), payload };
  });
}

/** Prices of now: each the bar of its day, as far as it has come. */
function stockQuotes(rows: Answer['rows'], dayField: string, series: AlphaVantageSeries): MarketRows {
  // A symbol that is not known has an empty quote.
  const known = rows.filter((row) => !('fields' in row) || row.fields.size > 0);
  if (known.length === 0) {
    throw new TidemarkError('TM_SOURCE_SYMBOL', `Alpha Vantage knows no symbol ${series.symbol}`);
  }
  const labels: Labels = { period: seriesPeriod(series), toUtcMicros: zoneOf(new Map(), series), areEnds: false };
  const asked = series.symbol.toUpperCase().split(',');
  return gatherBars(known, (row) => {
    const { fields } = row;
    const symbol = fields.get('symbol') ?? '';
    if (!asked.includes(symbol.toUpperCase())) {
      return { reason: 'symbol', detail: `the quote is of ${shown(symbol)}, which was not asked for` };
    }
    const text = fields.get(dayField) ?? '';
    const day = checkedTime(dayField, readLabel(text), text);
    if (isFault(day)) return day;
    const numbers = numbersOf(row);
    if (numbers === null || isFault(numbers)) return numbers;
    const { startMicros } = barOfLabel(day, labels);
    const instrument = instrumentOf({ market: 'stocks', symbol });
    // Quotes are never the last word on a day: their volume is another one than that of the day's bar.
    const key = { instrument, interval: '1d', eventTime: startMicros, adjusted: false };
    return { ...key, provisional: true, currency: null, suspect: null, ...numbers };
  });
}

/** Bid and ask of a pair. */
function exchangeRate(
  fields: ReadonlyMap<string, string>,
  { body }: MarketResponse,
  series: AlphaVantageSeries,
): MarketRows {
  const [base, quote] = pairOf(series.symbol);
  const found = [fields.get('from currency code') ?? '', fields.get('to currency code') ?? ''];
  if (found[0] !== base || found[1] !== quote) {
    throw notOfFormat(`the answer is not to what was asked: the pair is not ${series.symbol}`, found.join('/'));
  }
  const row = quoteOf(fields, series);
  if (row === null) return { bars: [], quotes: [], faults: [], empty: 1 };
  if (isFault(row)) return { bars: [], quotes: [], faults: [{ ...row, position: 1, payload: body }], empty: 0 };
  return { bars: [], quotes: [row], faults: [], empty: 0 };
}

function quoteOf(fields: ReadonlyMap<string, string>, series: AlphaVantageSeries): PublishedQuote | RowFault | null {
  const text = fields.get('last refreshed') ?? '';
  const reading = checkedTime('last refreshed', readLabel(text), text);
  if (isFault(reading)) return reading;
  const bid = numberOfText('bid price', fields.get('bid price') ?? '');
  const ask = numberOfText('ask price', fields.get('ask price') ?? '');
  if (isFault(bid)) return bid;
  if (isFault(ask)) return ask;
  if (bid === null || ask === null) return null;
  const eventTime = zoneOf(fields, series)(reading);
  return { instrument: instrumentOf(series), eventTime, bid, ask, bidSize: null, askSize: null };
}
