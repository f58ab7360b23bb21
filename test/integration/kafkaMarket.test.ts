import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openEmbeddedRegistry } from '../../src/log/registry/embeddedRegistry.ts';
import { type RegistryServer, serveRegistry } from '../../src/log/registry/registryServer.ts';
import { HAS_RECORDINGS, recordedBody } from '../producers/market/recorded.ts';
import { startVendor, type VendorServer } from '../producers/market/vendorServer.ts';
import { type Broker, startBroker, whyNoBroker } from '../support/kafka/broker.ts';
import { readCommitted } from '../support/kafka/plainClient.ts';
import { requirement } from '../support/requirement.ts';
import { tidemark } from '../support/tidemarkCommand.ts';

const START_TIMEOUT_MS = 120_000;
const TEST_TIMEOUT_MS = 240_000;
const ROWS = 5_416;

const missing = whyNoBroker();
const available =
  HAS_RECORDINGS && requirement('kafka', missing === null, `bars of a market API on a Kafka broker: ${missing}`);

describe.skipIf(!available)('bars of a market API, on a Kafka broker', () => {
  let directory: string;
  let broker: Broker;
  let registry: RegistryServer;
  let closeRegistry: () => Promise<void>;
  let vendor: VendorServer;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'tidemark-kafka-market-'));
    broker = await startBroker();
    const store = await openEmbeddedRegistry({ directory: join(directory, 'registry') });
    closeRegistry = () => store.close();
    registry = await serveRegistry(store, 0);
    const body = recordedBody('alphavantage/json/TIME_SERIES_DAILY_MSFT_full_20190712.json');
    vendor = await startVendor((_, count) => ({ body: count < 3 ? body : body.replace('"18884297"', '"18884298"') }));
  }, START_TIMEOUT_MS);

  afterAll(async () => {
    await vendor.close();
    await registry.close();
    await closeRegistry();
    await broker.remove();
    rmSync(directory, { recursive: true, force: true });
  });

  it('are read back from it, so that only what has changed is written again', {
    timeout: TEST_TIMEOUT_MS,
  }, async () => {
    const env = {
      TIDEMARK_BROKER_URLS: broker.urls,
      TIDEMARK_REGISTRY_URL: registry.url,
      TIDEMARK_PRODUCER_BATCH_RECORDS: '500',
      TIDEMARK_ALPHAVANTAGE_KEY: 'demo',
      TIDEMARK_ALPHAVANTAGE_URL: vendor.url,
      TIDEMARK_ALPHAVANTAGE_REQUESTS_PER_SECOND: '0',
    };
    const produce = () =>
      tidemark(join(directory, 'data'), ['produce', 'alphavantage', '--symbols', 'MSFT', '--full'], { env });
    expect(await produce()).toBe(`rows ${ROWS}, records ${ROWS}, rejected 0, skipped 0\n`);
    expect(await produce()).toBe(`rows 0, records 0, rejected 0, skipped ${ROWS}\n`);
    expect(await produce()).toBe(`rows 1, records 1, rejected 0, skipped ${ROWS}\n`);
    expect(await readCommitted(broker.urls, 'source_bars')).toHaveLength(ROWS + 1);
  });
});
