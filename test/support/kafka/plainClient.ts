import type { KafkaConsumer as Consumer, Message } from '@confluentinc/kafka-javascript';
import avsc from 'avsc';

const { Type } = avsc;
const TIMEOUT_MS = 30_000;
const CONSUME_RECORDS = 1_000;
const CONSUME_WAIT_MS = 100;

type ConsumerKind = 'read_committed' | 'read_uncommitted';

/** A consumer as any user of the broker would have one: it shares nothing with the product. */
async function connectConsumer(urls: string, groupId: string, isolation: ConsumerKind): Promise<Consumer> {
  const { KafkaConsumer } = (await import('@confluentinc/kafka-javascript')).default;
  const consumer = new KafkaConsumer({
    'bootstrap.servers': urls,
    'group.id': groupId,
    'enable.auto.commit': false,
    'enable.partition.eof': true,
    'isolation.level': isolation,
  });
  await new Promise<void>((resolve, reject) => {
    consumer.connect({ timeout: TIMEOUT_MS }, (error) => (error ? reject(error) : resolve()));
  });
  return consumer;
}

function disconnect(consumer: Consumer): Promise<void> {
  return new Promise((resolve) => consumer.disconnect(() => resolve()));
}

function partitionsOf(consumer: Consumer, topic: string): Promise<number[]> {
  return new Promise((resolve, reject) => {
    consumer.getMetadata({ topic, timeout: TIMEOUT_MS }, (error, metadata) => {
      const found = metadata?.topics.find(({ name }) => name === topic);
      if (error || found === undefined) reject(error ?? new Error(`no topic ${topic}`));
      else resolve(found.partitions.map(({ id }) => id));
    });
  });
}

/** Every record of a topic that a `read_committed` consumer is given. */
export async function readCommitted(urls: string, topic: string): Promise<Message[]> {
  const consumer = await connectConsumer(urls, 'plain-reader', 'read_committed');
  const left = new Set(await partitionsOf(consumer, topic));
  consumer.on('partition.eof', ({ partition }) => left.delete(partition));
  consumer.setDefaultConsumeTimeout(CONSUME_WAIT_MS);
  consumer.assign(Array.from(left, (partition) => ({ topic, partition, offset: 0 })));
  const records: Message[] = [];
  while (left.size > 0) records.push(...(await consume(consumer)));
  await disconnect(consumer);
  return records;
}

function consume(consumer: Consumer): Promise<Message[]> {
  return new Promise((resolve, reject) => {
    consumer.consume(CONSUME_RECORDS, (error, messages) => (error ? reject(error) : resolve(messages)));
  });
}

/** Decodes values by the schemas that a registry has for them, as any Avro consumer would. */
export async function decodeAll(records: readonly Message[], registryUrl: string): Promise<Record<string, unknown>[]> {
  const types = new Map<number, ReturnType<typeof Type.forSchema>>();
  const decoded: Record<string, unknown>[] = [];
  for (const { value } of records) {
    if (value === null) throw new Error('a record has no value');
    const id = value.readInt32BE(1);
    const type = types.get(id) ?? (await typeOf(registryUrl, id));
    types.set(id, type);
    decoded.push(type.fromBuffer(value.subarray(5)) as Record<string, unknown>);
  }
  return decoded;
}

async function typeOf(registryUrl: string, id: number): Promise<ReturnType<typeof Type.forSchema>> {
  const { schema } = (await (await fetch(`${registryUrl}/schemas/ids/${id}`)).json()) as { schema: string };
  return Type.forSchema(JSON.parse(schema));
}

export interface GroupWatch {
  /** Sum of the offsets that the group has committed for the topic. What an open transaction holds is not counted. */
  committed(): Promise<number>;
  close(): Promise<void>;
}

/** Looks at a group's positions without waiting for transactions that are open. */
export async function watchGroup(urls: string, group: string, topic: string): Promise<GroupWatch> {
  const consumer = await connectConsumer(urls, group, 'read_uncommitted');
  const places = (await partitionsOf(consumer, topic)).map((partition) => ({ topic, partition }));
  return {
    committed: () =>
      new Promise((resolve, reject) => {
        consumer.committed(places, TIMEOUT_MS, (error, found) => {
          if (error) reject(error);
          else resolve(found.reduce((sum, { offset }) => sum + Math.max(0, Number(offset ?? 0)), 0));
        });
      }),
    close: () => disconnect(consumer),
  };
}

/** Writes records with a timestamp of their own, as a producer that knows nothing of the product. */
export async function produceAt(urls: string, topic: string, timestampMs: number, count: number): Promise<void> {
  const { Producer } = (await import('@confluentinc/kafka-javascript')).default;
  const producer = new Producer({ 'bootstrap.servers': urls });
  await new Promise<void>((resolve, reject) => {
    producer.connect({ timeout: TIMEOUT_MS }, (error) => (error ? reject(error) : resolve()));
  });
  for (let i = 0; i < count; i++) producer.produce(topic, 0, Buffer.from(`${i}`), null, timestampMs);
  await new Promise<void>((resolve, reject) => {
    producer.flush(TIMEOUT_MS, (error) => (error ? reject(error) : resolve()));
  });
  await new Promise<void>((resolve) => producer.disconnect(() => resolve()));
}

/** Makes a topic of one partition with the broker's own defaults. */
export async function createPlainTopic(urls: string, topic: string): Promise<void> {
  const { AdminClient } = (await import('@confluentinc/kafka-javascript')).default;
  const admin = AdminClient.create({ 'bootstrap.servers': urls });
  await new Promise<void>((resolve, reject) => {
    const settings = { topic, num_partitions: 1, replication_factor: 1 };
    admin.createTopic(settings, TIMEOUT_MS, (error) => (error ? reject(error) : resolve()));
  });
  admin.disconnect();
}

/** A transaction that holds a position of a group and is left open, as by a producer that was killed. */
export async function openTransaction(
  urls: string,
  group: string,
  position: { readonly topic: string; readonly partition: number; readonly offset: number },
): Promise<{ abort(): Promise<void> }> {
  const { Producer } = (await import('@confluentinc/kafka-javascript')).default;
  const producer = new Producer({ 'bootstrap.servers': urls, 'transactional.id': 'left-open' });
  const ask = (start: (done: (error: unknown) => void) => void) =>
    new Promise<void>((resolve, reject) => start((error) => (error ? reject(error) : resolve())));
  await ask((done) => producer.connect({ timeout: TIMEOUT_MS }, done));
  await ask((done) => producer.initTransactions(TIMEOUT_MS, done));
  await ask((done) => producer.beginTransaction(done));
  const consumer = await connectConsumer(urls, group, 'read_committed');
  await ask((done) => producer.sendOffsetsToTransaction([position], consumer, TIMEOUT_MS, done));
  return {
    async abort() {
      await ask((done) => producer.abortTransaction(TIMEOUT_MS, done));
      await new Promise<void>((resolve) => producer.disconnect(() => resolve()));
      await disconnect(consumer);
    },
  };
}
