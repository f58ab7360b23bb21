import type { Column } from '../../src/core/columns.ts';
import { type Chunk, NO_WATERMARK } from '../../src/topology/elements.ts';
import { seededRandom } from '../random.ts';
import type { Case } from './cases.ts';

/** A tick comes up to this much after its event time. */
const DISORDER_MICROS = 1_000_000;
/** What the task hands over at a time by default (`maxRecordsPerChunk`). */
export const CHUNK_RECORDS = 8_192;

const FIRST_MICROS = Date.UTC(2024, 0, 2) * 1_000;
const MICROS_PER_MS = 1_000;
/** Entries of the table by which keys are drawn: the rarest of 500 keys has dozens of them. */
const DRAW_ENTRIES = 1 << 20;
const MOST_SIZE_DECIMALS = 6;

export interface WorkloadOptions {
  readonly ticks: number;
  /** Event time from the first to the last of them. */
  readonly spanMicros: number;
  readonly keys: number;
  readonly seed: number;
}

/** Ticks in the order of their arrival, all in columns. `instrument` is an index of `instruments`. */
export interface Ticks {
  readonly count: number;
  readonly instruments: readonly string[];
  readonly instrument: Int32Array;
  readonly timesMicros: Float64Array;
  readonly price: Float64Array;
  readonly size: Float64Array;
  readonly sequence: Float64Array;
}

/** What a case works on. */
export interface Work {
  readonly ticks: Ticks;
  /** As many; null where the case joins none. */
  readonly quotes: Ticks | null;
}

/** A key's market: prices are whole multiples of 10^-priceDecimals that walk at random. */
interface Market {
  priceUnits: number;
  readonly priceDecimals: number;
  readonly sizeDecimals: number;
  /** Typical worth of a trade over its price. */
  readonly typicalSize: number;
}

/** The input of a case. */
export function workOf({ keys, maxQuoteAgeMs }: Case, options: Omit<WorkloadOptions, 'keys'>): Work {
  const ticks = generateTicks({ ...options, keys });
  return {
    ticks,
    quotes: maxQuoteAgeMs === null ? null : generateTicks({ ...options, keys, seed: options.seed + 1_000 }),
  };
}

/**
 * Ticks, up to a second out of order, of keys whose shares follow Zipf's law. Prices have 2
 * to 5 decimals, sizes up to 6. The same options give the same ticks.
 */
function generateTicks({ ticks, spanMicros, keys, seed }: WorkloadOptions): Ticks {
  const random = seededRandom(seed);
  const draw = zipfTable(keys);
  const markets = Array.from({ length: keys }, () => marketOf(random));
  const instrument = new Int32Array(ticks);
  const timesMicros = new Float64Array(ticks);
  const price = new Float64Array(ticks);
  const size = new Float64Array(ticks);
  const sequence = new Float64Array(ticks);
  for (let i = 0; i < ticks; i++) {
    const key = draw[Math.floor(random() * DRAW_ENTRIES)] as number;
    const market = markets[key] as Market;
    const arrivedMicros = FIRST_MICROS + (i / ticks) * spanMicros;
    const behindMicros = random() * DISORDER_MICROS;
    instrument[i] = key;
    timesMicros[i] = Math.floor((arrivedMicros - behindMicros) / MICROS_PER_MS) * MICROS_PER_MS;
    market.priceUnits = Math.max(1, market.priceUnits + Math.floor(random() * 5) - 2);
    price[i] = market.priceUnits / 10 ** market.priceDecimals;
    const units = Math.ceil(market.typicalSize * 4 ** (random() * 4 - 2) * 10 ** market.sizeDecimals);
    size[i] = units / 10 ** market.sizeDecimals;
    sequence[i] = i + 1;
  }
  const instruments = Array.from({ length: keys }, (_, key) => `bench-spot:S${String(key).padStart(6, '0')}USDT`);
  return { count: ticks, instruments, instrument, timesMicros, price, size, sequence };
}

/** The ticks as chunks of the engine. */
export function chunksOf(ticks: Ticks): Chunk[] {
  return chunksBy(ticks, (from, to) => [
    ['price', { kind: 'double', values: ticks.price.subarray(from, to) }],
    ['size', { kind: 'double', values: ticks.size.subarray(from, to) }],
    ['side', { kind: 'enum', codes: noCodes(to - from), symbols: ['buy', 'sell'], nulls: allNull(to - from) }],
    ['tradeId', noTexts(to - from)],
    ['conditions', noTexts(to - from)],
  ]);
}

