import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { JARS, prepareKafkaTools } from './kafkaTools.ts';

const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 20_000;
const CLUSTER_ID = 'dGlkZW1hcmstdGVzdHMtMQ';

/** Apache Kafka in a process and a directory of its own. */
export interface Broker {
  /** `HOST:PORT` */
  readonly urls: string;
  /** Ends the process, as an operator would; what it stored stays. */
  stop(): Promise<void>;
  /** Ends the process with SIGKILL. */
  kill(): Promise<void>;
  /** Starts it again on what it stored. */
  start(): Promise<void>;
  /** Ends it and removes what it stored. */
  remove(): Promise<void>;
}

/** Why no broker can be had here, or null. */
export function whyNoBroker(): string | null {
  try {
    createRequire(import.meta.url)('@confluentinc/kafka-javascript');
  } catch {
    return 'the native broker client does not load';
  }
  return prepareKafkaTools();
}

/** Starts a broker (KRaft, one node) on free ports, with some properties of its own. */
export async function startBroker(properties: Readonly<Record<string, string>> = {}): Promise<Broker> {
  const directory = mkdtempSync(join(tmpdir(), 'tidemark-broker-'));
  const [port, controllerPort] = await freePorts(2);
  const urls = `127.0.0.1:${port}`;
  const file = join(directory, 'server.properties');
  const own = serverProperties(urls, `127.0.0.1:${controllerPort}`, join(directory, 'data'));
  writeFileSync(file, propertiesText({ ...own, ...properties }));
  const format = ['kafka.tools.StorageTool', 'format', '-t', CLUSTER_ID, '-c', file];
  execFileSync('java', ['-cp', join(JARS, '*'), ...format], { stdio: 'ignore', timeout: START_TIMEOUT_MS });
  let child: ChildProcess | null = null;
  const broker: Broker = {
    urls,
    async start() {
      child = spawn('java', ['-Xmx512m', '-cp', join(JARS, '*'), 'kafka.Kafka', file], { stdio: 'ignore' });
      await untilListening(Number(port), child);
    },
    async stop() {
      if (child !== null) await end(child);
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

function serverProperties(
  broker: string,
  controller: string,
  directory: string,
): Record<string, string | number | boolean> {
  return {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@${controller}`,
    listeners: `PLAINTEXT://${broker},CONTROLLER://${controller}`,
    'advertised.listeners': `PLAINTEXT://${broker}`,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'log.dirs': directory,
    'offsets.topic.replication.factor': 1,
    'offsets.topic.num.partitions': 4,
    'transaction.state.log.num.partitions': 4,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'group.initial.rebalance.delay.ms': 0,
    'auto.create.topics.enable': false,
  };
}

function propertiesText(properties: Readonly<Record<string, string | number | boolean>>): string {
  return Object.entries(properties)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}

/** Ports that are free now; they are held together so that they differ. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => {
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('a TCP server has a port');
    return address.port;
  });
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}

async function untilListening(port: number, child: ChildProcess): Promise<void> {
  const { connect } = await import('node:net');
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`the broker ended with status ${child.exitCode}`);
    const isListening = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1');
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
      socket.once('connect', () => socket.destroy());
    });
    if (isListening) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  await end(child);
  throw new Error(`the broker does not listen after ${START_TIMEOUT_MS} ms`);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  await ended;
  clearTimeout(timer);
}
