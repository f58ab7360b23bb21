import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import avsc from 'avsc';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openKafkaLog } from '../../src/log/kafka/kafkaLog.ts';
import { type EmbeddedRegistry, openEmbeddedRegistry } from '../../src/log/registry/embeddedRegistry.ts';
import { type RegistryServer, serveRegistry } from '../../src/log/registry/registryServer.ts';
import { tickSchema } from '../../src/schemas.generated.ts';
import { endAll, run, type Started, start } from '../cli/command.ts';
import { type ClickHouseServer, openClickHouseServer } from '../support/clickHouseServer.ts';
import { type Broker, startBroker, whyNoBroker } from '../support/kafka/broker.ts';
import { brokerSettings } from '../support/kafka/settings.ts';
import { dataFile, haveDataFiles, readLines } from '../support/oracle/files.ts';
import { readTrades } from '../support/oracle/tradeBars.ts';
import { requirement } from '../support/requirement.ts';
import { allBarsCsv, expectBarsOf, TRADES, TRADES_LAYOUT } from '../support/tradeRuns.ts';

const START_TIMEOUT_MS = 120_000;
const TEST_TIMEOUT_MS = 180_000;
const SLICE = 1_000;
const PIPELINE = ['run', '--roles', 'topology,sink'];
/** Of the one tick that is written with a newer schema. */
const EVOLVED_INSTRUMENT = 'test:EVOLVED';

/** Within the allowed lateness of all trades that are produced here. */
const FIRST_TRADE_MICROS = 1_723_161_255_342_000;

type Server = 'the broker' | 'the schema registry' | 'ClickHouse';

const CODES: Readonly<Record<Server, string>> = {
  'the broker': 'TM_BROKER_UNREACHABLE',
  'the schema registry': 'TM_REGISTRY_UNREACHABLE',
  ClickHouse: 'TM_CLICKHOUSE_UNREACHABLE',
};
const servers = Object.keys(CODES) as Server[];

const missing = whyNoBroker();
const available =
  requirement('data', haveDataFiles(), 'outages over the real Binance trades') &&
  requirement('kafka', missing === null, `outages of a broker, a registry and ClickHouse: ${missing}`);

