import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openEmbeddedRegistry } from '../../src/log/registry/embeddedRegistry.ts';
import { type RegistryServer, serveRegistry } from '../../src/log/registry/registryServer.ts';
import { answerOf, INGEST_KEY, post, ROW } from '../api/ingested.ts';
import { endAll, run, type Started, start } from '../cli/command.ts';
import { type Broker, startBroker, whyNoBroker } from '../support/kafka/broker.ts';
import { readCommitted } from '../support/kafka/plainClient.ts';
import { requirement } from '../support/requirement.ts';

const START_TIMEOUT_MS = 120_000;
const TEST_TIMEOUT_MS = 240_000;
const LAYOUT = `
name: ticks
schema: tick
fields: { instrument: symbol, eventTime: { column: time, unit: ms }, price: price, size: { value: 1 } }
`;

const missing = whyNoBroker();
const available = requirement(
  'kafka',
  missing === null,
  `dead letters and rows over HTTP on a Kafka broker: ${missing}`,
);

describe.skipIf(!available)('on a Kafka broker', () => {
  const directory = mkdtempSync(join(tmpdir(), 'tidemark-kafka-rows-'));
  let broker: Broker;
  let registry: RegistryServer;
  let closeRegistry: () => Promise<void>;
  let env: Record<string, string>;

  beforeAll(async () => {
    broker = await startBroker();
    const store = await openEmbeddedRegistry({ directory: join(directory, 'registry') });
    closeRegistry = () => store.close();
    registry = await serveRegistry(store, 0);
    env = {
      TIDEMARK_BROKER_URLS: broker.urls,
      TIDEMARK_REGISTRY_URL: registry.url,
      TIDEMARK_DATA_DIRECTORY: join(directory, 'data'),
      TIDEMARK_INGEST_KEY: INGEST_KEY,
    };
  }, START_TIMEOUT_MS);

  afterAll(async () => {
    await endAll();
    await registry.close();
    await closeRegistry();
    await broker.remove();
    rmSync(directory, { recursive: true, force: true });
  });

  const file = (name: string, text: string): string => {
    writeFileSync(join(directory, name), text);
    return join(directory, name);
  };
  const tidemark = async (...args: readonly string[]): Promise<string> => {
    const { status, stdout, stderr } = await run(args, { env });
    expect(status, stderr).toBe(0);
    return stdout;
  };

  it('a dead letter is released once, and another one dropped', { timeout: TEST_TIMEOUT_MS }, async () => {
    const rows = file(
      'rows.csv',
      'symbol,time,price\nx:A,1723161600000,10\nx:A,1723161601000,ten\nx:A,1723161602000,\n',
    );
    await tidemark('produce', 'csv', '--layout', file('layout.yaml', LAYOUT), rows);
    const letters = JSON.parse(await tidemark('deadletter', 'list', '--json')) as { id: string; position: number }[];
    expect(letters.map(({ position }) => position)).toEqual([3, 4]);
    const [first = '', second = ''] = letters.map(({ id }) => id);
    const value = file('row.json', JSON.stringify({ ...ROW, price: 11 }));
    expect(await tidemark('deadletter', 'release', first, '--value', value)).toBe('released 1\n');
    expect(await tidemark('deadletter', 'release', first, '--value', value)).toBe('released 0, done before 1\n');
    expect(await tidemark('deadletter', 'drop', second)).toBe('dropped 1\n');
    expect(JSON.parse(await tidemark('deadletter', 'list', '--json'))).toEqual([]);
    expect(await readCommitted(broker.urls, 'ticks')).toHaveLength(2);
  });

  it('rows over HTTP are written once, by two processes, one of which is killed', {
    timeout: TEST_TIMEOUT_MS,
  }, async () => {
    async function serve(): Promise<{ readonly url: string; readonly server: Started }> {
      const server = start(['run', '--roles', 'api', '--port', '0'], { env });
      return { url: (await server.shows(/API at (http:\S+),/))[1] ?? '', server };
    }
    const before = (await readCommitted(broker.urls, 'ticks')).length;
    const [one, two] = [await serve(), await serve()];
    const accepted = { accepted: 2, rejected: 0 };
    for (let i = 0; i < 5; i++) {
      for (const api of [one, two, one])
        expect(await answerOf(post(api, [ROW, ROW], { key: `k${i}` }))).toMatchObject(accepted);
    }
    one.server.child.kill('SIGKILL');
    await one.server.ended;
    const again = await serve();
    for (const api of [two, again]) {
      for (let i = 0; i < 6; i++)
        expect(await answerOf(post(api, [ROW, ROW], { key: `k${i}` }))).toMatchObject(accepted);
    }
    expect(await readCommitted(broker.urls, 'ticks')).toHaveLength(before + 12);
  });
});
