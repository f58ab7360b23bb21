import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { GlobalConfig } from '@confluentinc/kafka-javascript';
import type { KafkaConfig, SASLOptions } from 'kafkajs';
import { TidemarkError } from '../../errors.ts';

export type SaslMechanism = 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512';

/** Where the broker is, and how it is to be spoken to. Empty texts are not set. */
export interface BrokerSettings {
  /** `HOST:PORT`, several with commas. */
  readonly urls: string;
  /** Put before the names of groups and transactional ids, to keep installs on one broker apart. */
  readonly idPrefix: string;
  readonly tls: 'on' | 'off';
  /** Paths of PEM files. */
  readonly caFile: string;
  readonly certificateFile: string;
  readonly keyFile: string;
  readonly saslMechanism: SaslMechanism | '';
  readonly user: string;
  readonly password: string;
  /** How long it may be away when the log is opened, and after that. */
  readonly startTimeoutMs: number;
  readonly recoveryTimeoutMs: number;
}

export const CLIENT_ID = 'tidemark';
/** How long one connection may take to stand. */
const CONNECT_TIMEOUT_MS = 5_000;
/** Between tries to reach a broker that does not answer; librdkafka doubles it up to the second. */
const RECONNECT_MS = 100;
const RECONNECT_MAX_MS = 2_000;
/** An answer that takes longer counts as lost. */
const REQUEST_TIMEOUT_MS = 10_000;

/**
 * Checks the PEM files: of a wrong one librdkafka says no more than that its own state is wrong.
 * @throws TM_CONFIG
 */
export function checkPemFiles({ caFile, certificateFile, keyFile }: BrokerSettings): void {
  if (caFile !== '') usePem(caFile, (pem) => new X509Certificate(pem));
  if (certificateFile !== '') usePem(certificateFile, (pem) => new X509Certificate(pem));
  if (keyFile !== '') usePem(keyFile, (pem) => createPrivateKey(pem));
}

/** What every librdkafka client is given. */
export function clientConfig(settings: BrokerSettings): GlobalConfig {
  const { tls, caFile, certificateFile, keyFile, saslMechanism, user, password } = settings;
  const sasl = saslMechanism !== '';
  const protocol = `${sasl ? 'sasl_' : ''}${tls === 'on' ? 'ssl' : 'plaintext'}` as const;
  return {
    'bootstrap.servers': settings.urls,
    'client.id': CLIENT_ID,
    'security.protocol': protocol,
    'socket.connection.setup.timeout.ms': CONNECT_TIMEOUT_MS,
    'socket.timeout.ms': REQUEST_TIMEOUT_MS,
    'reconnect.backoff.ms': RECONNECT_MS,
    'reconnect.backoff.max.ms': RECONNECT_MAX_MS,
    ...(caFile === '' ? {} : { 'ssl.ca.location': caFile }),
    ...(certificateFile === '' ? {} : { 'ssl.certificate.location': certificateFile }),
    ...(keyFile === '' ? {} : { 'ssl.key.location': keyFile }),
    ...(sasl ? { 'sasl.mechanisms': saslMechanism, 'sasl.username': user, 'sasl.password': password } : {}),
  };
}

/** The same for KafkaJS. @throws TM_CONFIG when a PEM file cannot be used */
export function kafkaJsConfig(settings: BrokerSettings): KafkaConfig {
  const { urls, tls, caFile, certificateFile, keyFile, saslMechanism, user: username, password } = settings;
  const pem = (name: string, path: string) => (path === '' ? {} : { [name]: usePem(path, String) });
  return {
    clientId: CLIENT_ID,
    brokers: urls.split(',').map((url) => url.trim()),
    connectionTimeout: CONNECT_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    ...(tls === 'on' ? { ssl: { ...pem('ca', caFile), ...pem('cert', certificateFile), ...pem('key', keyFile) } } : {}),
    ...(saslMechanism === '' ? {} : { sasl: saslOptions(saslMechanism, { username, password }) }),
  };
}

function saslOptions(mechanism: SaslMechanism, login: { username: string; password: string }): SASLOptions {
  if (mechanism === 'PLAIN') return { mechanism: 'plain', ...login };
  return mechanism === 'SCRAM-SHA-256'
    ? { mechanism: 'scram-sha-256', ...login }
    : { mechanism: 'scram-sha-512', ...login };
}

function usePem<T>(path: string, use: (pem: string) => T): T {
  try {
    return use(readFileSync(path, 'utf8'));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TidemarkError('TM_CONFIG', `a PEM file cannot be used: ${reason}`, {
      where: path,
      hint: 'broker.caFile, broker.certificateFile and broker.keyFile are paths of PEM files.',
      cause,
    });
  }
}
