// @ts-nocheck: plain JavaScript on purpose; it is what Tidemark is measured against.
// The same job without the engine, as one would write it in plain Node: an object a tick, avsc, LMDB as the durable log,
// a Map of bars, client.insert of objects into the embedded ClickHouse. It sums in doubles where Tidemark sums exactly.
//
//   node bench/baseline.mjs produce DIR TRADES.csv     CSV to the durable log
//   node bench/baseline.mjs simulate DIR COUNT         simulated ticks to the durable log
//   node bench/baseline.mjs compute DIR                log to bars in the log
//   node bench/baseline.mjs run DIR                    log to bars and ticks in ClickHouse; prints what it stored
import { createReadStream, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createClient } from '@clickhouse/client';
import avsc from 'avsc';
import { createChdbConnection } from 'chdb/connection';
import { open } from 'lmdb';

const PARTITIONS = 4;
const BATCH_TICKS = 16_384;
const INSERT_ROWS = 65_536;
const OUT_OF_ORDERNESS_MICROS = 1_000_000;
const ALLOWED_LATENESS_MICROS = 300_000_000;
const INTERVALS = [
  ['1s', 1_000_000],
  ['1m', 60_000_000],
  ['5m', 300_000_000],
  ['1h', 3_600_000_000],
];

const tickType = avsc.Type.forSchema({
  type: 'record',
  name: 'Tick',
  fields: [
    { name: 'instrument', type: 'string' },
    { name: 'eventTime', type: 'long' },
    { name: 'price', type: 'double' },
    { name: 'size', type: 'double' },
    { name: 'side', type: ['null', { type: 'enum', name: 'Side', symbols: ['buy', 'sell'] }] },
    { name: 'sequence', type: ['null', 'long'] },
    { name: 'tradeId', type: ['null', 'string'] },
    { name: 'publishTime', type: ['null', 'long'] },
    { name: 'receiveTime', type: ['null', 'long'] },
    { name: 'conditions', type: ['null', 'string'] },
  ],
});
const barType = avsc.Type.forSchema({
  type: 'record',
  name: 'Bar',
  fields: [
    { name: 'instrument', type: 'string' },
    { name: 'interval', type: 'string' },
    { name: 'start', type: 'long' },
    { name: 'end', type: 'long' },
    { name: 'revision', type: 'long' },
    { name: 'open', type: 'double' },
    { name: 'high', type: 'double' },
    { name: 'low', type: 'double' },
    { name: 'close', type: 'double' },
    { name: 'volume', type: 'double' },
    { name: 'notional', type: 'double' },
    { name: 'vwap', type: ['null', 'double'] },
    { name: 'openTime', type: 'long' },
    { name: 'openSequence', type: 'long' },
    { name: 'closeTime', type: 'long' },
    { name: 'closeSequence', type: 'long' },
    { name: 'count', type: 'long' },
  ],
});

const [command, directory, argument] = process.argv.slice(2);
mkdirSync(directory, { recursive: true });
const log = open({ path: join(directory, 'log'), encoding: 'binary', keyEncoding: 'ordered-binary' });
async function* readCsv(path) {
  let header = true;
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY })) {
    if (header) {
      header = false;
      continue;
    }
    const [receiveNs, market, symbol, eventMs, tradeMs, tradeId, price, size, buyerIsMaker, orderType] =
      line.split(',');
    const tick = {
      instrument: `binance-${market}:${symbol}`,
      eventTime: Number(tradeMs) * 1_000,
      price: Number(price),
      size: Number(size),
      side: buyerIsMaker === 'true' ? 'sell' : 'buy',
      sequence: Number(tradeId),
      tradeId,
      publishTime: Number(eventMs) * 1_000,
      receiveTime: Math.floor(Number(receiveNs) / 1_000),
      conditions: orderType === '' ? null : orderType,
    };
    if (!(tick.price >= 0 && tick.size >= 0 && tick.eventTime > 0)) throw new Error(`bad row: ${line}`);
    yield tick;
  }
}

async function* simulate(count) {
  const symbols = Array.from({ length: 100 }, (_, index) => ({
    instrument: `sim:S${index}`,
    cents: 10_000 + index * 5_000,
  }));
  let clock = Date.UTC(2024, 0, 2) * 1_000;
  let state = 42;
  const random = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
  for (let id = 1; id <= count; id++) {
    clock += Math.floor(random() * 800);
    const symbol = symbols[Math.floor(random() * symbols.length)];
    symbol.cents = Math.max(100, symbol.cents + Math.floor(random() * 21) - 10);
    yield {
      instrument: symbol.instrument,
      eventTime: clock - (random() < 1 / 3 ? Math.floor(random() * 800_000) : 0),
      price: symbol.cents / 100,
      size: Math.floor(random() * 50_000 + 1) / 10_000,
      side: random() < 0.5 ? 'sell' : 'buy',
      sequence: id,
      tradeId: String(id),
      publishTime: null,
      receiveTime: null,
      conditions: null,
    };
  }
}

