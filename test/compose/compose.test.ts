import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { configOptions } from '../../src/config.ts';
import { rawTopics } from '../../src/runtime/sinks.ts';
import { DEMANDED, service, services, volumes } from './document.ts';

const root = join(import.meta.dirname, '../..');
const names = Object.keys(services);
const staying = names.filter((name) => service(name).restart !== 'no');
const { environment: ours = {} } = service('tidemark');
describe('compose.yaml', () => {
  it('has the broker, its console, ClickHouse, the step that makes topics, and Tidemark', () => {
    expect(names.toSorted()).toEqual(['clickhouse', 'console', 'redpanda', 'tidemark', 'topics']);
  });

  it.each(names)('%s: pins its image to a full version', (name) => {
    expect(service(name).image).toMatch(/^[a-z/-]+:v?\d+\.\d+\.\d+(\.\d+)?$/);
  });

  it('builds Tidemark in the version of the package', () => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    expect(service('tidemark')).toMatchObject({ build: '.', image: `tidemark:${version}` });
  });

  it.each(staying)('%s: has a healthcheck, comes back after a crash, and has time to stop', (name) => {
    expect(service(name).healthcheck).toBeDefined();
    expect(service(name).restart).toBe('unless-stopped');
    expect(service(name).stop_grace_period).toBeDefined();
  });

  it('gives Tidemark longer to stop than the 10 s that it takes at most', () => {
    expect(Number.parseInt(service('tidemark').stop_grace_period ?? '', 10)).toBeGreaterThan(10);
  });

  it('opens ports to this machine alone, each once', () => {
    const ports = names.flatMap((name) => service(name).ports ?? []);
    expect(ports.length).toBeGreaterThan(3);
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
    const hostPorts = ports.map((port) => port.split(':')[1]);
    expect(new Set(hostPorts).size).toBe(hostPorts.length);
  });

  it('starts in order: whoever stays is waited for until healthy, a step until done', () => {
    for (const name of names) {
      for (const [needed, { condition }] of Object.entries(service(name).depends_on ?? {})) {
        const expected = staying.includes(needed) ? 'service_healthy' : 'service_completed_successfully';
        expect(condition, `${name} on ${needed}`).toBe(expected);
      }
    }
    expect(Object.keys(service('topics').depends_on ?? {})).toEqual(['redpanda']);
    expect(Object.keys(service('tidemark').depends_on ?? {}).toSorted()).toEqual(['clickhouse', 'redpanda', 'topics']);
  });

  it('keeps what is stored in named volumes, each declared and used once', () => {
    const mounted = names.flatMap((name) => service(name).volumes ?? []).map((volume) => volume.split(':')[0]);
    expect(mounted.toSorted()).toEqual(Object.keys(volumes).toSorted());
  });

  it('holds no secret: each is demanded from outside', () => {
    const secrets = names.flatMap((name) =>
      Object.entries(service(name).environment ?? {}).filter(([variable]) =>
        /PASSWORD|KEY|SECRET|TOKEN/.test(variable),
      ),
    );
    expect(secrets.map(([variable]) => variable)).toContain('TIDEMARK_API_KEY');
    for (const [variable, value] of secrets) expect(value, variable).toMatch(DEMANDED);
  });

  it('sets only variables that Tidemark knows, to values that it takes', () => {
    const known = new Set(configOptions.map(({ variable }) => variable));
    expect(Object.keys(ours).filter((variable) => !known.has(variable))).toEqual([]);
    const env = Object.fromEntries(
      Object.entries(ours).map(([variable, value]) => [variable, DEMANDED.test(value) ? 'a'.repeat(48) : value]),
    );
    const { broker, registry, clickhouse, api } = loadConfig({ env });
    expect(broker.urls).toBe('redpanda:9092');
    expect(registry.url).toBe('http://redpanda:8081');
    expect(clickhouse.url).toBe('http://clickhouse:8123');
    expect(api).toMatchObject({ host: '0.0.0.0', port: 8080 });
    expect(service('tidemark').ports).toEqual([`127.0.0.1:${api.port}:${api.port}`]);
    expect(service('clickhouse').environment).toEqual({
      CLICKHOUSE_USER: clickhouse.user,
      CLICKHOUSE_PASSWORD: ours.TIDEMARK_CLICKHOUSE_PASSWORD,
    });
  });

  it('makes the topics that the packaged topology reads and writes, with the settings that Tidemark gives its own', () => {
    const command = service('topics').command ?? [];
    const { partitions, retentionMs } = loadConfig({ env: {} }).log;
    expect(command.filter((word) => !word.startsWith('-')).toSorted()).toEqual(
      [...rawTopics(), 'bars', 'bars.late', 'bars.control'].toSorted(),
    );
    expect(command).toEqual(
      expect.arrayContaining([
        '--if-not-exists',
        `--partitions=${partitions}`,
        `--topic-config=retention.ms=${retentionMs}`,
        '--topic-config=message.timestamp.type=LogAppendTime',
        '--topic-config=cleanup.policy=delete',
      ]),
    );
    expect(service('topics').image).toBe(service('redpanda').image);
  });

  it('names each broker and registry address as the broker advertises it', () => {
    const command = service('redpanda').command ?? [];
    expect(command).toContain('--advertise-kafka-addr=internal://redpanda:9092,external://localhost:19092');
    expect(service('redpanda').ports).toEqual(['127.0.0.1:19092:19092', '127.0.0.1:18081:18081']);
    expect(service('console').environment).toMatchObject({
      KAFKA_BROKERS: ours.TIDEMARK_BROKER_URLS,
      SCHEMAREGISTRY_URLS: ours.TIDEMARK_REGISTRY_URL,
    });
  });
});
