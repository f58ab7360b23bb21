import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openEmbeddedRegistry } from '../../../src/log/registry/embeddedRegistry.ts';
import { effort } from '../../support/effort.ts';
import { COINBASE_WIRE } from '../../support/exchange/coinbaseWire.ts';
import { ExchangeServer } from '../../support/exchange/exchangeServer.ts';
import { mishaps, tradesOfAnHour } from '../../support/exchange/session.ts';
import type { TrueTrade } from '../../support/exchange/wire.ts';
import { killRepeatedly, seededRandom } from '../../support/killing.ts';
import { withLog } from '../../support/logContents.ts';
import { startTidemark, tidemark } from '../../support/tidemarkCommand.ts';
import { readTopic } from '../support.ts';
import { expectedTicks, produced, ticksOf } from './sessionRun.ts';

const TEST_TIMEOUT_MS = effort(300_000);
const KILLS = Math.min(10, effort(4));
const TRADES = 8_000;
/** The exchange is at most so far ahead of what is committed. */
const AHEAD = 1_000;
const SYMBOLS = ['BTC-USD', 'ETH-USD'];
const FROM_MICROS = Date.UTC(2024, 7, 8, 23) * 1_000;

/** The seed can be given, to repeat a run that failed. */
const seed = Number(process.env.TIDEMARK_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));

const env = {
  TIDEMARK_PRODUCER_BATCH_RECORDS: '100',
  TIDEMARK_PRODUCER_BATCH_MS: '1',
  TIDEMARK_VENUES_BACKOFF_MS: '10',
  TIDEMARK_VENUES_MAX_BACKOFF_MS: '50',
  TIDEMARK_VENUES_REQUESTS_PER_SECOND: '0',
  TIDEMARK_VENUES_REQUESTS_PER_MINUTE: '0',
};

describe(`an exchange's trades under kill -9 (TIDEMARK_TEST_SEED=${seed})`, () => {
  let directory: string;
  let server: ExchangeServer;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tidemark-venue-kills-'));
  });

  afterEach(() => server.close());

  afterAll(async () => {
    await rm(directory, { recursive: true, force: true });
  });

  /** Produces the session until all its trades are there, with kills or without. */
  async function produceAll(data: string, trades: readonly TrueTrade[], kills: number): Promise<void> {
    await withLog(data, async (log) => {
      let isOver = false;
      server = await ExchangeServer.start({
        ...{ wire: COINBASE_WIRE, trades, missedWhileAway: 20 },
        mishaps: mishaps(trades.length, kills === 0 ? 0 : 20, seed).map((one) => (one === 'stalled' ? 'cut' : one)),
        async pace(happened) {
          while (!isOver && (await produced(log)) < happened - AHEAD) await pause(2);
        },
      });
      const { address } = server;
      const urls = ['--url', `ws://${address}`, '--rest-url', `http://${address}`];
      const start = () =>
        startTidemark(data, ['produce', 'venue', 'coinbase', '--symbols', SYMBOLS.join(), ...urls], { env });
      try {
        void server.play();
        const progress = () => produced(log);
        await killRepeatedly({ progress, end: TRADES, start, kills, random: seededRandom(seed) });
        const last = start();
        while (last.running() && (await produced(log)) < TRADES) await pause(5);
        last.stop();
        const { status, stderr } = await last.result;
        expect({ status, stderr }).toMatchObject({ status: 0 });
      } finally {
        isOver = true;
      }
    });
  }

  it('are each there once, in order, and make the bars of an undisturbed run', {
    timeout: TEST_TIMEOUT_MS,
  }, async () => {
    const trades = tradesOfAnHour(SYMBOLS, TRADES, FROM_MICROS, seed);
    const [calm, killed] = [join(directory, 'calm'), join(directory, 'killed')];
    await produceAll(calm, trades, 0);
    await server.close();
    await produceAll(killed, trades, KILLS);
    for (const symbol of SYMBOLS) {
      const expected = expectedTicks(
        'coinbase',
        trades.filter((trade) => trade.symbol === symbol),
      );
      for (const data of [calm, killed]) expect(await ticksIn(data, `coinbase:${symbol}`)).toEqual(expected);
    }
    expect(await barsOf(killed)).toEqual(await barsOf(calm));
  });
});

async function ticksIn(data: string, instrument: string) {
  const registry = await openEmbeddedRegistry({ directory: join(data, 'log') });
  try {
    return await withLog(data, (log) => ticksOf({ records: (topic) => readTopic(log, registry, topic) }, instrument));
  } finally {
    await registry.close();
  }
}

/** The minute bars of a data directory, without their revisions, which tell of the order of two symbols' trades. */
async function barsOf(data: string): Promise<readonly string[]> {
  await tidemark(data, ['run', '--roles', 'topology,sink', '--until-end']);
  const bars = await tidemark(data, ['bars', '--interval', '1m', '--format', 'csv']);
  const lines = bars.trim().split('\n');
  expect(lines.length).toBeGreaterThan(SYMBOLS.length * 55);
  return lines.map((line) => line.slice(0, line.lastIndexOf(',')));
}
