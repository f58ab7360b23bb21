import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openKafkaLog } from '../../src/log/kafka/kafkaLog.ts';
import { type Broker, startBroker, whyNoBroker } from '../support/kafka/broker.ts';
import { brokerSettings } from '../support/kafka/settings.ts';
import { contentsOfLog } from '../support/logContents.ts';
import { dataFile, haveDataFiles } from '../support/oracle/files.ts';
import { readTrades } from '../support/oracle/tradeBars.ts';
import { type RegistryProcess, startApicurio, whyNoApicurio } from '../support/registry/apicurio.ts';
import { requirement } from '../support/requirement.ts';
import { type CommandOptions, tidemark } from '../support/tidemarkCommand.ts';
import {
  allBarsCsv,
  expectBarsOf,
  produceTrades,
  queryCount,
  runToEnd,
  TRADE_COUNT,
  TRADES,
} from '../support/tradeRuns.ts';

const START_TIMEOUT_MS = 120_000;
const STEP_TIMEOUT_MS = 240_000;

/** Of the tasks, as `tidemark status` tells them. */
async function watermarksOf(data: string, options?: CommandOptions): Promise<readonly (number | null)[]> {
  const { tasks } = JSON.parse(await tidemark(data, ['status', '--json'], options)) as {
    readonly tasks: readonly { readonly partition: number; readonly watermark: number | null }[];
  };
  return tasks.toSorted((a, b) => a.partition - b.partition).map(({ watermark }) => watermark);
}

const missing = whyNoBroker() ?? whyNoApicurio();
const available =
  requirement('data', haveDataFiles(), 'bars of the real Binance trades through a Kafka broker') &&
  requirement('kafka', missing === null, `bars of real trades through a Kafka broker: ${missing}`);

describe.skipIf(!available)('bars of 78,638 real trades through a Kafka broker and Apicurio Registry', () => {
  let directory: string;
  let broker: Broker;
  let registry: RegistryProcess;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tidemark-kafka-'));
    [broker, registry] = await Promise.all([startBroker(), startApicurio()]);
  }, START_TIMEOUT_MS);

  afterAll(async () => {
    await registry.end();
    await broker.remove();
    await rm(directory, { recursive: true, force: true });
  });

  it('are the same bytes as through the embedded log, and neither a second run nor a replay changes them', {
    timeout: STEP_TIMEOUT_MS,
  }, async () => {
    const embedded = join(directory, 'embedded');
    await produceTrades(embedded, [dataFile(TRADES)]);
    await runToEnd(embedded);

    const data = join(directory, 'broker');
    const options = { env: { TIDEMARK_BROKER_URLS: broker.urls, TIDEMARK_REGISTRY_URL: registry.url } };
    await produceTrades(data, [dataFile(TRADES)], options);
    await runToEnd(data, [], options);

    const bars = await allBarsCsv(data);
    expect(bars).toEqual(await allBarsCsv(embedded));
    expectBarsOf(readTrades(dataFile(TRADES)), bars);
    expect(await queryCount(data, 'SELECT count() FROM ticks')).toBe(TRADE_COUNT);
    const watermarks = await watermarksOf(embedded);
    expect(watermarks).toEqual(expect.arrayContaining([expect.any(Number)]));
    expect(await watermarksOf(data, options)).toEqual(watermarks);

    const contentsOf = async (topic: string) => {
      const log = await openKafkaLog(brokerSettings(broker.urls));
      try {
        return await contentsOfLog(log, topic);
      } finally {
        await log.close();
      }
    };
    const topics = async () => [await contentsOf('ticks'), await contentsOf('bars')];
    const before = await topics();
    await produceTrades(data, [dataFile(TRADES)], options);
    await runToEnd(data, [], options);
    expect(await topics()).toEqual(before);
    expect(await allBarsCsv(data)).toEqual(bars);

    await tidemark(data, ['replay', 'start'], options);
    const difference = JSON.parse(await tidemark(data, ['replay', 'diff', '--json'], options));
    expect(difference).toMatchObject({ generation: 2, base: 1, behind: 0, windows: [] });
    await tidemark(data, ['replay', 'swap'], options);
    expect(await contentsOf('bars__g2')).toEqual(before[1]);
    expect(await allBarsCsv(data)).toEqual(bars);
  });
});
