// @ts-check
// What the page asks of the API, as the page's own types.

/** @import { BarJson, LateJson, PipelineJson, SymbolJson } from './apiJson.js' */
/** @import { Bar } from './barSeries.js' */

/** An unanswered request is given up. */
const TIMEOUT_MS = 10_000;
/** Rows of the late ledger that the page shows. */
export const LATE_SHOWN = 50;

/**
 * @typedef {object} SymbolSummary
 * @property {string} symbol `venue:symbol`
 * @property {SymbolInterval[]} intervals the shortest first
 */

/**
 * @typedef {object} SymbolInterval
 * @property {string} interval
 * @property {number} firstMs start of the first bar, epoch milliseconds
 * @property {number} lastMs start of the last bar
 */

/**
 * @typedef {object} LateRecord
 * @property {number} eventMs
 * @property {number} behindMs how far its event time was behind the watermark that it met
 * @property {string} intervals whose windows it missed
 * @property {boolean} missedAll in no window at all
 * @property {string} reason
 * @property {string} topic
 * @property {string} position partition and offset
 */

/**
 * @typedef {object} PartitionState
 * @property {number} partition
 * @property {number} lag records that the task has not processed
 * @property {number} position next offset that the task reads
 * @property {number | null} watermarkMs
 */

const KEY_STORAGE = 'tidemark-key';

/** @param {string} key what the API asks for where it is reached from other machines; kept until the tab is closed */
export function useKey(key) {
  sessionStorage.setItem(KEY_STORAGE, key);
}

/** A request that failed, in words for the reader. */
export class RequestError extends Error {
  /**
   * @param {string} message
   * @param {number} status 0 where no answer came
   */
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

/** @returns {Promise<SymbolSummary[]>} by symbol */
export async function fetchSymbols() {
  /** @type {SymbolJson[]} */
  const rows = await getJson('v1/symbols');
  return rows.map(({ symbol, intervals }) => ({
    symbol,
    intervals: intervals.map(({ interval, first, last }) => ({
      interval,
      firstMs: Date.parse(first),
      lastMs: Date.parse(last),
    })),
  }));
}

/**
 * Bars by start, of a range that must not hold more than a page of them.
 *
 * @param {string} symbol
 * @param {string} interval
 * @param {{ fromMs: number, toMs?: number }} range
 * @returns {Promise<Bar[]>}
 */
export async function fetchBars(symbol, interval, { fromMs, toMs }) {
  const query = new URLSearchParams({ symbol, interval, from: new Date(fromMs).toISOString() });
  if (toMs !== undefined) query.set('to', new Date(toMs).toISOString());
  /** @type {BarJson[]} */
  const rows = await getJson(`v1/bars?${query}`);
  return rows.flatMap((row) => barOf(row) ?? []);
}

/**
 * @param {string} text a row of the stream
 * @returns {Bar | null} null where it is no candle
 */
export function parseBar(text) {
  return barOf(JSON.parse(text));
}

/**
 * @param {string} symbol
 * @param {string} interval
 */
export function streamAddress(symbol, interval) {
  return `v1/stream?${new URLSearchParams({ symbol, interval })}`;
}

/**
 * @param {string} symbol
 * @returns {Promise<LateRecord[]>} the newest first
 */
export async function fetchLate(symbol) {
  /** @type {LateJson[]} */
  const rows = await getJson(`v1/late?${new URLSearchParams({ symbol, limit: String(LATE_SHOWN) })}`);
  return rows.map((row) => {
    const eventMs = Date.parse(row.eventTime);
    return {
      eventMs,
      behindMs: Date.parse(row.watermark) - eventMs,
      intervals: row.intervals,
      missedAll: row.missedAll,
      reason: row.reason,
      topic: row.topic,
      position: `P${row.partition}@${row.offset}`,
    };
  });
}

/** @returns {Promise<{ tasks: PartitionState[], unstored: number }>} unstored: results that are in no table yet */
export async function fetchPipeline() {
  /** @type {PipelineJson} */
  const { tasks, unstored } = await getJson('v1/pipeline');
  return {
    tasks: tasks.map(({ partition, position, lag, watermark }) => ({
      partition,
      position,
      lag,
      watermarkMs: watermark === null ? null : Date.parse(watermark),
    })),
    unstored,
  };
}

/**
 * @param {string} address
 * @param {string} lastEventId empty to begin at the present
 * @param {AbortSignal} signal
 * @returns {Promise<ReadableStream<Uint8Array>>}
 */
export async function requestStream(address, lastEventId, signal) {
  const { body } = await request(address, {
    headers: { accept: 'text/event-stream', ...(lastEventId === '' ? {} : { 'last-event-id': lastEventId }) },
    cache: 'no-store',
    signal,
  });
  if (body === null) throw new RequestError('The API sent an empty stream.', 0);
  return body;
}

/**
 * @param {string} address
 * @returns {Promise<any>} of the form that the API's own schema has
 */
async function getJson(address) {
  const response = await request(address, {
    headers: { accept: 'application/json' },
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  return response.json();
}

/**
 * @param {string} address
 * @param {RequestInit} init
 */
async function request(address, init) {
  const key = sessionStorage.getItem(KEY_STORAGE);
  const headers = {
    .../** @type {Record<string, string>} */ (init.headers),
    ...(key === null ? {} : { 'x-api-key': key }),
  };
  const response = await fetch(address, { ...init, headers }).catch((error) => {
    throw new RequestError(error instanceof Error ? error.message : String(error), 0);
  });
  if (response.ok) return response;
  const problem = await response.json().catch(() => ({}));
  throw new RequestError(problem.title ?? `status ${response.status}`, response.status);
}

/**
 * A source may publish a bar without all of its prices: that is no candle.
 *
 * @param {BarJson} row
 * @returns {Bar | null}
 */
function barOf({ start, open, high, low, close, volume, vwap, count, revision }) {
  if (open === null || high === null || low === null || close === null) return null;
  return { startMs: Date.parse(start), open, high, low, close, volume, vwap, count, revision };
}
