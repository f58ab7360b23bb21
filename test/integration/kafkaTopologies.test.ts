import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseRecordSchema } from '../../src/core/avro/parseSchema.ts';
import { openKafkaLog } from '../../src/log/kafka/kafkaLog.ts';
import type { Log } from '../../src/log/log.ts';
import { type EmbeddedRegistry, openEmbeddedRegistry } from '../../src/log/registry/embeddedRegistry.ts';
import type { SchemaRegistry } from '../../src/log/registry/registry.ts';
import { type RegistryServer, serveRegistry } from '../../src/log/registry/registryServer.ts';
import { taskPositions } from '../../src/runtime/positions.ts';
import { TopicRows } from '../../src/runtime/topicRows.ts';
import type { WindowStatus } from '../../src/runtime/windowStatus.ts';
import { type Late, lateSchema, tickSchema } from '../../src/schemas.generated.ts';
import { type Broker, startBroker, whyNoBroker } from '../support/kafka/broker.ts';
import { brokerSettings } from '../support/kafka/settings.ts';
import { seededRandom } from '../support/killing.ts';
import { contentsOf, contentsOfLog, withLog } from '../support/logContents.ts';
import { requirement } from '../support/requirement.ts';
import { startTidemark, tidemark } from '../support/tidemarkCommand.ts';

const START_TIMEOUT_MS = 120_000;
const TEST_TIMEOUT_MS = 240_000;
const POLL_MS = 50;
const START_MS = Date.UTC(2026, 0, 5, 9);
const KEYS = ['A', 'B', 'C', 'D', 'E'];

const TICKS = `
name: few-ticks
file: '^(ticks|more)-'
schema: tick
fields:
  instrument: { template: "test:{symbol}" }
  eventTime: { column: ms, unit: ms }
  price: price
  size: qty
`;

const QUOTES = `
name: few-quotes
file: '^quotes-'
schema: quote
fields:
  instrument: { template: "test:{symbol}" }
  eventTime: { column: ms, unit: ms }
  bid: price
  ask: qty
`;

/** The late ledger without the offsets: those of a broker count the ends of transactions. */
async function lateRows(log: Log, registry: SchemaRegistry) {
  const ranges = await log.ranges('quoted.late');
  const start = ranges.map((range) => ({ ...range, offset: range.begin }));
  const reader = await TopicRows.open<Late>({ log, registry }, parseRecordSchema(lateSchema), start);
  const rows: Late[] = [];
  while (ranges.some((range) => reader.position(range) < range.end)) {
    rows.push(...(await reader.read(POLL_MS)).map(({ row }) => row));
  }
  await reader.close();
  rows.sort((a, b) => a.partition - b.partition);
  return rows.map(({ topic, partition, key, eventTime, watermark, intervals }) => [
    topic,
    partition,
    key,
    eventTime,
    watermark,
    intervals,
  ]);
}

/** Ticks of two topics as one stream, each with the quote in force at its time. */
const TOPOLOGY = `
import { aggregate, asOfJoin, bounded, count, keyBy, last, session, sum, topology, tumbling, union, watermark, window } from 'tidemark';
const more = { topic: 'more_ticks', schema: ${JSON.stringify(tickSchema)} };
export default topology({ name: 'quoted', version: 1, inputs: { ticks: 'ticks', more, quotes: 'quotes' },
  build: ({ ticks, more, quotes }) => ({ quoted: asOfJoin(
    union(ticks.pipe(watermark(bounded(500))), more.pipe(watermark(bounded(1_500)))).pipe(keyBy('instrument')),
    quotes.pipe(watermark(bounded(1_000)), keyBy('instrument')),
    { take: { bid: 'bid' }, maxAgeMs: 5_000 },
  ).pipe(
    window([tumbling('1s'), tumbling('1m'), session('2s')], { allowedLatenessMs: 3_000 }),
    aggregate({ n: count(), size: sum('size'), bid: last('bid') }),
  ) }) });
`;

/** Ticks by the last digit of their size, which lie in all partitions. */
const REPARTITIONED = `
import { aggregate, bounded, count, map, repartition, session, sum, topology, tumbling, watermark, window } from 'tidemark';
const row = { type: 'record', name: 'Sized', fields: [
  { name: 'eventTime', type: { type: 'long', logicalType: 'timestamp-micros' } },
  { name: 'digit', type: 'string' },
  { name: 'size', type: 'double' },
] };
export default topology({ name: 'digits', version: 1, inputs: { ticks: 'ticks' },
  build: ({ ticks }) => ({ digits: ticks.pipe(
    map(row, ({ eventTime, size }) => ({ eventTime, digit: String(size % 10), size })),
    watermark(bounded(500)),
    repartition('digit', { name: 'by_digit' }),
    window([tumbling('1s'), tumbling('1m'), session('2s')], { allowedLatenessMs: 3_000 }),
    aggregate({ n: count(), size: sum('size') }),
  ) }) });
`;

const BY_DIGIT = 'digits.by_digit-repartition';

const missing = whyNoBroker();
const available = requirement('kafka', missing === null, `topologies of several inputs on a Kafka broker: ${missing}`);

