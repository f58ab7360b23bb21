import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openKafkaLog } from '../../src/log/kafka/kafkaLog.ts';
import { openEmbeddedRegistry } from '../../src/log/registry/embeddedRegistry.ts';
import { type RegistryServer, serveRegistry } from '../../src/log/registry/registryServer.ts';
import { effort } from '../support/effort.ts';
import { COINBASE_WIRE } from '../support/exchange/coinbaseWire.ts';
import { ExchangeServer } from '../support/exchange/exchangeServer.ts';
import { mishaps, tradesOfAnHour } from '../support/exchange/session.ts';
import type { TrueTrade } from '../support/exchange/wire.ts';
import { type Broker, startBroker, whyNoBroker } from '../support/kafka/broker.ts';
import { decodeAll, type GroupWatch, readCommitted, watchGroup } from '../support/kafka/plainClient.ts';
import { brokerSettings } from '../support/kafka/settings.ts';
import { killRepeatedly, seededRandom } from '../support/killing.ts';
import { parseDecimal } from '../support/oracle/decimal.ts';
import { requirement } from '../support/requirement.ts';
import { startTidemark } from '../support/tidemarkCommand.ts';
import { allBarsCsv, expectBarsOf, runToEnd } from '../support/tradeRuns.ts';

const START_TIMEOUT_MS = 120_000;
const TEST_TIMEOUT_MS = effort(600_000);
const TRADES = 6_000;
const KILLS = Math.min(10, effort(5));
const DISCONNECTS = 10;
/** The exchange is at most so far ahead of what is committed. */
const AHEAD = 800;
const SYMBOLS = ['BTC-USD', 'ETH-USD'];
const FROM_MICROS = Date.UTC(2024, 7, 8, 23) * 1_000;

/** The seed can be given, to repeat a run that failed. */
const seed = Number(process.env.TIDEMARK_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));

const missing = whyNoBroker();
const available = requirement('kafka', missing === null, `an exchange's trades on a Kafka broker: ${missing}`);

describe.skipIf(!available)(`an exchange's trades on a Kafka broker (TIDEMARK_TEST_SEED=${seed})`, () => {
  let directory: string;
  let broker: Broker;
  let registry: RegistryServer;
  let closeRegistry: () => Promise<void>;
  let server: ExchangeServer;
  let groups: readonly GroupWatch[] = [];

  beforeAll(async () => {
    console.log(`TIDEMARK_TEST_SEED=${seed}`);
    directory = await mkdtemp(join(tmpdir(), 'tidemark-kafka-venue-'));
    broker = await startBroker();
    const store = await openEmbeddedRegistry({ directory: join(directory, 'registry') });
    closeRegistry = () => store.close();
    registry = await serveRegistry(store, 0);
    // A group can be watched of a topic that is there.
    const log = await openKafkaLog(brokerSettings(broker.urls));
    await log.createTopic('ticks', { partitions: 4, retentionMs: -1 });
    await log.close();
    groups = await Promise.all(SYMBOLS.map((symbol) => watchGroup(broker.urls, groupOf(symbol), 'ticks')));
  }, START_TIMEOUT_MS);

  afterAll(async () => {
    for (const group of groups) await group.close();
    await server.close();
    await registry.close();
    await closeRegistry();
    await broker.remove();
    await rm(directory, { recursive: true, force: true });
  });

  /** Trades that are committed, by the positions of the symbols. */
  async function committed(): Promise<number> {
    const counts = await Promise.all(groups.map((group) => group.committed()));
    return counts.reduce((sum, count) => sum + count, 0);
  }

  it('are each there once and in order after kill -9, each time between two commits, and make the true bars', {
    timeout: TEST_TIMEOUT_MS,
  }, async () => {
    const trades = tradesOfAnHour(SYMBOLS, TRADES, FROM_MICROS, seed);
    let isOver = false;
    server = await ExchangeServer.start({
      ...{ wire: COINBASE_WIRE, trades, missedWhileAway: 20 },
      mishaps: mishaps(TRADES, DISCONNECTS, seed).map((one) => (one === 'stalled' ? 'cut' : one)),
      async pace(happened) {
        while (!isOver && (await committed()) < happened - AHEAD) await pause(2);
      },
    });
    const env = {
      TIDEMARK_BROKER_URLS: broker.urls,
      TIDEMARK_REGISTRY_URL: registry.url,
      TIDEMARK_PRODUCER_BATCH_RECORDS: '100',
      TIDEMARK_PRODUCER_BATCH_MS: '1',
      TIDEMARK_VENUES_BACKOFF_MS: '10',
      TIDEMARK_VENUES_MAX_BACKOFF_MS: '50',
      TIDEMARK_VENUES_REQUESTS_PER_SECOND: '0',
      TIDEMARK_VENUES_REQUESTS_PER_MINUTE: '0',
    };
    const data = join(directory, 'data');
    const urls = ['--url', `ws://${server.address}`, '--rest-url', `http://${server.address}`];
    const start = () =>
      startTidemark(data, ['produce', 'venue', 'coinbase', '--symbols', SYMBOLS.join(), ...urls], { env });
    try {
      void server.play();
      const killing = { progress: committed, end: TRADES, start, kills: KILLS, random: seededRandom(seed) };
      const kills = await killRepeatedly(killing);
      console.log(`killed at ${kills.map(({ after }) => after).join(', ')} of ${TRADES}`);
      const last = start();
      while (last.running() && (await committed()) < TRADES) await pause(5);
      last.stop();
      const { status, stderr } = await last.result;
      expect({ status, stderr }).toMatchObject({ status: 0 });
    } finally {
      isOver = true;
    }

    const records = await decodeAll(await readCommitted(broker.urls, 'ticks'), registry.url);
    for (const symbol of SYMBOLS) {
      const instrument = `coinbase:${symbol}`;
      const ticks = records
        .filter((record) => record.instrument === instrument)
        .map(({ tradeId, price, size, eventTime }) => ({ tradeId, price, size, eventTime }));
      const expected = trades.filter((trade) => trade.symbol === symbol).map(tickOf);
      expect(ticks).toEqual(expected);
    }
    expect(records.length).toBe(TRADES);

    await runToEnd(data, [], { env });
    const truth = trades.map(({ symbol, id, micros, price, size }) => ({
      ...{ symbol: `coinbase:${symbol}`, timeMs: micros / 1_000, tradeId: BigInt(id) },
      ...{ price: parseDecimal(price), size: parseDecimal(size) },
    }));
    expectBarsOf(truth, await allBarsCsv(data));
  });
});

/** The group that has a symbol's position, as the broker shows it. */
function groupOf(symbol: string): string {
  const digest = createHash('sha256').update(symbol).digest('hex').slice(0, 32);
  return `tidemark.source.venue.coinbase.${digest}`;
}

function tickOf({ id, price, size, micros }: TrueTrade) {
  return { tradeId: String(id), price: Number(price), size: Number(size), eventTime: micros };
}
