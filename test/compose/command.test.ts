import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openKafkaLog } from '../../src/log/kafka/kafkaLog.ts';
import { openEmbeddedRegistry } from '../../src/log/registry/embeddedRegistry.ts';
import { type RegistryServer, serveRegistry } from '../../src/log/registry/registryServer.ts';
import { endAll, run, start } from '../cli/command.ts';
import { type ClickHouseServer, openClickHouseServer } from '../support/clickHouseServer.ts';
import { type Broker, startBroker, whyNoBroker } from '../support/kafka/broker.ts';
import { brokerSettings } from '../support/kafka/settings.ts';
import { requirement } from '../support/requirement.ts';
import { DEMANDED, service } from './document.ts';

const START_TIMEOUT_MS = 120_000;
const RUN_TIMEOUT_MS = 120_000;
const STOP_GRACE_MS = 20_000;
const TICKS = 5_000;
const KEY = 'a-key-for-this-test-alone';

const missing = whyNoBroker();
const available = requirement('kafka', missing === null, `what the container runs, on a broker: ${missing}`);

describe.skipIf(!available)("the container's command, on a broker, a registry and ClickHouse over HTTP", () => {
  let directory: string;
  let broker: Broker;
  let registry: RegistryServer;
  let closeRegistry: () => Promise<void>;
  let clickhouse: ClickHouseServer;
  let env: Record<string, string>;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'tidemark-container-'));
    broker = await startBroker();
    const store = await openEmbeddedRegistry({ directory: join(directory, 'registry') });
    closeRegistry = () => store.close();
    registry = await serveRegistry(store, 0);
    clickhouse = await openClickHouseServer(join(directory, 'clickhouse'));
    env = environment();
  }, START_TIMEOUT_MS);

  afterAll(async () => {
    await endAll();
    await clickhouse.close();
    await registry.close();
    await closeRegistry();
    await broker.remove();
    rmSync(directory, { recursive: true, force: true });
  });

  /** compose.yaml's, where the names of the other containers are the addresses that they have here. */
  function environment(): Record<string, string> {
    const here: Readonly<Record<string, string>> = {
      'redpanda:9092': broker.urls,
      'http://redpanda:8081': registry.url,
      'http://clickhouse:8123': clickhouse.url,
      '0.0.0.0': '127.0.0.1',
    };
    const given = Object.entries(service('tidemark').environment ?? {}).map(([variable, value]) => {
      if (DEMANDED.test(value)) return [variable, KEY] as const;
      return [variable, here[value] ?? value] as const;
    });
    const data = join(directory, 'data');
    return { ...Object.fromEntries(given), TIDEMARK_API_PORT: '0', TIDEMARK_DATA_DIRECTORY: data };
  }

  /** What the step `topics` makes. */
  async function makeTopics(): Promise<void> {
    const log = await openKafkaLog(brokerSettings(broker.urls));
    try {
      const topics = (service('topics').command ?? []).filter((word) => !word.startsWith('-'));
      for (const topic of topics) await log.createTopic(topic, { partitions: 4, retentionMs: -1 });
    } finally {
      await log.close();
    }
  }

  it('is ready, stores what is produced, serves it to who has the key, and stops in time', {
    timeout: RUN_TIMEOUT_MS,
  }, async () => {
    await makeTopics();
    const running = start(['run'], { env });
    const [, url] = await running.shows(/API at (http:[^,\s]+),/);
    await expect.poll(async () => (await fetch(`${url}/readyz`)).status, { timeout: 30_000 }).toBe(200);

    const simulate = ['produce', 'simulate', '--fast', '--count', `${TICKS}`, '--start', '2026-01-05T14:30:00Z'];
    const produced = await run(simulate, { env });
    expect(produced.status, produced.stderr).toBe(0);

    const bars = `${url}/v1/bars?interval=1s&format=csv`;
    expect((await fetch(bars)).status).toBe(401);
    const lines = async () => (await (await fetch(bars, { headers: { 'x-api-key': KEY } })).text()).split('\n').length;
    await expect.poll(lines, { timeout: 30_000 }).toBeGreaterThan(2);
    const stored = async () => (await run(['query', 'SELECT count() FROM ticks', '--format', 'csv'], { env })).stdout;
    await expect.poll(stored, { timeout: 30_000, interval: 500 }).toMatch(new RegExp(`\n${TICKS}\n`));

    const { stdout: shown } = await run(['status'], { env });
    expect(shown.split('\n')[0]).toBe(`log at ${broker.urls}, ClickHouse at ${clickhouse.url}`);

    const askedMs = performance.now();
    running.child.kill('SIGTERM');
    const { status, stderr } = await running.ended;
    expect(status, stderr).toBe(0);
    expect(performance.now() - askedMs).toBeLessThan(STOP_GRACE_MS);
  });
});