/** The ticks as quotes: what they were traded at is bid, and asked. */
export function quoteChunksOf(ticks: Ticks): Chunk[] {
  return chunksBy(ticks, (from, to) => [
    ['bid', { kind: 'double', values: ticks.price.subarray(from, to) }],
    ['ask', { kind: 'double', values: ticks.price.subarray(from, to) }],
    ['bidSize', noNumbers('double', to - from)],
    ['askSize', noNumbers('double', to - from)],
  ]);
}

function chunksBy(ticks: Ticks, columnsOf: (from: number, to: number) => [string, Column][]): Chunk[] {
  const encoder = new TextEncoder();
  const names = ticks.instruments.map((name) => encoder.encode(name));
  const chunks: Chunk[] = [];
  for (let from = 0; from < ticks.count; from += CHUNK_RECORDS) {
    const to = Math.min(ticks.count, from + CHUNK_RECORDS);
    chunks.push(chunkOf(ticks, names, from, to, columnsOf(from, to)));
  }
  return chunks;
}

function chunkOf(
  ticks: Ticks,
  names: readonly Uint8Array[],
  from: number,
  to: number,
  columns: readonly [string, Column][],
): Chunk {
  const timesMicros = ticks.timesMicros.subarray(from, to);
  const offsets = Float64Array.from(timesMicros, (_, i) => from + i);
  const byName = new Map<string, Column>([
    ['instrument', instrumentColumn(ticks.instrument.subarray(from, to), names)],
    ['eventTime', { kind: 'long', values: timesMicros }],
    ['sequence', { kind: 'long', values: ticks.sequence.subarray(from, to), nulls: new Uint8Array(to - from) }],
    ['publishTime', noNumbers('long', to - from)],
    ['receiveTime', noNumbers('long', to - from)],
    ...columns,
  ]);
  const keyless = { watermarks: null, watermarkAfter: NO_WATERMARK, keys: null, keyIds: null };
  return { kind: 'chunk', columns: { length: to - from, byName }, offsets, arrivals: offsets, timesMicros, ...keyless };
}

function noNumbers(kind: 'double' | 'long', length: number): Column {
  return { kind, values: zeros(length), nulls: allNull(length) };
}

function noTexts(length: number): Column {
  return { kind: 'string', bytes: new Uint8Array(0), offsets: noCodes(length + 1), nulls: allNull(length) };
}

// Nobody writes into these, so all chunks share them.
const ZEROS = new Float64Array(CHUNK_RECORDS);
const CODES = new Int32Array(CHUNK_RECORDS + 1);
const NULLS = new Uint8Array(CHUNK_RECORDS).fill(1);
const zeros = (length: number) => ZEROS.subarray(0, length);
const noCodes = (length: number) => CODES.subarray(0, length);
const allNull = (length: number) => NULLS.subarray(0, length);

function instrumentColumn(indexes: Int32Array, names: readonly Uint8Array[]): Column {
  const offsets = new Int32Array(indexes.length + 1);
  for (let i = 0; i < indexes.length; i++) {
    offsets[i + 1] = (offsets[i] as number) + (names[indexes[i] as number] as Uint8Array).length;
  }
  const bytes = new Uint8Array(offsets[indexes.length] as number);
  for (let i = 0; i < indexes.length; i++) bytes.set(names[indexes[i] as number] as Uint8Array, offsets[i] as number);
  return { kind: 'string', bytes, offsets };
}

/** Entry e is the key of the e-th part of all ticks: drawing one is one look-up. */
function zipfTable(keys: number): Int32Array {
  let total = 0;
  for (let rank = 1; rank <= keys; rank++) total += 1 / rank;
  const table = new Int32Array(DRAW_ENTRIES);
  let key = 0;
  let reached = 1 / total;
  for (let entry = 0; entry < DRAW_ENTRIES; entry++) {
    while (entry / DRAW_ENTRIES >= reached && key < keys - 1) reached += 1 / (++key + 1) / total;
    table[entry] = key;
  }
  return table;
}

function marketOf(random: () => number): Market {
  const price = 10 ** (random() * 6 - 1);
  const priceDecimals = price > 1_000 ? 2 : price > 10 ? 3 : price > 1 ? 4 : 5;
  const sizeDecimals = Math.floor(random() * (MOST_SIZE_DECIMALS + 1));
  const worth = 10 ** (1 + random() * 3);
  return {
    priceUnits: Math.round(price * 10 ** priceDecimals),
    priceDecimals,
    sizeDecimals,
    typicalSize: worth / price,
  };
}
