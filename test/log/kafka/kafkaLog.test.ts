import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openKafkaLog } from '../../../src/log/kafka/kafkaLog.ts';
import type { BulkWriter } from '../../../src/log/log.ts';
import { type Broker, startBroker, whyNoBroker } from '../../support/kafka/broker.ts';
import { prepareKafkaTools, runKafkaTool } from '../../support/kafka/kafkaTools.ts';
import { openTransaction } from '../../support/kafka/plainClient.ts';
import { brokerSettings } from '../../support/kafka/settings.ts';
import { requirement } from '../../support/requirement.ts';
import { logContract } from '../contract.ts';
import { numbered, readToEnd, recordBytes, type TestRecord, WIDE } from '../records.ts';

const missing = whyNoBroker();
const noTools = prepareKafkaTools();
const available = requirement('kafka', missing === null, `the log on a Kafka broker: ${missing}`);
const START_TIMEOUT_MS = 120_000;

describe.skipIf(!available)('on a broker', () => {
  let broker: Broker;

  beforeAll(async () => {
    broker = await startBroker();
  }, START_TIMEOUT_MS);

  afterAll(() => broker.remove());

  logContract('the Kafka log', async () => {
    const log = await openKafkaLog(brokerSettings(broker.urls));
    return { log, address: { urls: broker.urls }, close: () => log.close() };
  });

  it.skipIf(noTools !== null)(
    'makes topics that keep history, whatever the event times: the broker says so',
    async () => {
      const log = await openKafkaLog(brokerSettings(broker.urls));
      await log.createTopic('history', { partitions: 1, retentionMs: -1 });
      await log.close();
      const described = runKafkaTool('kafka.admin.ConfigCommand', [
        ...['--bootstrap-server', broker.urls, '--entity-type', 'topics', '--entity-name', 'history', '--describe'],
      ]);
      for (const setting of ['message.timestamp.type=LogAppendTime', 'cleanup.policy=delete', 'retention.ms=-1']) {
        expect(described).toContain(setting);
      }
    },
  );

  it(
    'waits for a broker that is started again: readers and writers go on',
    async () => {
      const log = await openKafkaLog(brokerSettings(broker.urls));
      const topic = 'restarted';
      await log.createTopic(topic, { partitions: 1, retentionMs: -1 });
      const writer = await log.openWriter('restart');
      const bulkWriter = await log.openBulkWriter('restart-bulk');
      const reader = await log.openReader([{ topic, partition: 0, offset: 0 }]);
      const commit = (to: BulkWriter, tag: string) =>
        to.commit({ appends: [{ topic, partition: 0, records: recordBytes(numbered(tag, 3)) }], positions: [] });
      await commit(writer, 'before');
      const values = async () => (await readToEnd(reader, WIDE, 0)).map(({ value }) => value);
      expect(await values()).toEqual(['before-0', 'before-1', 'before-2']);
      await broker.stop();
      await Promise.all([broker.start(), commit(writer, 'after'), commit(bulkWriter, 'bulk')]);
      await bulkWriter.close();
      expect((await values()).sort()).toEqual(['after-0', 'after-1', 'after-2', 'bulk-0', 'bulk-1', 'bulk-2']);
      await log.close();
    },
    START_TIMEOUT_MS,
  );

  it.skipIf(noTools !== null).each(['openWriter', 'openBulkWriter'] as const)(
    'says what it refused of a transaction, of which nothing is seen, and the next writer goes on (%s)',
    async (open) => {
      const topic = `narrow-${open}`;
      const log = await openKafkaLog(brokerSettings(broker.urls));
      await log.createTopic(topic, { partitions: 1, retentionMs: -1 });
      runKafkaTool('kafka.admin.ConfigCommand', [
        ...['--bootstrap-server', broker.urls, '--entity-type', 'topics', '--entity-name', topic],
        ...['--alter', '--add-config', 'max.message.bytes=2000'],
      ]);
      const commit = async (records: readonly TestRecord[]) => {
        const writer = await log[open](topic);
        try {
          await writer.commit({ appends: [{ topic, partition: 0, records: recordBytes(records) }], positions: [] });
        } finally {
          await writer.close();
        }
      };
      const noise = { key: 'a', value: randomBytes(10_000).toString('base64') };
      await expect(commit([...numbered('first', 2), noise])).rejects.toMatchObject({ code: 'TM_LOG_RECORD_TOO_LARGE' });
      await commit(numbered('next', 2));
      const reader = await log.openReader([{ topic, partition: 0, offset: 0 }]);
      expect((await readToEnd(reader, WIDE, 0)).map(({ value }) => value)).toEqual(['next-0', 'next-1']);
      await log.close();
    },
  );

  it("tells a partition's position though a killed writer's transaction keeps another's back", async () => {
    const log = await openKafkaLog(brokerSettings(broker.urls));
    await log.createTopic('kept-back', { partitions: 2, retentionMs: -1 });
    const position = (partition: number) => ({ topic: 'kept-back', partition, offset: 1, metadata: '' });
    const writer = await log.openWriter('positions');
    await writer.commit({ appends: [], positions: [{ group: 'kept-back', positions: [position(0), position(1)] }] });
    const open = await openTransaction(broker.urls, 'tidemark.kept-back', { ...position(1), offset: 2 });
    expect(await log.committed('kept-back', [{ topic: 'kept-back', partition: 0 }])).toEqual([position(0)]);
    const all = log.committed('kept-back');
    await open.abort();
    expect([...(await all)].sort((a, b) => a.partition - b.partition)).toEqual([position(0), position(1)]);
    await log.close();
  });

  it('says what to do when no broker answers', async () => {
    const unreachable = openKafkaLog(brokerSettings('127.0.0.1:1'));
    await expect(unreachable).rejects.toMatchObject({
      code: 'TM_BROKER_UNREACHABLE',
      hint: expect.stringContaining('--brokers'),
    });
  });

  it('keeps the groups and writers of installs with different prefixes apart', async () => {
    const [ours, theirs] = await Promise.all(
      ['ours.', 'theirs.'].map((idPrefix) => openKafkaLog({ ...brokerSettings(broker.urls), idPrefix })),
    );
    if (ours === undefined || theirs === undefined) throw new Error('both are open');
    await ours.createTopic('shared', { partitions: 1, retentionMs: -1 });
    const position = { topic: 'shared', partition: 0, offset: 1, metadata: '' };
    const transaction = { appends: [], positions: [{ group: 'group', positions: [position] }] };
    const writers = [await ours.openWriter('same'), await theirs.openWriter('same')];
    await writers[0]?.commit(transaction);
    expect(await ours.committed('group')).toEqual([position]);
    expect(await theirs.committed('group')).toEqual([]);
    await Promise.all([ours.close(), theirs.close()]);
  });
});