describe.skipIf(!available)('a topology on a Kafka broker', () => {
  let directory: string;
  let broker: Broker;
  let server: RegistryServer;
  let registry: EmbeddedRegistry;
  let options: { readonly env: Readonly<Record<string, string>> };

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'tidemark-inputs-'));
    broker = await startBroker();
    registry = await openEmbeddedRegistry({ directory: join(directory, 'registry') });
    server = await serveRegistry(registry, 0);
    options = { env: { TIDEMARK_BROKER_URLS: broker.urls, TIDEMARK_REGISTRY_URL: server.url } };
  }, START_TIMEOUT_MS);

  afterAll(async () => {
    await server.close();
    await registry.close();
    await broker.remove();
    rmSync(directory, { recursive: true });
  });

  function file(name: string, text: string): string {
    writeFileSync(join(directory, name), text);
    return join(directory, name);
  }

  /** Rows in order of arrival, some out of order, a few late. */
  function rows(name: string, seed: number, count: number, fromMs: number): string {
    const random = seededRandom(seed);
    const lines = Array.from({ length: count }, (_, i) => {
      const disorderMs = random() < 0.03 ? random() * 20_000 : random() * 800;
      const symbol = KEYS[Math.floor(random() * KEYS.length)];
      return `${symbol},${Math.floor(fromMs + i * 100 - disorderMs)},${1 + Math.floor(random() * 900)},${1 + Math.floor(random() * 9)}\n`;
    });
    return file(name, `symbol,ms,price,qty\n${lines.join('')}`);
  }

  type Options = Parameters<typeof tidemark>[2];

  async function produce(data: string, part: number, given?: Options): Promise<void> {
    const fromMs = START_MS + part * 40_000;
    const ticks = file('ticks.yaml', TICKS);
    const quotes = file('quotes.yaml', QUOTES);
    const csv = (...files: string[]) =>
      tidemark(data, ['produce', 'csv', '--allow-late', '--layout', ticks, '--layout', quotes, ...files], given);
    const quoted = rows(`quotes-${part}.csv`, 21 + part, 300, fromMs);
    await csv(rows(`ticks-${part}.csv`, 1 + part, 400, fromMs), quoted);
    await csv(rows(`more-${part}.csv`, 11 + part, 200, fromMs), '--topic', 'more_ticks');
  }

  function runArgs(): string[] {
    return ['run', file('quoted.ts', TOPOLOGY), '--roles', 'topology', '--until-end'];
  }

  async function explain(data: string, at: string, given?: Options): Promise<WindowStatus> {
    const question = ['--explain', 'test:A', '--interval', '1m', '--at', at];
    return JSON.parse(await tidemark(data, ['status', join(directory, 'quoted.ts'), ...question, '--json'], given));
  }

  async function onBroker<T>(use: (log: Log) => Promise<T>): Promise<T> {
    const log = await openKafkaLog(brokerSettings(broker.urls));
    try {
      return await use(log);
    } finally {
      await log.close();
    }
  }

  it('of three inputs, united and joined, gives the bytes that it gives on the embedded log, though its run is killed, and says why a window is open', {
    timeout: TEST_TIMEOUT_MS,
  }, async () => {
    const [embedded, data] = [join(directory, 'embedded'), join(directory, 'data')];
    for (const part of [0, 1]) {
      await produce(embedded, part);
      await tidemark(embedded, runArgs());
      await produce(data, part, options);
      const small = { TIDEMARK_TOPOLOGY_MAX_RECORDS_PER_CHUNK: '20', TIDEMARK_COMMIT_MAX_RECORDS: '20' };
      const killed = startTidemark(data, runArgs(), { env: { ...options.env, ...small } });
      await onBroker(async (log) => {
        const begun = await log.committed('quoted');
        const sum = (positions: readonly { offset: number }[]) =>
          positions.reduce((all, { offset }) => all + offset, 0);
        while (killed.running() && sum(await log.committed('quoted')) <= sum(begun));
      });
      killed.killHard();
      await killed.result;
      await tidemark(data, runArgs(), options);
    }
    for (const topic of ['ticks', 'more_ticks', 'quotes', 'quoted']) {
      const expected = await contentsOf(embedded, topic);
      expect(await onBroker((log) => contentsOfLog(log, topic)), topic).toEqual(expected);
      expect(
        expected.some(({ records }) => records > 0),
        topic,
      ).toBe(true);
    }

    const embeddedRegistry = await openEmbeddedRegistry({ directory: join(embedded, 'log') });
    const late = await withLog(embedded, (log) => lateRows(log, embeddedRegistry));
    await embeddedRegistry.close();
    expect(await onBroker((log) => lateRows(log, registry))).toEqual(late);
    expect(new Set(late.map(([topic]) => topic))).toEqual(new Set(['ticks', 'more_ticks', 'quotes']));

    for (const [at, state] of [
      ['2026-01-05T09:01:10Z', 'open'],
      ['2026-01-05T09:00:10Z', 'expired'],
    ] as const) {
      const expected = await explain(embedded, at);
      const actual = await explain(data, at, options);
      expect(actual.window).toEqual(expected.window);
      expect(actual.window?.state).toBe(state);
      const { watermark, partition, task } = expected;
      expect(actual).toMatchObject({ watermark, partition, task });
      const known = ({ inputs }: WindowStatus) =>
        inputs.map(({ topic, lag, isIdle, neededMicros, lastRecordMs }) => [
          topic,
          lag,
          isIdle,
          neededMicros,
          lastRecordMs !== null,
        ]);
      expect(known(actual)).toEqual(known(expected));
      expect(known(actual).map(([topic, lag, , , isKnown]) => [topic, lag, isKnown])).toEqual([
        ['ticks', 0, true],
        ['more_ticks', 0, true],
        ['quotes', 0, true],
      ]);
    }
  });

  it('has its quiet windows closed by the wall clock of a live run, and keeps to that after kill -9', {
    timeout: TEST_TIMEOUT_MS,
  }, async () => {
    const [embedded, data] = [join(directory, 'embedded'), join(directory, 'data')];
    const clock = { TIDEMARK_TOPOLOGY_WALL_CLOCK_AFTER_MS: '500', TIDEMARK_TOPOLOGY_WALL_CLOCK_EVERY_MS: '100' };
    const live = startTidemark(data, ['run', '--roles', 'topology'], { env: { ...options.env, ...clock } });
    // The last bars of a second are due a second or more after their ticks.
    const tasksOf = async (log: Log) => {
      const positions = (await log.listTopics()).some(({ topic }) => topic === 'bars.control')
        ? await taskPositions(log)
        : [];
      return positions.filter(({ topology, watermark }) => topology === 'bars' && watermark !== null);
    };
    const closed = await onBroker(async (log) => {
      for (;;) {
        if (!live.running()) throw new Error((await live.result).stderr);
        const tasks = await tasksOf(log);
        if (tasks.length > 1 && tasks.every(({ lag, clockMicros }) => lag === 0 && clockMicros > 0)) return tasks;
      }
    });
    live.killHard();
    await live.result;
    expect(await tidemark(data, ['status'], options)).toMatch(/\n *bars +ticks .* \+[0-9.]+ s\n/);
    const until = ['run', '--roles', 'topology', '--until-end'];
    await tidemark(data, until, options);
    await tidemark(embedded, until);
    const after = await onBroker(tasksOf);
    for (const [i, { watermark }] of closed.entries()) {
      expect(after[i]?.watermark).toBeGreaterThanOrEqual(watermark ?? Number.NaN);
    }
    for (const topic of ['bars', 'bars.late']) {
      const counts = (contents: readonly { records: number }[]) => contents.map(({ records }) => records);
      const expected = counts(await contentsOf(embedded, topic));
      expect(counts(await onBroker((log) => contentsOfLog(log, topic))), topic).toEqual(expected);
    }
  });

  it('of two stages gives the bytes that it gives on the embedded log, though both processes that share it are killed', {
    timeout: TEST_TIMEOUT_MS,
  }, async () => {
    const [embedded, data] = [join(directory, 'embedded'), join(directory, 'data')];
    const args = ['run', file('digits.ts', REPARTITIONED), '--roles', 'topology', '--until-end'];
    await tidemark(embedded, args);
    const small = { TIDEMARK_TOPOLOGY_MAX_RECORDS_PER_CHUNK: '20', TIDEMARK_COMMIT_MAX_RECORDS: '20' };
    const live = args.slice(0, -1);
    const [first, second] = ['first', 'second'].map((name) =>
      startTidemark(join(directory, name), live, { env: { ...options.env, ...small } }),
    ) as [ReturnType<typeof startTidemark>, ReturnType<typeof startTidemark>];
    const passed = async (log: Log) => (await endOf(log, BY_DIGIT)) > 0;
    await onBroker(async (log) => {
      while (first.running() && second.running() && !(await passed(log)));
    });
    for (const { running } of [first, second]) expect(running()).toBe(true);
    first.killHard();
    await first.result;
    second.killHard();
    await second.result;
    const tasks = await onBroker(taskPositions);
    expect(tasks.some(({ topology, lag }) => topology.startsWith('digits') && lag > 0)).toBe(true);
    await tidemark(data, args, options);
    const results = await contentsOf(embedded, 'digits');
    expect(await onBroker((log) => contentsOfLog(log, 'digits'))).toEqual(results);
    expect(results.filter(({ records }) => records > 0).length).toBeGreaterThan(1);
    // How the records of several upstream partitions lie between each other is up to who writes first.
    const counts = (contents: readonly { records: number }[]) => contents.map(({ records }) => records);
    const moved = counts(await contentsOf(embedded, BY_DIGIT));
    expect(counts(await onBroker((log) => contentsOfLog(log, BY_DIGIT)))).toEqual(moved);
  });
});

async function endOf(log: Log, topic: string): Promise<number> {
  if (!(await log.listTopics()).some((each) => each.topic === topic)) return 0;
  return (await log.ranges(topic)).reduce((sum, { end }) => sum + end, 0);
}
