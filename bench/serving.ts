import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadConfig } from '../src/config/load.ts';
import { barsStatement, storedGeneration } from '../src/query/bars.ts';
import { type ClickHouse, openClickHouse } from '../src/sinks/clickhouse/connect.ts';
import { addressOf } from './address.ts';
import type { Figure } from './figures.ts';
import { measure } from './measure.ts';
import { seededRandom } from './random.ts';
import { line } from './table.ts';

const SYMBOLS = 100;
const MINUTES_A_DAY = 1_440;
const FIRST_DAY_MS = Date.UTC(2024, 0, 1);
const DAY_MS = MINUTES_A_DAY * 60_000;
/** Asked, and not counted, so that neither side pays for what is done once. */
const WARM_UP = 30;
const MERGES_WITHIN_MS = 120_000;
const LOOK_EVERY_MS = 100;

interface Latencies {
  readonly by: 'GET /v1/bars' | 'ClickHouse directly';
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface ServingOptions {
  /** The command line's script. */
  readonly tidemark: string;
  /** An empty directory. */
  readonly directory: string;
  /** At least so many bars are in the table. */
  readonly bars: number;
  readonly requests: number;
}

/**
 * Asks for one symbol's minute bars of one day, of the API and of ClickHouse in turns: the same statement through the same
 * driver, answered by the same engine, which the API's process holds. Prints the table.
 */
export async function serving(options: ServingOptions): Promise<Figure[]> {
  const measured = await latenciesOf(options);
  console.log(table(measured, options.bars));
  return measured.flatMap(({ by, p50Ms, p99Ms }) => [
    { name: `bars of a day, ${by}`, unit: 'p50 ms', value: p50Ms },
    { name: `bars of a day, ${by}`, unit: 'p99 ms', value: p99Ms },
  ]);
}

async function latenciesOf({ tidemark, directory, bars, requests }: ServingOptions): Promise<Latencies[]> {
  const days = Math.ceil(bars / (SYMBOLS * MINUTES_A_DAY));
  const usageFile = `${directory}-usage`;
  await measure(tidemark, ['produce', 'simulate', '--fast', '--count', '1000', '--data', directory], usageFile);
  await measure(tidemark, ['run', '--until-end', '--data', directory], usageFile);
  await fill(directory, days);
  const child = spawn(process.execPath, [tidemark, 'run', '--roles', 'api', '--port', '0', '--data', directory], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  try {
    const url = await addressOf(child);
    const clickhouse = await open(directory);
    try {
      return await ask(url, clickhouse, { days, requests });
    } finally {
      await clickhouse.close();
    }
  } finally {
    child.kill('SIGTERM');
    await once(child, 'close');
  }
}

function open(directory: string): Promise<ClickHouse> {
  const { clickhouse } = loadConfig({
    env: {},
    flags: new Map([['data.directory', { value: directory, where: 'bench' }]]),
  });
  return openClickHouse({ ...clickhouse, directory });
}

/** Minute bars of every symbol, a day an insert, as a sink that has followed the market would have left them. */
async function fill(directory: string, days: number): Promise<void> {
  const clickhouse = await open(directory);
  try {
    for (let day = 0; day < days; day++) {
      const at = FIRST_DAY_MS + day * DAY_MS;
      await clickhouse.command(
        `INSERT INTO bars__g1 (symbol, interval, start, end, revision, final, deleted, open, high, low, close, volume, notional,
           vwap, openTime, openSequence, closeTime, closeSequence, count, version, logPartition, logOffset)
         SELECT ${symbol('number')}, '1m', fromUnixTimestamp64Milli(toInt64(${at} + intDiv(number, ${SYMBOLS}) * 60000), 'UTC') AS s,
           s + INTERVAL 1 MINUTE, 0, true, false, 100 + rand(1) % 10000 / 100 AS o, o + rand(2) % 100 / 100, o - rand(3) % 100 / 100,
           o + (rand(4) % 200) / 100 - 1, (rand(5) % 1000000) / 10000, (rand(6) % 100000000) / 10000, o + rand(7) / 4294967296,
           s, 1, s + INTERVAL 59 SECOND, 2, rand(8) % 500, 1099511627776, number % 4, intDiv(number, 4)
         FROM numbers(${SYMBOLS * MINUTES_A_DAY})`,
      );
    }
  } finally {
    await clickhouse.close();
  }
}

function symbol(number: string): string {
  return `concat('bench:S', toString(${number} % ${SYMBOLS}))`;
}

async function ask(
  url: string,
  clickhouse: ClickHouse,
  { days, requests }: { readonly days: number; readonly requests: number },
): Promise<Latencies[]> {
  await untilMerged(clickhouse);
  const random = seededRandom(1);
  const generation = await storedGeneration(clickhouse, 'bars');
  const api: number[] = [];
  const direct: number[] = [];
  for (let request = 0; request < WARM_UP + requests; request++) {
    const fromMs = FIRST_DAY_MS + Math.floor(random() * days) * DAY_MS;
    const query = { symbol: `bench:S${Math.floor(random() * SYMBOLS)}`, interval: '1m' };
    const range = { fromMicros: fromMs * 1_000, toMicros: (fromMs + DAY_MS) * 1_000 };
    const search = new URLSearchParams({ ...query, from: String(fromMs), to: String(fromMs + DAY_MS) });
    const apiMs = await timed(async () => {
      const response = await fetch(`${url}/v1/bars?${search}`);
      const rows = (await response.json()) as unknown[];
      return rows.length;
    });
    const directMs = await timed(async () => {
      const statement = barsStatement({ topology: 'bars', output: 'bars', ...query, ...range }, generation ?? 0);
      let rows = 0;
      for await (const part of clickhouse.stream(statement.sql, statement.options)) rows += lines(part);
      return rows;
    });
    if (request < WARM_UP) continue;
    api.push(apiMs);
    direct.push(directMs);
  }
  return [latencies('GET /v1/bars', api), latencies('ClickHouse directly', direct)];
}

/** What the inserts have left to merge would be measured with the requests. */
async function untilMerged(clickhouse: ClickHouse): Promise<void> {
  const deadlineMs = performance.now() + MERGES_WITHIN_MS;
  while (performance.now() < deadlineMs) {
    const [merges] = await clickhouse.rows<{ count: string }>('SELECT toString(count()) AS count FROM system.merges');
    if (merges?.count === '0') return;
    await sleep(LOOK_EVERY_MS);
  }
  throw new Error(`ClickHouse still merges after ${MERGES_WITHIN_MS} ms`);
}

/** Milliseconds until a day of bars is there. */
async function timed(askBars: () => Promise<number>): Promise<number> {
  const startedMs = performance.now();
  const bars = await askBars();
  const tookMs = performance.now() - startedMs;
  if (bars !== MINUTES_A_DAY) throw new Error(`${bars} bars came, not ${MINUTES_A_DAY}`);
  return tookMs;
}

function lines(bytes: Uint8Array): number {
  let count = 0;
  for (const byte of bytes) if (byte === 0x0a) count++;
  return count;
}

function latencies(by: Latencies['by'], ms: number[]): Latencies {
  const sorted = ms.sort((a, b) => a - b);
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
  return { by, p50Ms: at(0.5), p99Ms: at(0.99) };
}

function table(latencies: readonly Latencies[], bars: number): string {
  const direct = latencies.find(({ by }) => by === 'ClickHouse directly');
  const lines = [line(['bars of a day', 'by', 'p50 ms', 'p99 ms', 'ratio of p50', 'ratio of p99'], 2)];
  for (const { by, p50Ms, p99Ms } of latencies) {
    const ratios = [p50Ms / (direct?.p50Ms ?? Number.NaN), p99Ms / (direct?.p99Ms ?? Number.NaN)];
    lines.push(
      line(
        [
          `of ${bars.toLocaleString('en-US')}`,
          by,
          p50Ms.toFixed(1),
          p99Ms.toFixed(1),
          ...ratios.map((ratio) => `${ratio.toFixed(2)}x`),
        ],
        2,
      ),
    );
  }
  return lines.join('\n');
}