describe.skipIf(!available)('a run whose servers go away', { timeout: TEST_TIMEOUT_MS }, () => {
  let directory: string;
  let broker: Broker;
  let registry: EmbeddedRegistry;
  let registryServer: RegistryServer;
  let registryPort: number;
  let clickhouse: ClickHouseServer;
  let env: Record<string, string>;
  let header: string;
  let lines: string[];
  let sliced = 0;
  /** Ticks in the log. */
  let produced = 0;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'tidemark-outages-'));
    broker = await startBroker();
    registry = await openEmbeddedRegistry({ directory: join(directory, 'registry') });
    registryServer = await serveRegistry(registry, 0);
    registryPort = Number(new URL(registryServer.url).port);
    clickhouse = await openClickHouseServer(join(directory, 'clickhouse'));
    env = {
      TIDEMARK_BROKER_URLS: broker.urls,
      TIDEMARK_REGISTRY_URL: registryServer.url,
      TIDEMARK_CLICKHOUSE_URL: clickhouse.url,
      TIDEMARK_DATA_DIRECTORY: join(directory, 'data'),
      TIDEMARK_COMMIT_MAX_RECORDS: '100',
    };
    [header = '', ...lines] = readLines(dataFile(TRADES));
  }, START_TIMEOUT_MS);

  afterEach(async () => {
    clickhouse.fault = () => null;
    await endAll();
  });

  afterAll(async () => {
    await clickhouse.close();
    await registryServer.close();
    await registry.close();
    await broker.remove();
    rmSync(directory, { recursive: true, force: true });
  });

  async function stop(server: Server): Promise<void> {
    if (server === 'the broker') await broker.stop();
    else if (server === 'ClickHouse') await clickhouse.stop();
    else await registryServer.close();
  }

  async function startAgain(server: Server): Promise<void> {
    if (server === 'the broker') await broker.start();
    else if (server === 'ClickHouse') await clickhouse.start();
    else registryServer = await serveRegistry(registry, registryPort);
  }

  /** Produces the next slice of the trades. */
  async function produceNext(): Promise<void> {
    const file = join(directory, `${sliced}.csv`);
    writeFileSync(file, `${[header, ...lines.slice(sliced, sliced + SLICE)].join('\n')}\n`);
    const { status, stderr } = await run(['produce', 'csv', '--layout', TRADES_LAYOUT, file], { env });
    expect(status, stderr).toBe(0);
    sliced += SLICE;
    produced += SLICE;
  }

  /** Writes a tick whose schema the run has not met; returns what does it, for when the registry is away. */
  async function evolvedTick(): Promise<() => Promise<void>> {
    const evolved = { ...tickSchema, fields: [...tickSchema.fields, { name: 'note', type: 'string', default: '' }] };
    const id = await registry.register('ticks-value', JSON.stringify(evolved));
    const tick = {
      instrument: EVOLVED_INSTRUMENT,
      eventTime: FIRST_TRADE_MICROS,
      price: 1,
      size: 1,
      note: 'new',
    };
    const framing = Buffer.alloc(5);
    framing.writeInt32BE(id, 1);
    const unset = { side: null, tradeId: null, sequence: null };
    const values = Buffer.concat([
      framing,
      avsc.Type.forSchema(evolved as avsc.Schema).toBuffer({ ...unset, ...tick }),
    ]);
    return async () => {
      const log = await openKafkaLog(brokerSettings(broker.urls));
      const writer = await log.openWriter('evolved');
      const keys = Buffer.from(EVOLVED_INSTRUMENT);
      const keyOffsets = Int32Array.of(0, keys.length);
      const records = { count: 1, keys, keyOffsets, values, valueOffsets: Int32Array.of(0, values.length) };
      await writer.commit({ appends: [{ topic: 'ticks', partition: 0, records }], positions: [] });
      await log.close();
      produced++;
    };
  }

  /** Has the run need a server that is away. */
  async function need(server: Server): Promise<void> {
    if (server === 'ClickHouse') await produceNext();
  }

  /** How many ticks ClickHouse holds, asked directly. */
  async function stored(): Promise<number> {
    const body = 'SELECT count() FROM ticks FORMAT CSV';
    const answer = await fetch(`${clickhouse.url}/?database=tidemark`, { method: 'POST', body });
    return Number(await answer.text());
  }

  async function expectAllStored(): Promise<void> {
    await expect.poll(stored, { timeout: 60_000 }).toBe(produced);
  }

  it.each(servers)('says what to do when %s is away at the start', async (server) => {
    await stop(server);
    const impatient = { ...env, TIDEMARK_OUTAGE_START_TIMEOUT_MS: '500' };
    const { status, stderr } = await run([...PIPELINE, '--until-end'], { env: impatient });
    await startAgain(server);
    expect(status, stderr).toBe(1);
    expect(stderr).toContain(`error ${CODES[server]}: `);
    expect(stderr).toMatch(/^hint: \S/m);
  });

  it('waits at the start for a ClickHouse that is coming up', async () => {
    await produceNext();
    let refused = 0;
    clickhouse.fault = () => (refused++ < 20 ? 'lostBefore' : null);
    const { status, stderr } = await run([...PIPELINE, '--until-end'], { env });
    expect(status, stderr).toBe(0);
    await expectAllStored();
  });

  it.each(servers)('goes on by itself when %s comes back, and is not ready until then', async (server) => {
    const live = start(['run', '--port', '0'], { env });
    const url = apiOf(live);
    const readiness = async () => (await fetch(`${await url}/readyz`)).status;
    await produceNext();
    await expectAllStored();
    expect(await readiness()).toBe(200);
    const write = server === 'the schema registry' ? await evolvedTick() : null;
    await stop(server);
    if (server === 'ClickHouse') await produceNext();
    await write?.();
    await expect.poll(readiness, { timeout: 60_000 }).toBe(503);
    if (server !== 'the broker') await live.shows(new RegExp(`waits, and tries again: ${CODES[server]}`));
    await startAgain(server);
    if (server !== 'the broker') await live.shows(/goes on/);
    await produceNext();
    await expectAllStored();
    await expect.poll(readiness, { timeout: 60_000 }).toBe(200);
    live.child.kill('SIGTERM');
    const { status, stderr } = await live.ended;
    expect(status, stderr).toBe(0);
  });

  /** Where a run serves its API. */
  async function apiOf(live: Started): Promise<string> {
    let said = '';
    live.child.stderr?.on('data', (text: string) => {
      said += text;
    });
    await live.shows(/API at http:[^,\s]+,/);
    return /API at (http:[^,\s]+),/.exec(said)?.[1] ?? '';
  }

  it.each(servers)('ends with a code when %s stays away, and the next run goes on', async (server) => {
    const impatient = { ...env, TIDEMARK_OUTAGE_RECOVERY_TIMEOUT_MS: '2000', TIDEMARK_SINK_INSERT_RETRIES: '1' };
    const live = start(PIPELINE, { env: impatient });
    await produceNext();
    await expectAllStored();
    await stop(server);
    await need(server);
    const { status, stderr } = await live.ended;
    await startAgain(server);
    expect(status, stderr).toBe(1);
    expect(stderr).toContain(`error ${CODES[server]}: `);
    expect(stderr).toMatch(/^hint: \S/m);
    const next = await run([...PIPELINE, '--until-end'], { env });
    expect(next.status, next.stderr).toBe(0);
    await expectAllStored();
  });

  it('leaves the bars that there would have been without any of it', async () => {
    const { status, stderr } = await run([...PIPELINE, '--until-end'], { env });
    expect(status, stderr).toBe(0);
    const bars = await allBarsCsv(join(directory, 'data'), { env });
    const ofTrades = Object.entries(bars).map(([interval, csv]) => {
      const kept = csv.split('\n').filter((line) => !line.startsWith(EVOLVED_INSTRUMENT));
      return [interval, kept.join('\n')] as const;
    });
    const file = join(directory, 'all.csv');
    writeFileSync(file, `${[header, ...lines.slice(0, sliced)].join('\n')}\n`);
    expectBarsOf(readTrades(file), Object.fromEntries(ofTrades));
  });
});
