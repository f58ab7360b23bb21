import { type ChildProcess, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from '../ports.ts';
import { endServer, startServer } from '../serverProcess.ts';
import type { Broker } from './broker.ts';
import { JARS } from './kafkaTools.ts';

const START_TIMEOUT_MS = 60_000;
const ANSWER_TIMEOUT_MS = 1_000;
/** Its length; key 18, version 0; correlation id 1; no client id. */
const API_VERSIONS_REQUEST = Buffer.from('0000000a0012000000000001ffff', 'hex');
const CLUSTER_ID = 'dGlkZW1hcmstdGVzdHMtMQ';

/** Where a broker listens besides its plain port, without TLS and logins. */
export interface Listener {
  /** In lower case, as Kafka's settings of one listener have it. */
  readonly name: string;
  readonly protocol: 'SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL';
  /** Of this listener alone: names as Kafka's `listener.name.NAME.` has them. */
  readonly properties: Readonly<Record<string, string>>;
}

interface BrokerOptions {
  readonly listeners?: readonly Listener[];
  /** Kafka's own. */
  readonly properties?: Readonly<Record<string, string>>;
  /** SCRAM logins that the broker knows from its first start, as Kafka's storage tool takes them. */
  readonly scramLogins?: readonly string[];
}

/** Apache Kafka in a process and a directory of its own. */
export interface KafkaBroker extends Broker {
  /** `HOST:PORT` of each listener that was asked for, by its name. */
  readonly listeners: Readonly<Record<string, string>>;
}

/** Starts a broker (KRaft, one node) on free ports. */
export async function startKafka({
  listeners = [],
  scramLogins = [],
  properties = {},
}: BrokerOptions = {}): Promise<KafkaBroker> {
  const directory = mkdtempSync(join(tmpdir(), 'tidemark-broker-'));
  const [port, controllerPort, ...morePorts] = await freePorts(2 + listeners.length);
  const urls = `127.0.0.1:${port}`;
  const others = Object.fromEntries(listeners.map(({ name }, i) => [name, `127.0.0.1:${morePorts[i]}`]));
  const file = join(directory, 'server.properties');
  writeFileSync(
    file,
    propertiesText({
      ...serverProperties(`127.0.0.1:${controllerPort}`, join(directory, 'data')),
      ...listenerProperties({ plaintext: urls, ...others }, `127.0.0.1:${controllerPort}`, listeners),
      ...properties,
    }),
  );
  const logins = scramLogins.flatMap((login) => ['--add-scram', login]);
  const format = ['kafka.tools.StorageTool', 'format', '-t', CLUSTER_ID, '-c', file, ...logins];
  execFileSync('java', ['-cp', join(JARS, '*'), ...format], { stdio: 'ignore', timeout: START_TIMEOUT_MS });
  let child: ChildProcess | null = null;
  const broker: KafkaBroker = {
    urls,
    listeners: others,
    async start() {
      child = await startServer('java', ['-Xmx512m', '-cp', join(JARS, '*'), 'kafka.Kafka', file], {
        isReady: () => isAnswering(Number(port)),
        timeoutMs: START_TIMEOUT_MS,
      });
    },
    async stop() {
      if (child !== null) await endServer(child);
      child = null;
    },
    async kill() {
      if (child === null) return;
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
      child = null;
    },
    async remove() {
      await broker.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
  try {
    await broker.start();
  } catch (error) {
    await broker.remove();
    throw error;
  }
  return broker;
}

function serverProperties(controller: string, directory: string): Record<string, string> {
  return {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@${controller}`,
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    'log.dirs': directory,
    'offsets.topic.replication.factor': '1',
    'offsets.topic.num.partitions': '4',
    'transaction.state.log.num.partitions': '4',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'group.initial.rebalance.delay.ms': '0',
    'auto.create.topics.enable': 'false',
  };
}

function listenerProperties(
  urls: Readonly<Record<string, string>>,
  controller: string,
  secured: readonly Listener[],
): Record<string, string> {
  const all = Object.entries(urls).map(([name, url]) => `${name.toUpperCase()}://${url}`);
  const protocols = secured.map(({ name, protocol }) => `${name.toUpperCase()}:${protocol}`);
  const own = secured.flatMap(({ name, properties }) =>
    Object.entries(properties).map(([key, value]) => [`listener.name.${name}.${key}`, value] as const),
  );
  return {
    listeners: [...all, `CONTROLLER://${controller}`].join(),
    'advertised.listeners': all.join(),
    'listener.security.protocol.map': ['PLAINTEXT:PLAINTEXT', 'CONTROLLER:PLAINTEXT', ...protocols].join(),
    ...Object.fromEntries(own),
  };
}

function propertiesText(properties: Readonly<Record<string, string>>): string {
  return Object.entries(properties)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}

/** Whether a broker answers: its port is open well before that. */
function isAnswering(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(API_VERSIONS_REQUEST));
    const answer = (isAnswering: boolean) => () => {
      socket.destroy();
      resolve(isAnswering);
    };
    socket.setTimeout(ANSWER_TIMEOUT_MS, answer(false));
    socket.once('data', answer(true)).once('error', answer(false)).once('end', answer(false));
  });
}
