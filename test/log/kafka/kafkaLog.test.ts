import { afterAll, beforeAll, describe } from 'vitest';
import { openKafkaLog } from '../../../src/log/kafka/kafkaLog.ts';
import { type Broker, startBroker, whyNoBroker } from '../../support/kafka/broker.ts';
import { brokerSettings } from '../../support/kafka/settings.ts';
import { requirement } from '../../support/requirement.ts';
import { logContract } from '../contract.ts';

const missing = whyNoBroker();
const available = requirement('kafka', missing === null, `the log on a Kafka broker: ${missing}`);
const START_TIMEOUT_MS = 120_000;

describe.skipIf(!available)('on Apache Kafka', () => {
  let broker: Broker;

  beforeAll(async () => {
    broker = await startBroker();
  }, START_TIMEOUT_MS);

  afterAll(() => broker.remove());

  logContract('the Kafka log', async () => {
    const log = await openKafkaLog(brokerSettings(broker.urls));
    return { log, close: () => log.close() };
  });
});
