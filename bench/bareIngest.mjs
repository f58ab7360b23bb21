// @ts-nocheck: plain JavaScript on purpose; it is what Tidemark is measured against.
// Rows over HTTP without checks, as one would write it in plain Node: Fastify, JSON.parse, avsc, and one transaction a request
// in the same embedded log. It knows no keys of requests, and no row that it does not take.
//
//   node bench/bareIngest.mjs DIR      prints where it listens
import { createHash } from 'node:crypto';
import avsc from 'avsc';
import Fastify from 'fastify';

const { openEmbeddedLog } = await import(new URL('../dist/log/embedded/embeddedLog.js', import.meta.url).href);

const PARTITIONS = 4;
const BODY_BYTES = 4_194_304;
const FRAME_BYTES = 5;
const MAX_RECORD_BYTES = 1_024;

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
const NONE = { side: null, sequence: null, tradeId: null, publishTime: null, receiveTime: null, conditions: null };

const log = await openEmbeddedLog({ directory: process.argv[2], now: Date.now });
await log.createTopic('ticks', { partitions: PARTITIONS, retentionMs: -1 });
const writer = await log.openWriter('bare');
const partitions = new Map();

const server = Fastify({ bodyLimit: BODY_BYTES });
server.addContentTypeParser('application/x-ndjson', { parseAs: 'string' }, async (_request, body) => body);
server.post('/v1/ingest/ticks', async ({ body }) => {
  const lines = body.split('\n').filter((line) => line !== '');
  const batches = Array.from({ length: PARTITIONS }, () => ({ keys: [], values: [] }));
  for (const line of lines) {
    const row = JSON.parse(line);
    const { keys, values } = batches[partitionOf(row.instrument)];
    keys.push(Buffer.from(row.instrument));
    values.push(framed({ ...NONE, ...row }));
  }
  const appends = batches.flatMap(({ keys, values }, partition) =>
    keys.length === 0 ? [] : [{ topic: 'ticks', partition, records: recordsOf(keys, values) }],
  );
  await writer.commit({ appends, positions: [] });
  return { accepted: lines.length };
});
process.on('SIGTERM', () => process.exit());
console.error(`API at ${await server.listen({ port: 0 })}, bare`);

function partitionOf(instrument) {
  let partition = partitions.get(instrument);
  if (partition === undefined) {
    partition = createHash('md5').update(instrument).digest()[0] % PARTITIONS;
    partitions.set(instrument, partition);
  }
  return partition;
}

/** Confluent framing: five bytes before the value. */
function framed(tick) {
  const bytes = Buffer.allocUnsafe(MAX_RECORD_BYTES);
  bytes.fill(0, 0, FRAME_BYTES);
  return bytes.subarray(0, tickType.encode(tick, bytes, FRAME_BYTES));
}

function recordsOf(keys, values) {
  const ends = (parts) => {
    let end = 0;
    return Int32Array.of(0, ...parts.map(({ length }) => (end += length)));
  };
  return {
    count: keys.length,
    keys: Buffer.concat(keys),
    keyOffsets: ends(keys),
    values: Buffer.concat(values),
    valueOffsets: ends(values),
  };
}
