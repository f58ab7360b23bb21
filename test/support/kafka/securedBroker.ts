import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BrokerSettings } from '../../../src/log/kafka/brokerSettings.ts';
import { whyNoBroker, whyNoKafka } from './broker.ts';
import { startKafka } from './kafkaBroker.ts';
import { brokerSettings } from './settings.ts';

const OPENSSL_TIMEOUT_MS = 30_000;
const USER = 'ann';
const PASSWORD = 'a-password-for-this-test-alone';

/** The ways in which a client can be let in. */
export type Access = 'tls' | 'mutual' | 'plain' | 'scram';

export interface SecuredBroker {
  /** What lets a client in at the listener of this name. */
  readonly settings: Readonly<Record<Access, BrokerSettings>>;
  remove(): Promise<void>;
}

/** Why no such broker can be had here, or null. */
export function whyNoSecuredBroker(): string | null {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' });
  } catch {
    return 'openssl does not run';
  }
  return whyNoKafka() ?? whyNoBroker();
}

/**
 * Starts a broker that has a listener with TLS (`tls`), one that asks for the client's certificate (`mutual`), one with a
 * PLAIN login (`plain`), and one with TLS and a SCRAM-SHA-512 login (`scram`). Certificates are made for it.
 */
export async function startSecuredBroker(): Promise<SecuredBroker> {
  const directory = mkdtempSync(join(tmpdir(), 'tidemark-certificates-'));
  const server = selfSigned(directory, 'server');
  const client = selfSigned(directory, 'client');
  const keyStore = join(directory, 'server-store.pem');
  writeFileSync(keyStore, `${readFileSync(server.keyFile, 'utf8')}${readFileSync(server.certificateFile, 'utf8')}`);
  const tls = { 'ssl.keystore.type': 'PEM', 'ssl.keystore.location': keyStore };
  const trust = { 'ssl.truststore.type': 'PEM', 'ssl.truststore.location': client.certificateFile };
  const login = (mechanism: string, module: string) => ({
    'sasl.enabled.mechanisms': mechanism,
    [`${mechanism.toLowerCase()}.sasl.jaas.config`]: `org.apache.kafka.common.security.${module};`,
  });
  const broker = await startKafka({
    listeners: [
      { name: 'tls', protocol: 'SSL', properties: tls },
      { name: 'mutual', protocol: 'SSL', properties: { ...tls, ...trust, 'ssl.client.auth': 'required' } },
      {
        name: 'plain',
        protocol: 'SASL_PLAINTEXT',
        properties: login('PLAIN', `plain.PlainLoginModule required user_${USER}="${PASSWORD}"`),
      },
      {
        name: 'scram',
        protocol: 'SASL_SSL',
        properties: { ...tls, ...login('SCRAM-SHA-512', 'scram.ScramLoginModule required') },
      },
    ],
    scramLogins: [`SCRAM-SHA-512=[name=${USER},password=${PASSWORD}]`],
  });
  const settings = (access: Access, more: Partial<BrokerSettings>) => ({
    ...brokerSettings(broker.listeners[access] ?? ''),
    ...more,
  });
  const trusted = { tls: 'on', caFile: server.certificateFile } as const;
  return {
    settings: {
      tls: settings('tls', trusted),
      mutual: settings('mutual', { ...trusted, ...client }),
      plain: settings('plain', { saslMechanism: 'PLAIN', user: USER, password: PASSWORD }),
      scram: settings('scram', { ...trusted, saslMechanism: 'SCRAM-SHA-512', user: USER, password: PASSWORD }),
    },
    async remove() {
      await broker.remove();
      rmSync(directory, { recursive: true });
    },
  };
}

/** A certificate for this machine's address that vouches for itself, and its key, as PEM files. */
function selfSigned(directory: string, name: string): { readonly certificateFile: string; readonly keyFile: string } {
  const [certificateFile, keyFile] = [join(directory, `${name}.pem`), join(directory, `${name}-key.pem`)];
  const args = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', `/CN=tidemark-${name}`];
  execFileSync(
    'openssl',
    [...args, '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', keyFile, '-out', certificateFile],
    { stdio: 'ignore', timeout: OPENSSL_TIMEOUT_MS },
  );
  return { certificateFile, keyFile };
}
