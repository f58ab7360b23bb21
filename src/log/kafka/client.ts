import { setTimeout as sleep } from 'node:timers/promises';
import type { KafkaConsumer, LibrdKafkaError, Producer } from '@confluentinc/kafka-javascript';
import { TidemarkError } from '../../errors.ts';
import { brokerError, isUnanswered } from './brokerError.ts';
import type { BrokerSettings } from './brokerSettings.ts';
import { ConnectionTrouble } from './connectionTrouble.ts';

/** How long a client may take to learn what the broker has. */
const CONNECT_TIMEOUT_MS = 10_000;
/** A client that takes longer to go is left to the end of the process. */
const DISCONNECT_TIMEOUT_MS = 5_000;

const LONGEST_REQUEST_MS = 15_000;
const SHORTEST_REQUEST_MS = 1_000;
const RECOVERY_POLL_MS = 50;

export type BrokerClient = typeof import('@confluentinc/kafka-javascript');

/** Loads the native client, which is optional. @throws TM_BROKER_CLIENT */
export async function loadBrokerClient(): Promise<BrokerClient> {
  try {
    return (await import('@confluentinc/kafka-javascript')).default;
  } catch (cause) {
    throw new TidemarkError('TM_BROKER_CLIENT', 'the native broker client does not load', {
      where: '@confluentinc/kafka-javascript',
      hint: 'Run: make setup FORCE=1   (in a checkout; elsewhere: npm install @confluentinc/kafka-javascript)',
      cause,
    });
  }
}

/** How the client's calls end. */
export type Done<T> = (error: LibrdKafkaError | null | undefined, value: T) => void;

/** Makes a promise of one call of the client's. @throws what `brokerError` makes of a failure */
export function ask<T>(what: string, start: (done: Done<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const fail = (error: unknown): void => reject(brokerError(error, what));
    try {
      start((error, value) => (error ? fail(error) : resolve(value)));
    } catch (error) {
      fail(error);
    }
  });
}

/** How long one request may take: no longer than a broker may be away. */
export function requestTimeoutMs({ recoveryTimeoutMs }: BrokerSettings): number {
  return Math.min(LONGEST_REQUEST_MS, Math.max(SHORTEST_REQUEST_MS, recoveryTimeoutMs));
}

/** Asks again while no broker answers, for at most `timeoutMs`. Only for what changes nothing. */
export async function patiently<T>(timeoutMs: number, question: () => Promise<T>): Promise<T> {
  const startedMs = performance.now();
  for (;;) {
    try {
      return await question();
    } catch (error) {
      if (!isUnanswered(error) || performance.now() - startedMs >= timeoutMs) throw error;
      await sleep(RECOVERY_POLL_MS);
    }
  }
}

/** @throws TM_BROKER_UNREACHABLE, TM_BROKER_ACCESS */
export async function connect(client: Producer | KafkaConsumer, what: string): Promise<void> {
  const trouble = new ConnectionTrouble();
  trouble.watch(client);
  try {
    await ask(what, (done) => client.connect({ allTopics: false, timeout: CONNECT_TIMEOUT_MS }, done));
  } catch (error) {
    throw trouble.explain(error, what);
  }
}

export async function disconnect(client: Producer | KafkaConsumer): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const tooLong = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, DISCONNECT_TIMEOUT_MS);
  });
  await Promise.race([new Promise<void>((resolve) => client.disconnect(() => resolve())), tooLong]);
  clearTimeout(timer);
}
