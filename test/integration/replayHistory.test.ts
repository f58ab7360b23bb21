import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openKafkaLog } from '../../src/log/kafka/kafkaLog.ts';
import type { Log } from '../../src/log/log.ts';
import { type EmbeddedRegistry, openEmbeddedRegistry } from '../../src/log/registry/embeddedRegistry.ts';
import { type RegistryServer, serveRegistry } from '../../src/log/registry/registryServer.ts';
import { effort } from '../support/effort.ts';
import { type Broker, startBroker, whyNoBroker } from '../support/kafka/broker.ts';
import { brokerSettings } from '../support/kafka/settings.ts';
import { killRepeatedly, seededRandom } from '../support/killing.ts';
import { contentsOf, contentsOfLog, withLog } from '../support/logContents.ts';
import { requirement } from '../support/requirement.ts';
import { startTidemark, tidemark } from '../support/tidemarkCommand.ts';

/** Each test runs some twenty commands, on two installations. */
const TIMEOUT_MS = 600_000;
const START_TIMEOUT_MS = 120_000;
const KILLS = 2;
const DAY = Date.UTC(2026, 0, 5);
const MINUTE_MS = 60_000;
const SYMBOLS = 8;
const RUN = ['run', '--roles', 'topology,sink', '--until-end'];
/** Small bounds, so that there are many commits. */
const env = {
  TIDEMARK_TOPOLOGY_MAX_RECORDS_PER_CHUNK: '100',
  TIDEMARK_COMMIT_MAX_RECORDS: '100',
  TIDEMARK_SINK_BATCH_ROWS: '500',
};

const noBroker = whyNoBroker();
const available = requirement('kafka', noBroker === null, `history on a Kafka broker: ${noBroker}`);

/** A data directory in which the history came too late, and one whose topic begins with it. */
let late = '';
let inOrder = '';
let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tidemark-history-'));
  [late, inOrder] = [join(directory, 'late'), join(directory, 'in-order')];
});
afterEach(() => {
  rmSync(directory, { recursive: true });
});

function write(name: string, text: string): string {
  const file = join(directory, name);
  writeFileSync(file, text);
  return file;
}

interface TestKind {
  readonly layout: string;
  /** The line of one row. */
  readonly row: (symbol: number, ms: number, price: number) => string;
  readonly everyMs: number;
}

const TICKS: TestKind = {
  layout: `{name: ticks, schema: tick, columns: [symbol, ms, price, size], fields: {instrument: {template: "test:{symbol}"},
    eventTime: {column: ms, unit: ms}, price: price, size: size}}`,
  row: (symbol, ms, price) => `s${symbol},${ms},${price},${1 + symbol}`,
  everyMs: 125,
};
const MINUTE_BARS: TestKind = {
  layout: `{name: minutes, schema: source_bar, columns: [symbol, ms, open, high, low, close, volume],
    fields: {instrument: {template: "test:{symbol}"}, interval: {value: 1m}, eventTime: {column: ms, unit: ms}, open: open,
      high: high, low: low, close: close, volume: volume, source: {value: test}}}`,
  row: (symbol, ms, price) => `s${symbol},${ms},${price},${price + 0.5},${price - 0.5},${price + 0.25},${1 + symbol}`,
  everyMs: MINUTE_MS / SYMBOLS,
};

/** Hours and days of published minutes. */
const HOURS = `import { aggregate, bounded, count, earliest, filter, keyBy, latest, max, min, sum, topology, tumbling, watermark, window } from 'tidemark';
  export default topology({ name: 'hours', version: 1, inputs: { bars: 'source_bars' },
    build: ({ bars }) => ({ hours: bars.pipe(
      filter((bar) => bar.interval === '1m'), watermark(bounded(0)), keyBy('instrument'),
      window([tumbling('1h'), tumbling('1d')]),
      aggregate({ open: earliest('open'), high: max('high'), low: min('low'), close: latest('close'), volume: sum('volume'), minutes: count() }),
    ) }) });`;

/** A file of rows in order of time, so many of all symbols in turn. */
function csv(name: string, { row, everyMs }: TestKind, fromMs: number, count: number): string {
  const random = seededRandom(fromMs % 1_000_003);
  const lines = Array.from({ length: count }, (_, i) => {
    return row(i % SYMBOLS, fromMs + i * everyMs, Math.round(random() * 400) / 4 + 1);
  });
  return write(name, `${lines.join('\n')}\n`);
}

/** Records of a history that the tasks of a generation have committed. */
async function readOf(log: Log, run: string, records: number): Promise<number> {
  const places = (await log.committed(run)).map(
    ({ metadata }) => (JSON.parse(metadata) as { position: number }).position,
  );
  const starts = (await log.ranges('ticks_history')).map(({ begin, end }) => begin - end);
  const left = starts.map((start, partition) => Math.min(0, places[partition] ?? start));
  return records + left.reduce((sum, place) => sum + place, 0);
}

