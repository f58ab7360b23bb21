import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openEmbeddedRegistry } from '../../src/log/registry/embeddedRegistry.ts';
import { serveRegistry } from '../../src/log/registry/registryServer.ts';
import { effort } from '../support/effort.ts';
import { type Broker, startBroker, whyNoBroker } from '../support/kafka/broker.ts';
import { decodeAll, readCommitted, watchGroup } from '../support/kafka/plainClient.ts';
import { killRepeatedly, seededRandom } from '../support/killing.ts';
import { dataFile, haveDataFiles, readLines } from '../support/oracle/files.ts';
import { parseCsv } from '../support/oracle/rows.ts';
import { readTrades, type Trade } from '../support/oracle/tradeBars.ts';
import { requirement } from '../support/requirement.ts';
import { type CommandOptions, startTidemark } from '../support/tidemarkCommand.ts';
import { allBarsCsv, expectBarsOf, produceTrades, queryCount, runToEnd, TRADES } from '../support/tradeRuns.ts';

const TEST_TIMEOUT_MS = effort(300_000);
/** The soak takes all of the 78,638 trades, as kafkaTrades.test.ts does without faults. */
const TRADES_TAKEN = effort(12_000);
const KILLS = effort(10);
/** The group of the topology's tasks, as a broker shows it. */
const GROUP = 'tidemark.bars';
const RUN = ['run', '--roles', 'topology,sink', '--until-end'];

/** Small bounds, so that a run over the trades has many commits. */
const BOUNDS = {
  TIDEMARK_PRODUCER_BATCH_RECORDS: '1000',
  TIDEMARK_TOPOLOGY_MAX_RECORDS_PER_CHUNK: '100',
  TIDEMARK_COMMIT_MAX_RECORDS: '100',
  TIDEMARK_SINK_BATCH_ROWS: '500',
};

/** The seed can be given, to repeat a run that failed. */
const seed = Number(process.env.TIDEMARK_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));

interface Cluster {
  readonly broker: Broker;
  readonly registryUrl: string;
  readonly options: CommandOptions;
  close(): Promise<void>;
}

const missing = whyNoBroker();
const available =
  requirement('data', haveDataFiles(), 'faults over the real Binance trades on a Kafka broker') &&
  requirement('kafka', missing === null, `faults on a Kafka broker: ${missing}`);

describe.skipIf(!available)(`bars of real trades through a Kafka broker (TIDEMARK_TEST_SEED=${seed})`, () => {
  let directory: string;
  let file: string;
  let trades: Trade[];
  /** What the embedded log gives. */
  let calm: Readonly<Record<string, string>>;
  let cluster: Cluster | undefined;

  beforeAll(async () => {
    console.log(`TIDEMARK_TEST_SEED=${seed}`);
    directory = await mkdtemp(join(tmpdir(), 'tidemark-kafka-faults-'));
    file = join(directory, 'trades.csv');
    const lines = readLines(dataFile(TRADES)).slice(0, TRADES_TAKEN + 1);
    await writeFile(file, `${lines.join('\n')}\n`);
    trades = readTrades(file);
    const embedded = join(directory, 'embedded');
    await produceTrades(embedded, [file]);
    await runToEnd(embedded);
    calm = await allBarsCsv(embedded);
    expectBarsOf(trades, calm);
  }, TEST_TIMEOUT_MS);

  afterEach(async () => {
    await cluster?.close();
    cluster = undefined;
  });

  afterAll(async () => {
    await rm(directory, { recursive: true, force: true });
  });

  /** A broker and a registry that hold the trades, until the test's end. */
  async function clusterOf(name: string): Promise<Cluster> {
    const broker = await startBroker();
    const registry = await openEmbeddedRegistry({ directory: join(directory, `${name}-registry`) });
    const server = await serveRegistry(registry, 0);
    const env = { ...BOUNDS, TIDEMARK_BROKER_URLS: broker.urls, TIDEMARK_REGISTRY_URL: server.url };
    const made: Cluster = {
      broker,
      registryUrl: server.url,
      options: { env },
      async close() {
        await server.close();
        await registry.close();
        await broker.remove();
      },
    };
    cluster = made;
    await produceTrades(join(directory, name), [file], made.options);
    return made;
  }

  async function expectCalm(data: string, { broker, registryUrl }: Cluster): Promise<void> {
    const bars = await allBarsCsv(data);
    expect(bars).toEqual(calm);
    expect(await queryCount(data, 'SELECT count() FROM ticks')).toBe(trades.length);
    expect(await queryCount(data, 'SELECT count() FROM late')).toBe(0);

    const records = await readCommitted(broker.urls, 'bars');
    const results = (await decodeAll(records, registryUrl)).map(
      ({ instrument, interval, start, revision }) => `${instrument} ${interval} ${start} ${revision}`,
    );
    const expected = Object.entries(bars).flatMap(([interval, csv]) =>
      parseCsv(csv).map(({ symbol, start, revision }) => `${symbol} ${interval} ${microsOf(start)} ${revision}`),
    );
    // No trade is late in this data, so each bar has one revision: each is there, and there once.
    expect(results.sort()).toEqual(expected.sort());
  }

  it('are the same after kill -9 of the run, ten times between two commits, and each is in the topic once', {
    timeout: TEST_TIMEOUT_MS,
  }, async () => {
    const own = await clusterOf('kills');
    const data = join(directory, 'kills');
    const start = () => startTidemark(data, RUN, own.options);
    const group = await watchGroup(own.broker.urls, GROUP, 'ticks');
    const kills = await killRepeatedly({
      progress: () => group.committed(),
      end: trades.length,
      start,
      kills: KILLS,
      random: seededRandom(seed),
    });
    console.log(`killed at ${kills.map(({ after }) => after).join(', ')} of ${trades.length}`);
    await group.close();
    await runToEnd(data, [], own.options);
    await expectCalm(data, own);
  });

  it('are the same though the broker was killed and started again in mid-run', {
    timeout: TEST_TIMEOUT_MS,
  }, async () => {
    const own = await clusterOf('restart');
    const data = join(directory, 'restart');
    const group = await watchGroup(own.broker.urls, GROUP, 'ticks');
    const run = startTidemark(data, RUN, own.options);
    while (run.running() && (await group.committed()) < trades.length / 4) await new Promise(setImmediate);
    await group.close();
    expect(run.running()).toBe(true);
    await own.broker.kill();
    await own.broker.start();
    const { status, signal, stderr } = await run.result;
    expect({ status, signal }, stderr).toEqual({ status: 0, signal: null });
    await expectCalm(data, own);
  });
});

function microsOf(iso: string | undefined): number {
  return Date.parse(iso ?? '') * 1_000;
}
