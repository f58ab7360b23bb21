// @ts-nocheck: plain JavaScript on purpose; it is what Tidemark is measured against.
// A bare kafka-javascript produce loop: records that were made before, in memory, handed over as fast as the client takes
// them, with the settings that Tidemark's producers have, and without transactions. It reads and checks nothing.
//
//   node bench/bareProducer.mjs BROKERS TOPIC TRADES.csv COUNT      prints what the loop took, until all are acknowledged
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import kafka from '@confluentinc/kafka-javascript';
import avsc from 'avsc';

const PARTITIONS = 4;
/** Made before, and sent round and round. */
const RECORDS = 20_000;
const QUEUE_FULL = kafka.CODES.ERRORS.ERR__QUEUE_FULL;
const TIMEOUT_MS = 30_000;

const optional = (type) => ['null', type];
const tickType = avsc.Type.forSchema({
  type: 'record',
  name: 'Tick',
  fields: [
    { name: 'instrument', type: 'string' },
    { name: 'eventTime', type: 'long' },
    { name: 'price', type: 'double' },
    { name: 'size', type: 'double' },
    { name: 'side', type: optional({ type: 'enum', name: 'Side', symbols: ['buy', 'sell'] }) },
    { name: 'sequence', type: optional('long') },
    { name: 'tradeId', type: optional('string') },
    { name: 'publishTime', type: optional('long') },
    { name: 'receiveTime', type: optional('long') },
    { name: 'conditions', type: optional('string') },
  ],
});

const [urls, topic, file, count] = process.argv.slice(2);
const records = await readRecords(file);
await createTopic();
const producer = new kafka.Producer({
  'bootstrap.servers': urls,
  'enable.idempotence': true,
  'linger.ms': 2,
  'compression.codec': 'lz4',
  'queue.buffering.max.messages': 100_000,
  'queue.buffering.max.kbytes': 128 * 1024,
  'delivery.report.only.error': true,
  dr_cb: true,
});
await new Promise((resolve, reject) => {
  producer.connect({ allTopics: false, timeout: TIMEOUT_MS }, (error) => (error ? reject(error) : resolve()));
});
producer.setPollInBackground(true);

producer.on('delivery-report', (error) => {
  if (error) throw error;
});
const startedMs = performance.now();
const usageBefore = process.cpuUsage();
for (let i = 0; i < Number(count); i++) {
  const { key, value } = records[i % records.length];
  while (!isTaken(key, value)) await new Promise((resolve) => setTimeout(resolve, 1));
}
await new Promise((resolve, reject) => {
  producer.flush(TIMEOUT_MS, (error) => (error ? reject(error) : resolve()));
});
const { user, system } = process.cpuUsage(usageBefore);
console.log(JSON.stringify({ wallMs: performance.now() - startedMs, cpuMs: (user + system) / 1_000 }));
await new Promise((resolve) => producer.disconnect(resolve));

/** False when the client's queue is full. */
function isTaken(key, value) {
  try {
    producer.produce(topic, null, value, key);
    return true;
  } catch (error) {
    if (error.code === QUEUE_FULL) return false;
    throw error;
  }
}

async function readRecords(path) {
  const made = [];
  for await (const line of createInterface({ input: createReadStream(path) })) {
    const [received, , symbol, published, time, id, price, size, isSell] = line.split(',');
    if (received === 'recv_ns') continue;
    const instrument = `binance-spot:${symbol}`;
    const tick = {
      instrument,
      eventTime: Number(time) * 1_000,
      price: Number(price),
      size: Number(size),
      side: isSell === 'true' ? 'sell' : 'buy',
      sequence: Number(id),
      tradeId: id,
      publishTime: Number(published) * 1_000,
      receiveTime: Math.floor(Number(received) / 1_000),
      conditions: null,
    };
    // Confluent framing: five bytes before the value.
    made.push({ key: Buffer.from(instrument), value: Buffer.concat([Buffer.alloc(5), tickType.toBuffer(tick)]) });
    if (made.length === RECORDS) break;
  }
  return made;
}

async function createTopic() {
  const admin = kafka.AdminClient.create({ 'bootstrap.servers': urls });
  const settings = {
    topic,
    num_partitions: PARTITIONS,
    replication_factor: 1,
    config: { 'message.timestamp.type': 'LogAppendTime' },
  };
  await new Promise((resolve, reject) => {
    admin.createTopic(settings, TIMEOUT_MS, (error) => (error ? reject(error) : resolve()));
  });
  admin.disconnect();
}