describe('history that is older than its topic', { timeout: TIMEOUT_MS }, () => {
  it('is joined by a replay, killed in the middle of it, as if its ticks had come first', async () => {
    await expectJoined({ withLog: (use) => withLog(late, use), options: { env }, old: 8_000, kills: KILLS });
  });

  it('of published minutes is in hours and days on both sides of the seam', async () => {
    const layout = ['--layout', write('minutes.yaml', MINUTE_BARS.layout)];
    const topology = write('hours.ts', HOURS);
    const old = 90 * SYMBOLS;
    const oldFile = csv('old.csv', MINUTE_BARS, DAY, old);
    const liveFile = csv('live.csv', MINUTE_BARS, DAY + 90 * MINUTE_MS, 60 * SYMBOLS);
    const select = (data: string): Promise<string> => {
      const sql = 'SELECT * EXCEPT (version, logPartition, logOffset) FROM hours ORDER BY interval, symbol, start';
      return tidemark(data, ['query', sql, '--format', 'csv']);
    };
    await tidemark(late, ['produce', 'csv', ...layout, liveFile]);
    await tidemark(late, [...RUN, topology]);
    await tidemark(late, ['produce', 'csv', ...layout, '--topic', 'source_bars_history', oldFile]);
    await tidemark(late, ['replay', 'start', topology, '--history', 'source_bars_history']);
    await tidemark(late, ['replay', 'swap', topology]);
    await tidemark(inOrder, ['produce', 'csv', ...layout, oldFile, liveFile]);
    await tidemark(inOrder, [...RUN, topology]);
    const rows = await select(inOrder);
    // Hours 0, 1 and 2, and the day, of each symbol.
    expect(rows.trim().split('\n')).toHaveLength(1 + 4 * SYMBOLS);
    expect(await select(late)).toBe(rows);
    expect(await contentsOf(late, 'hours__g2')).toEqual(await contentsOf(inOrder, 'hours'));
  });
});

describe.skipIf(!available)('history on a Kafka broker', { timeout: TIMEOUT_MS }, () => {
  let broker: Broker;
  let registry: EmbeddedRegistry;
  let server: RegistryServer;
  let store = '';

  beforeAll(async () => {
    store = mkdtempSync(join(tmpdir(), 'tidemark-history-registry-'));
    broker = await startBroker();
    registry = await openEmbeddedRegistry({ directory: store });
    server = await serveRegistry(registry, 0);
  }, START_TIMEOUT_MS);

  afterAll(async () => {
    await server.close();
    await registry.close();
    await broker.remove();
    rmSync(store, { recursive: true });
  });

  it('is joined by a replay, with the ends of transactions between its records, as on the embedded log', async () => {
    const inLog = async <T>(use: (log: Log) => Promise<T>): Promise<T> => {
      const log = await openKafkaLog(brokerSettings(broker.urls));
      try {
        return await use(log);
      } finally {
        await log.close();
      }
    };
    const options = { env: { ...env, TIDEMARK_BROKER_URLS: broker.urls, TIDEMARK_REGISTRY_URL: server.url } };
    // With a kill it takes minutes: that is for the soak.
    const kills = Math.min(1, effort(1) - 1);
    await expectJoined({ withLog: inLog, options, old: 2_000 * (1 + kills), kills });
  });
});

/** Where the history comes too late. */
interface Installation {
  readonly options: { readonly env: Readonly<Record<string, string>> };
  readonly withLog: <T>(use: (log: Log) => Promise<T>) => Promise<T>;
  readonly old: number;
  readonly kills: number;
}

async function expectJoined({ options, withLog: inLog, old, kills }: Installation): Promise<void> {
  const live = 2_000;
  const liveMs = DAY + 4 * 60 * MINUTE_MS + old * TICKS.everyMs;
  const produce = ['produce', 'csv', '--layout', write('ticks.yaml', TICKS.layout)];
  const oldFile = csv('old.csv', TICKS, DAY, old);
  const liveFile = csv('live.csv', TICKS, liveMs, live);
  const nextFile = csv('next.csv', TICKS, liveMs + live * TICKS.everyMs, live);
  const start = ['replay', 'start', '--history', 'ticks_history'];

  await tidemark(late, [...produce, liveFile], options);
  await tidemark(late, RUN, options);
  const { stderr } = await startTidemark(late, [...produce, oldFile], options).result;
  expect(stderr).toMatch(/error TM_PRODUCE_HISTORY.*tidemark replay start --history/s);
  await tidemark(late, [...produce, '--topic', 'ticks_history', oldFile], options);
  const done = await inLog((log) =>
    killRepeatedly({
      ...{ progress: () => readOf(log, 'bars__g2', old), end: old, kills, random: seededRandom(11) },
      start: () => startTidemark(late, start, options),
    }),
  );
  expect(done).toHaveLength(kills);
  await tidemark(late, start, options);
  const { behind, intervals } = JSON.parse(await tidemark(late, ['replay', 'diff', '--json'], options));
  expect(behind).toBe(0);
  for (const { changed, missing, added } of intervals) {
    expect([changed, missing, added > 0]).toEqual([0, 0, true]);
  }
  await tidemark(late, ['replay', 'swap'], options);

  await tidemark(inOrder, [...produce, oldFile]);
  await tidemark(inOrder, [...produce, liveFile]);
  await tidemark(inOrder, RUN);
  await expectSame(inLog);
  await tidemark(late, [...produce, nextFile], options);
  await tidemark(inOrder, [...produce, nextFile]);
  await tidemark(late, RUN, options);
  await tidemark(inOrder, RUN);
  await expectSame(inLog);
}

/** Bars that users see, and the results in the log. */
async function expectSame(inLog: Installation['withLog']): Promise<void> {
  for (const interval of ['1s', '1h']) {
    const bars = ['bars', '--interval', interval, '--format', 'csv'];
    const expected = await tidemark(inOrder, bars);
    expect(expected.split('\n').length).toBeGreaterThan(SYMBOLS);
    expect(await tidemark(late, bars)).toBe(expected);
  }
  expect(await inLog((log) => contentsOfLog(log, 'bars__g2'))).toEqual(await contentsOf(inOrder, 'bars'));
}
