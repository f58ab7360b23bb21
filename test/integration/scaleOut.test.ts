import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openKafkaLog } from '../../src/log/kafka/kafkaLog.ts';
import type { Log } from '../../src/log/log.ts';
import { openEmbeddedRegistry } from '../../src/log/registry/embeddedRegistry.ts';
import { type RegistryServer, serveRegistry } from '../../src/log/registry/registryServer.ts';
import { endAll, type Started, start } from '../cli/command.ts';
import { effort } from '../support/effort.ts';
import { type Broker, startBroker, whyNoBroker } from '../support/kafka/broker.ts';
import { brokerSettings } from '../support/kafka/settings.ts';
import { contentsOf, withLog } from '../support/logContents.ts';
import { dataFile, haveDataFiles, readLines } from '../support/oracle/files.ts';
import { requirement } from '../support/requirement.ts';
import { allBarsCsv, produceTrades, queryCount, runToEnd, TRADES } from '../support/tradeRuns.ts';

const START_TIMEOUT_MS = 120_000;
const TEST_TIMEOUT_MS = 240_000;
const POLL_MS = 10;
/** The soak takes all of the 78,638 trades. */
const TRADES_TAKEN = effort(20_000);
/** Longer than any step of the run takes. */
const PATIENCE_MS = 120_000;

/** Small bounds: a run has hundreds of commits, and the producer does not get far ahead. */
const SMALL = {
  TIDEMARK_PRODUCER_BATCH_RECORDS: '250',
  TIDEMARK_TOPOLOGY_MAX_RECORDS_PER_CHUNK: '250',
  TIDEMARK_COMMIT_MAX_RECORDS: '250',
};

/** A process of `tidemark run` on a store that others have open too. */
function startRun(data: string, env: Readonly<Record<string, string>>, ...flags: string[]): Started {
  return start(['run', '--roles', 'topology,sink', ...flags, '--data', data], { env });
}

/** How much of the trades the topology has committed. */
async function committed(log: Log): Promise<number> {
  const positions = await log.committed('bars');
  return positions.reduce((sum, { offset }) => sum + offset, 0);
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error('the run does not get on');
    await sleep(POLL_MS);
  }
}

async function stop(process: Started): Promise<void> {
  process.child.kill('SIGTERM');
  expect((await process.ended).status).toBe(0);
}

interface SharedRun {
  readonly data: string;
  readonly file: string;
  readonly env: Readonly<Record<string, string>>;
  readonly log: Log;
  /** What happens to the first of two processes while both compute. */
  readonly disturb: (first: Started, second: Started) => Promise<void>;
}

/** Two processes compute bars of the trades while they are produced; the first is disturbed, the second comes to the end. */
async function runShared({ data, file, env, log, disturb }: SharedRun): Promise<void> {
  const first = startRun(data, { ...env, ...SMALL });
  const second = startRun(data, { ...env, ...SMALL });
  const share = /this process has 2 of 4 partitions of topology bars: \d, \d/;
  await Promise.all([first.shows(share), second.shows(share)]);

  const produced = produceTrades(data, [file], { env: { ...env, ...SMALL } });
  await until(async () => {
    const positions = await log.committed('bars');
    return positions.filter(({ offset }) => offset > 500).length === 3;
  });
  expect(await committed(log)).toBeLessThan(TRADES_TAKEN);
  await disturb(first, second);
  await produced;
  await second.shows(/has 4 of 4 partitions/);

  const ends = await log.ranges('ticks');
  const end = ends.reduce((sum, range) => sum + range.end, 0);
  await until(async () => (await committed(log)) === end);

  // A bounded run takes a part of the work, and ends when all of it is done.
  const bounded = startRun(data, env, '--until-end');
  await bounded.shows(share);
  expect((await bounded.ended).status).toBe(0);
  await stop(second);
  await runToEnd(data, [], { env });
}

const haveTrades = requirement('data', haveDataFiles(), 'two processes that share the real Binance trades');

describe.skipIf(!haveTrades)('two processes of a run share its partitions; the bars are those of one that', () => {
  let directory: string;
  let file: string;
  let taken: number;
  let calm: string;
  let calmBars: Readonly<Record<string, string>>;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tidemark-scaleout-'));
    const lines = readLines(dataFile(TRADES)).slice(0, TRADES_TAKEN + 1);
    taken = lines.length - 1;
    file = join(directory, 'trades.csv');
    await writeFile(file, `${lines.join('\n')}\n`);
    calm = join(directory, 'calm');
    // Schemas get their ids as they are first seen: from one beginning the ids in the records are the same.
    await runToEnd(join(directory, 'embedded'));
    await cp(join(directory, 'embedded'), calm, { recursive: true });
    await produceTrades(calm, [file]);
    await runToEnd(calm);
    calmBars = await allBarsCsv(calm);
  }, START_TIMEOUT_MS);
  afterEach(endAll);
  afterAll(() => rm(directory, { recursive: true, force: true }));

  async function expectSameAsCalm(data: string): Promise<void> {
    expect(await allBarsCsv(data)).toEqual(calmBars);
    expect(await queryCount(data, 'SELECT count() FROM ticks')).toBe(taken);
  }

  async function killFirst(first: Started): Promise<void> {
    first.child.kill('SIGKILL');
    await first.ended;
  }

  it('nobody disturbed, though one is killed with -9, on one data directory', {
    timeout: TEST_TIMEOUT_MS,
  }, async () => {
    const data = join(directory, 'embedded');
    await withLog(data, (log) => runShared({ data, file, env: {}, log, disturb: killFirst }));
    await expectSameAsCalm(data);
    for (const topic of ['ticks', 'bars', 'bars.late']) {
      expect(await contentsOf(data, topic), topic).toEqual(await contentsOf(calm, topic));
    }
  });

  const missing = whyNoBroker();
  const haveBroker = requirement('kafka', missing === null, `processes that share a topic of a broker: ${missing}`);

  describe.skipIf(!haveBroker)('on one broker', () => {
    let broker: Broker;
    let server: RegistryServer;
    let closeRegistry: () => Promise<void>;
    beforeAll(async () => {
      broker = await startBroker();
      const registry = await openEmbeddedRegistry({ directory: join(directory, 'registry') });
      server = await serveRegistry(registry, 0);
      closeRegistry = () => registry.close();
    }, START_TIMEOUT_MS);
    afterAll(async () => {
      await server.close();
      await closeRegistry();
      await broker.remove();
    });

    it('nobody disturbed, though one stands still, comes back, and is killed with -9', {
      timeout: TEST_TIMEOUT_MS,
    }, async () => {
      const data = join(directory, 'broker');
      const env = { TIDEMARK_BROKER_URLS: broker.urls, TIDEMARK_REGISTRY_URL: server.url };
      const log = await openKafkaLog(brokerSettings(broker.urls));
      const disturb = async (first: Started, second: Started) => {
        first.child.kill('SIGSTOP');
        await second.shows(/has 4 of 4 partitions/);
        first.child.kill('SIGCONT');
        await first.shows(/has 2 of 4(.|\n)*has 0 of 4(.|\n)*has 2 of 4/);
        await killFirst(first);
      };
      await runShared({ data, file, env, log, disturb }).finally(() => log.close());
      await expectSameAsCalm(data);
    });
  });
});
