import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openKafkaLog } from '../../src/log/kafka/kafkaLog.ts';
import type { Log } from '../../src/log/log.ts';
import { openEmbeddedRegistry } from '../../src/log/registry/embeddedRegistry.ts';
import { type RegistryServer, serveRegistry } from '../../src/log/registry/registryServer.ts';
import { type Broker, whyNoBroker, whyNoKafka } from '../support/kafka/broker.ts';
import { startKafka } from '../support/kafka/kafkaBroker.ts';
import { runKafkaTool } from '../support/kafka/kafkaTools.ts';
import { createPlainTopic, produceAt, readCommitted } from '../support/kafka/plainClient.ts';
import { brokerSettings } from '../support/kafka/settings.ts';
import { requirement } from '../support/requirement.ts';
import { tidemark } from '../support/tidemarkCommand.ts';
import { runToEnd } from '../support/tradeRuns.ts';

const START_TIMEOUT_MS = 120_000;
const TEST_TIMEOUT_MS = 120_000;
const TICKS = 2_000;
const YEARS_AGO = '2016-10-07T00:00:00Z';
const WEEK_MS = 7 * 24 * 3_600_000;

const missing = whyNoKafka() ?? whyNoBroker();
const available = requirement('kafka', missing === null, `retention on a Kafka broker: ${missing}`);

describe.skipIf(!available)('ticks that are years old, on a broker that deletes what is older than a week', () => {
  let directory: string;
  let broker: Broker;
  let log: Log;
  let registry: RegistryServer;
  let closeRegistry: () => Promise<void>;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'tidemark-retention-'));
    broker = await startKafka({
      properties: { 'log.retention.check.interval.ms': '200', 'log.initial.task.delay.ms': '0' },
    });
    log = await openKafkaLog(brokerSettings(broker.urls));
    const store = await openEmbeddedRegistry({ directory: join(directory, 'registry') });
    closeRegistry = () => store.close();
    registry = await serveRegistry(store, 0);
  }, START_TIMEOUT_MS);

  afterAll(async () => {
    await log.close();
    await registry.close();
    await closeRegistry();
    await broker.remove();
    rmSync(directory, { recursive: true, force: true });
  });

  async function begins(topic: string): Promise<number[]> {
    return (await log.ranges(topic)).map(({ begin }) => begin);
  }

  it('are still there after it has deleted others of their age, and so are their bars', {
    timeout: TEST_TIMEOUT_MS,
  }, async () => {
    const options = { env: { TIDEMARK_BROKER_URLS: broker.urls, TIDEMARK_REGISTRY_URL: registry.url } };
    const data = join(directory, 'data');
    const simulate = ['produce', 'simulate', '--fast', '--count', `${TICKS}`, '--start', YEARS_AGO];
    await tidemark(data, simulate, options);
    await runToEnd(data, [], options);
    await log.createTopic('a-week', { partitions: 1, retentionMs: WEEK_MS });
    const bars = (await readCommitted(broker.urls, 'bars')).length;

    // A topic as others make it, which keeps the times that its producers give.
    await createPlainTopic(broker.urls, 'others');
    const producedMs = Date.parse(YEARS_AGO);
    for (const topic of ['a-week', 'ticks', 'others']) await produceAt(broker.urls, topic, producedMs, 10);
    await expect.poll(() => begins('others'), { timeout: 60_000 }).toEqual([10]);
    // The others were deleted by a check that began before; one more begins after these came.
    await produceAt(broker.urls, 'others', producedMs, 1);
    await expect.poll(() => begins('others'), { timeout: 60_000 }).toEqual([11]);

    expect(await readCommitted(broker.urls, 'ticks')).toHaveLength(TICKS + 10);
    expect(await readCommitted(broker.urls, 'a-week')).toHaveLength(10);
    expect(await readCommitted(broker.urls, 'bars')).toHaveLength(bars);
    expect(bars).toBeGreaterThan(0);
    for (const topic of ['ticks', 'bars', 'a-week']) expect(new Set(await begins(topic)), topic).toEqual(new Set([0]));
  });

  it('are in topics whose settings say so, as is everything that a run writes', () => {
    const described = runKafkaTool('kafka.admin.ConfigCommand', [
      ...['--bootstrap-server', broker.urls, '--entity-type', 'topics', '--describe'],
    ]);
    const settings = new Map(
      described.split(/^Dynamic configs for topic /m).map((text) => [text.split(' ')[0] ?? '', text] as const),
    );
    for (const topic of [
      'ticks',
      'quotes',
      'source_bars',
      'source_bars_history',
      'deadletter',
      'bars',
      'bars.late',
      'bars.control',
    ]) {
      for (const setting of ['message.timestamp.type=LogAppendTime', 'cleanup.policy=delete', 'retention.ms=-1']) {
        expect(settings.get(topic), topic).toContain(setting);
      }
    }
  });
});