function partitionOf(instrument) {
  let hash = 0;
  for (let i = 0; i < instrument.length; i++) hash = (hash * 31 + instrument.charCodeAt(i)) | 0;
  return (hash >>> 0) % PARTITIONS;
}

/** Appends ticks in batches, one transaction each, with the source's position. */
async function produce(ticks) {
  const partitions = Array.from({ length: PARTITIONS }, () => ({ records: [], next: 0 }));
  let gathered = 0;
  let total = 0;
  const commit = () => {
    log.transactionSync(() => {
      partitions.forEach((partition, index) => {
        if (partition.records.length === 0) return;
        log.put(['ticks', index, partition.next], packed(partition.records));
        partition.next += partition.records.length;
        partition.records = [];
      });
      log.put(['source'], Buffer.from(String(total)));
    });
    gathered = 0;
  };
  for await (const tick of ticks) {
    partitions[partitionOf(tick.instrument)].records.push(tickType.toBuffer(tick));
    gathered++;
    total++;
    if (gathered === BATCH_TICKS) commit();
  }
  commit();
  console.log(JSON.stringify({ ticks: total }));
}

/** Length-prefixed records in one buffer. */
function packed(records) {
  const parts = [];
  for (const record of records) {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(record.length);
    parts.push(length, record);
  }
  return Buffer.concat(parts);
}

function* unpacked(batch) {
  for (let at = 0; at < batch.length; ) {
    const length = batch.readUInt32LE(at);
    yield batch.subarray(at + 4, at + 4 + length);
    at += 4 + length;
  }
}

async function run() {
  const client = createClient({ connection: createChdbConnection({ path: join(directory, 'clickhouse') }) });
  await createTables(client);
  const rows = { ticks: new Inserter(client, 'app.ticks'), bars: new Inserter(client, 'app.bars') };
  let late = 0;
  for (let partition = 0; partition < PARTITIONS; partition++) late += await runPartition(partition, rows);
  await rows.ticks.close();
  await rows.bars.close();
  await client.close();
  console.log(JSON.stringify({ ticks: rows.ticks.total, bars: rows.bars.total, late }));
}

async function compute() {
  const dropped = { add: () => false };
  for (let partition = 0; partition < PARTITIONS; partition++) {
    await runPartition(partition, { ticks: dropped, bars: dropped });
  }
}

async function runPartition(partition, rows) {
  const bars = new Map();
  const completed = [];
  let newest = Number.NEGATIVE_INFINITY;
  let late = 0;
  let barOffset = 0;
  const commit = async (position) => {
    const emitted = completed.splice(0);
    log.transactionSync(() => {
      if (emitted.length > 0)
        log.put(['bars', partition, barOffset], packed(emitted.map((bar) => barType.toBuffer(bar))));
      log.put(['position', partition], Buffer.from(String(position)));
    });
    barOffset += emitted.length;
    for (const { fired, ...bar } of emitted) {
      if (rows.bars.add({ ...bar, partition })) await rows.bars.flush();
    }
  };
  const range = { start: ['ticks', partition, 0], end: ['ticks', partition, Number.MAX_SAFE_INTEGER] };
  for (const { key, value } of log.getRange(range)) {
    let offset = key[2];
    for (const record of unpacked(value)) {
      const tick = tickType.fromBuffer(record);
      newest = Math.max(newest, tick.eventTime);
      const watermark = newest - OUT_OF_ORDERNESS_MICROS - 1;
      if (!addToBars(bars, completed, tick, watermark)) late++;
      tick.partition = partition;
      tick.offset = offset;
      if (rows.ticks.add(tick)) await rows.ticks.flush();
      offset++;
    }
    completeBars(bars, completed, newest - OUT_OF_ORDERNESS_MICROS - 1);
    await commit(offset);
  }
  completeBars(bars, completed, Number.POSITIVE_INFINITY);
  await commit(-1);
  return late;
}

