import type { BrokerSettings } from '../../../src/log/kafka/brokerSettings.ts';

/** A broker without TLS and logins. */
export function brokerSettings(urls: string): BrokerSettings {
  return {
    urls,
    idPrefix: 'tidemark.',
    tls: 'off',
    caFile: '',
    certificateFile: '',
    keyFile: '',
    saslMechanism: '',
    user: '',
    password: '',
    startTimeoutMs: 10_000,
    recoveryTimeoutMs: 30_000,
  };
}
