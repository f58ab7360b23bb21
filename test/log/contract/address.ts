import { openEmbeddedLog } from '../../../src/log/embedded/embeddedLog.ts';
import { openKafkaLog } from '../../../src/log/kafka/kafkaLog.ts';
import type { Log } from '../../../src/log/log.ts';
import { brokerSettings } from '../../support/kafka/settings.ts';

/** Where a log is, so that another process can open it too. */
export type LogAddress = { readonly directory: string } | { readonly urls: string };

export function openLogAt(address: LogAddress): Promise<Log> {
  if ('urls' in address) return openKafkaLog(brokerSettings(address.urls));
  return openEmbeddedLog({ directory: address.directory, now: Date.now });
}
