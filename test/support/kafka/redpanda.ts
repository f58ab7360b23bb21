import { execFileSync } from 'node:child_process';
import { service } from '../../compose/document.ts';
import { freePorts } from '../ports.ts';
import type { Broker } from './broker.ts';

const PORT = 9092;
const ASK_TIMEOUT_MS = 10_000;
/** The first time, the image is fetched. */
const START_TIMEOUT_MS = 300_000;
const STOP_TIMEOUT_MS = 20_000;

/** Why no container can be started here, or null. */
export function whyNoDocker(): string | null {
  try {
    execFileSync('docker', ['info'], { stdio: 'ignore', timeout: ASK_TIMEOUT_MS });
    return null;
  } catch {
    return 'no Docker engine answers';
  }
}

/** Starts Redpanda, as compose.yaml has it, in a container. */
export async function startRedpanda(): Promise<Broker> {
  const { GenericContainer, Wait } = await import('testcontainers');
  const [port] = await freePorts(1);
  const urls = `127.0.0.1:${port}`;
  const container = await new GenericContainer(service('redpanda').image)
    .withExposedPorts({ container: PORT, host: Number(port) })
    .withCommand([
      ...['redpanda', 'start', '--mode=dev-container', '--smp=1', '--memory=1G'],
      ...[`--kafka-addr=0.0.0.0:${PORT}`, `--advertise-kafka-addr=${urls}`],
      ...['--set', 'redpanda.auto_create_topics_enabled=false'],
    ])
    .withWaitStrategy(Wait.forLogMessage('Successfully started Redpanda!'))
    .withStartupTimeout(START_TIMEOUT_MS)
    .start();
  return {
    urls,
    async stop() {
      await container.stop({ remove: false, timeout: STOP_TIMEOUT_MS });
    },
    async kill() {
      await container.stop({ remove: false, timeout: 0 });
    },
    start: () => container.restart(),
    async remove() {
      await container.stop();
    },
  };
}