function addToBars(bars, completed, tick, watermark) {
  let accepted = false;
  for (const [interval, size] of INTERVALS) {
    const start = Math.floor(tick.eventTime / size) * size;
    if (watermark >= start + size - 1 + ALLOWED_LATENESS_MICROS) continue;
    accepted = true;
    const key = `${tick.instrument}|${interval}|${start}`;
    const bar = bars.get(key);
    if (bar === undefined) {
      bars.set(key, newBar(tick, interval, start, start + size));
      continue;
    }
    updateBar(bar, tick);
    if (bar.fired) {
      bar.revision++;
      bar.vwap = vwapOf(bar);
      completed.push({ ...bar });
    }
  }
  return accepted;
}

function newBar({ instrument, eventTime, price, size, sequence }, interval, start, end) {
  return {
    instrument,
    interval,
    start,
    end,
    revision: 0,
    open: price,
    high: price,
    low: price,
    close: price,
    volume: size,
    notional: price * size,
    vwap: null,
    openTime: eventTime,
    openSequence: sequence,
    closeTime: eventTime,
    closeSequence: sequence,
    count: 1,
    fired: false,
  };
}

function updateBar(bar, { eventTime, price, size, sequence }) {
  if (price > bar.high) bar.high = price;
  if (price < bar.low) bar.low = price;
  if (eventTime < bar.openTime || (eventTime === bar.openTime && sequence < bar.openSequence)) {
    bar.open = price;
    bar.openTime = eventTime;
    bar.openSequence = sequence;
  }
  if (eventTime > bar.closeTime || (eventTime === bar.closeTime && sequence >= bar.closeSequence)) {
    bar.close = price;
    bar.closeTime = eventTime;
    bar.closeSequence = sequence;
  }
  bar.volume += size;
  bar.notional += price * size;
  bar.count++;
}

function vwapOf({ notional, volume }) {
  return volume === 0 ? null : notional / volume;
}

/** Emits the bars whose window is over, and forgets those that no late tick can reach. */
function completeBars(bars, completed, watermark) {
  for (const [key, bar] of bars) {
    if (!bar.fired && watermark >= bar.end - 1) {
      bar.fired = true;
      bar.vwap = vwapOf(bar);
      completed.push({ ...bar });
    }
    if (watermark >= bar.end - 1 + ALLOWED_LATENESS_MICROS) bars.delete(key);
  }
}

/** Gathers rows and inserts them, one insert in flight while the next is gathered. */
class Inserter {
  #client;
  #table;
  #rows = [];
  #inFlight = Promise.resolve();
  total = 0;

  constructor(client, table) {
    this.#client = client;
    this.#table = table;
  }

  /** Whether it is time to await `flush`. */
  add(row) {
    this.#rows.push(row);
    return this.#rows.length >= INSERT_ROWS;
  }

  async flush() {
    await this.#inFlight;
    if (this.#rows.length === 0) return;
    this.#inFlight = this.#client.insert({ table: this.#table, values: this.#rows, format: 'JSONEachRow' });
    this.total += this.#rows.length;
    this.#rows = [];
  }

  async close() {
    await this.flush();
    await this.#inFlight;
  }
}

async function createTables(client) {
  await client.command({ query: 'CREATE DATABASE IF NOT EXISTS app ENGINE = Atomic' });
  await client.command({
    query: `CREATE TABLE IF NOT EXISTS app.ticks (instrument LowCardinality(String), eventTime Int64, price Float64,
      size Float64, side LowCardinality(Nullable(String)), sequence Nullable(Int64), tradeId Nullable(String),
      publishTime Nullable(Int64), receiveTime Nullable(Int64), conditions LowCardinality(Nullable(String)),
      partition Int32, offset Int64)
      ENGINE = ReplacingMergeTree ORDER BY (instrument, eventTime, partition, offset)`,
  });
  await client.command({
    query: `CREATE TABLE IF NOT EXISTS app.bars (instrument LowCardinality(String), interval LowCardinality(String),
      start Int64, end Int64, revision UInt64, open Float64, high Float64, low Float64, close Float64, volume Float64,
      notional Float64, vwap Nullable(Float64), openTime Int64, openSequence Int64, closeTime Int64, closeSequence Int64,
      count Int64, partition Int32)
      ENGINE = ReplacingMergeTree(revision) ORDER BY (interval, instrument, start, end)`,
  });
}

if (command === 'produce') await produce(readCsv(argument));
else if (command === 'simulate') await produce(simulate(Number(argument)));
else if (command === 'compute') await compute();
else if (command === 'run') await run();
else throw new Error(`unknown command ${command}`);
await log.close();
