import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BrokerSettings } from '../../../src/log/kafka/brokerSettings.ts';
import { openKafkaLog } from '../../../src/log/kafka/kafkaLog.ts';
import { openEmbeddedRegistry } from '../../../src/log/registry/embeddedRegistry.ts';
import { serveRegistry } from '../../../src/log/registry/registryServer.ts';
import { run } from '../../cli/command.ts';
import {
  type Access,
  type SecuredBroker,
  startSecuredBroker,
  whyNoSecuredBroker,
} from '../../support/kafka/securedBroker.ts';
import { requirement } from '../../support/requirement.ts';
import { numbered, readToEnd, recordBytes, WIDE } from '../records.ts';

const missing = whyNoSecuredBroker();
const available = requirement('kafka', missing === null, `TLS and logins at a Kafka broker: ${missing}`);
const START_TIMEOUT_MS = 120_000;
const TICKS = 2_000;

describe.skipIf(!available)('a broker that asks for TLS or a login', () => {
  let directory: string;
  let broker: SecuredBroker;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'tidemark-access-'));
    broker = await startSecuredBroker();
  }, START_TIMEOUT_MS);

  afterAll(async () => {
    await broker.remove();
    rmSync(directory, { recursive: true, force: true });
  });

  it.each<[Access, string]>([
    ['tls', 'TLS'],
    ['mutual', "TLS and the client's certificate"],
    ['plain', 'a PLAIN login'],
    ['scram', 'TLS and a SCRAM-SHA-512 login'],
  ])('serves topics, transactions, readers and positions: %s, by %s', async (access) => {
    const log = await openKafkaLog(broker.settings[access]);
    const topic = `by-${access}`;
    const settings = { partitions: 1, retentionMs: -1 };
    await log.createTopic(topic, settings);
    expect(await log.listTopics()).toContainEqual({ topic, ...settings });
    const writer = await log.openWriter(topic);
    const position = { topic, partition: 0, offset: 3, metadata: '' };
    await writer.commit({
      appends: [{ topic, partition: 0, records: recordBytes(numbered('value', 3)) }],
      positions: [{ group: topic, positions: [position] }],
    });
    const reader = await log.openReader([{ topic, partition: 0, offset: 0 }]);
    expect((await readToEnd(reader, WIDE, 0)).map(({ value }) => value)).toEqual(['value-0', 'value-1', 'value-2']);
    expect(await log.committed(topic)).toEqual([position]);
    await log.close();
  });

  it('is reached by whole commands through the configuration', { timeout: START_TIMEOUT_MS }, async () => {
    const registry = await openEmbeddedRegistry({ directory: join(directory, 'registry') });
    const server = await serveRegistry(registry, 0);
    const { urls, caFile, saslMechanism, user, password } = broker.settings.scram;
    const config = join(directory, 'tidemark.yaml');
    writeFileSync(config, JSON.stringify({ broker: { tls: 'on', caFile, saslMechanism, user } }));
    const common = ['--config', config, '--brokers', urls, '--registry', server.url];
    const command = (...args: string[]) =>
      run([...args, ...common, '--data', join(directory, 'data')], { env: { TIDEMARK_BROKER_PASSWORD: password } });
    const produce = ['produce', 'simulate', '--fast', '--count', `${TICKS}`, '--start', '2026-01-05T14:30:00Z'];
    for (const args of [produce, ['run', '--roles', 'topology,sink', '--until-end']]) {
      const { status, stderr } = await command(...args);
      expect(status, stderr).toBe(0);
    }
    const counted = await command('query', 'SELECT count() FROM ticks', '--format', 'csv');
    expect(counted.stdout.trim().split('\n').at(-1)).toBe(`${TICKS}`);
    await server.close();
    await registry.close();
  });

  const refusals: [string, () => BrokerSettings, RegExp][] = [
    ['a wrong password (PLAIN)', () => ({ ...broker.settings.plain, password: 'wrong' }), /Authentication failed/],
    ['a wrong password (SCRAM)', () => ({ ...broker.settings.scram, password: 'wrong' }), /Authentication failed/],
    ['an unknown user', () => ({ ...broker.settings.scram, user: 'bob' }), /Authentication failed/],
    ['another mechanism', () => ({ ...broker.settings.plain, saslMechanism: 'SCRAM-SHA-512' }), /mechanism/],
    ['a certificate that nobody trusts', () => ({ ...broker.settings.tls, caFile: '' }), /certificate verify failed/],
    [
      'a certificate of another authority',
      () => ({ ...broker.settings.tls, caFile: broker.settings.mutual.certificateFile }),
      /certificate verify failed/,
    ],
    [
      "no certificate of the client's",
      () => ({ ...broker.settings.mutual, certificateFile: '', keyFile: '' }),
      /bad certificate|certificate required/,
    ],
  ];

  it.concurrent.each(refusals)(
    'refuses %s: the error says so, and what to look at',
    async (_what, settings, reason) => {
      const refused = openKafkaLog(settings());
      await expect(refused).rejects.toMatchObject({
        code: 'TM_BROKER_ACCESS',
        message: expect.stringMatching(reason),
        hint: expect.stringContaining('broker.password'),
      });
    },
  );

  it.concurrent.each<[string, () => BrokerSettings]>([
    ['without TLS', () => ({ ...broker.settings.tls, tls: 'off' })],
    ['with TLS where there is none', () => ({ ...broker.settings.plain, tls: 'on' })],
    ['without a login', () => ({ ...broker.settings.plain, saslMechanism: '' })],
  ])('does not answer a client %s', async (_how, settings) => {
    const unanswered = openKafkaLog(settings());
    await expect(unanswered).rejects.toMatchObject({
      code: 'TM_BROKER_UNREACHABLE',
      message: expect.stringMatching(/Disconnected/),
      hint: expect.stringContaining('broker.tls'),
    });
  });

  it.each(['caFile', 'certificateFile', 'keyFile'] as const)(
    'is not asked with a %s that is no PEM file',
    async (name) => {
      const wrong = join(directory, 'wrong.pem');
      writeFileSync(wrong, 'not PEM');
      for (const path of [wrong, join(directory, 'missing.pem')]) {
        const opened = openKafkaLog({ ...broker.settings.mutual, [name]: path });
        await expect(opened).rejects.toMatchObject({ code: 'TM_CONFIG', where: path });
      }
    },
  );
});
