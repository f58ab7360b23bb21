import { createRequire } from 'node:module';
import { startKafka } from './kafkaBroker.ts';
import { prepareKafkaTools } from './kafkaTools.ts';
import { startRedpanda, whyNoDocker } from './redpanda.ts';

/**
 * A broker for one test file: the product's topics have fixed names, so that files that run at the same time cannot share
 * one.
 */
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
  const noClient = whyNoClient();
  if (noClient !== null) return noClient;
  const noKafka = whyNoKafka();
  const noDocker = noKafka === null ? null : whyNoDocker();
  return noDocker === null ? null : `${noKafka}; ${noDocker}`;
}

/** Why Apache Kafka is not to be had here, or not wanted; or null. */
export function whyNoKafka(): string | null {
  return process.env.TIDEMARK_TEST_BROKER === 'redpanda' ? 'TIDEMARK_TEST_BROKER is redpanda' : prepareKafkaTools();
}

/** Starts Apache Kafka; Redpanda where that cannot be had. */
export function startBroker(): Promise<Broker> {
  return whyNoKafka() === null ? startKafka() : startRedpanda();
}

function whyNoClient(): string | null {
  try {
    createRequire(import.meta.url)('@confluentinc/kafka-javascript');
    return null;
  } catch {
    return 'the native broker client does not load';
  }
}
