import { once } from 'node:events';
import { connect } from 'node:net';
import avro from 'avsc';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ServedApi } from '../../src/api/serve.ts';
import { TICK } from '../../src/producers/schemas.ts';
import { readTopic } from '../producers/support.ts';
import { expectProblem } from './expectProblem.ts';
import { answerOf, INGEST_KEY, post, ROW } from './ingested.ts';
import { openStores, serve, temporaryData } from './served.ts';

const TIMEOUT_MS = 120_000;
const READINGS = {
  type: 'record',
  name: 'Reading',
  fields: [
    { name: 'sensor', type: 'string' },
    { name: 'celsius', type: 'double' },
    { name: 'amount', type: [{ type: 'bytes', logicalType: 'decimal', precision: 6, scale: 2 }, 'null'] },
    { name: 'raw', type: ['null', 'bytes'], default: null },
    { name: 'isTest', type: 'boolean', default: false },
    { name: 'count', type: 'int', default: 7 },
  ],
};

/** An Avro object container file, made by another library. */
function container(schema: unknown, rows: readonly unknown[], codec = 'null'): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    const encoder = new avro.streams.BlockEncoder(schema as avro.Schema, { codec });
    encoder.on('data', (part: Buffer) => parts.push(part));
    encoder.on('end', () => resolve(Buffer.concat(parts)));
    encoder.on('error', reject);
    for (const row of rows) encoder.write(row);
    encoder.end();
  });
}

/** Begins a request and leaves the last byte of its body out. */
async function hold({ url }: ServedApi, key: string) {
  const { port, hostname } = new URL(url);
  const body = JSON.stringify([ROW]);
  const socket = connect(Number(port), hostname);
  let answer = '';
  socket.on('data', (part) => {
    answer += part.toString();
  });
  socket.write(
    `POST /v1/ingest/ticks HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nx-api-key: ${INGEST_KEY}\r\n` +
      `idempotency-key: ${key}\r\nexpect: 100-continue\r\ncontent-length: ${body.length}\r\n\r\n`,
  );
  // The server has seen its head.
  await expect.poll(() => answer).toContain('100 Continue');
  socket.write(body.slice(0, -1));
  return {
    async finish(): Promise<string> {
      socket.write(body.slice(-1));
      await expect.poll(() => answer).toContain('accepted');
      socket.end();
      return answer;
    },
    async giveUp(): Promise<void> {
      const closed = once(socket, 'close');
      socket.destroy();
      await closed;
    },
  };
}

describe('POST /v1/ingest', { timeout: TIMEOUT_MS }, async () => {
  const stores = await openStores(temporaryData());
  let api: ServedApi;

  beforeAll(async () => {
    await stores.registry.register('readings-value', JSON.stringify(READINGS));
    await stores.registry.register('results-value', JSON.stringify({ ...READINGS, name: 'R', fields: resultFields() }));
    await stores.log.createTopic('readings', { partitions: 2, retentionMs: -1 });
    const topics = 'ticks,quotes,source_bars,readings:sensor,results:sensor,later';
    api = await serve(stores, { ingest: { key: INGEST_KEY, topics, maxRows: 20, maxBodyBytes: 100_000 } });
  });
  afterAll(() => api.close());

  function resultFields() {
    const fields = ['interval', 'start', 'end', 'revision', 'final', 'deleted'];
    return [...READINGS.fields, ...fields.map((name) => ({ name, type: 'long' }))];
  }

  const records = (topic: string) => readTopic(stores.log, stores.registry, topic);
  const instruments = async () => (await records('ticks')).map(({ instrument }) => instrument);

  describe('takes', () => {
    it('an array of rows, or one row, and puts them where producers would', async () => {
      const other = {
        ...ROW,
        instrument: 'x:B',
        eventTime: '2024-08-09T00:00:00.25Z',
        price: '61837.63000000',
        side: 'buy',
      };
      expect(await answerOf(post(api, [ROW, other]))).toEqual({ topic: 'ticks', accepted: 2, rejected: 0, errors: [] });
      expect(await answerOf(post(api, { ...ROW, instrument: 'x:C' }))).toMatchObject({ accepted: 1 });
      const ticks = (await records('ticks')).sort((a, b) => String(a.key).localeCompare(String(b.key)));
      expect(ticks).toMatchObject([
        { ...ROW, key: 'x:A', side: null },
        { instrument: 'x:B', key: 'x:B', eventTime: 1_723_161_600_250_000, price: 61837.63, side: 'buy' },
        { instrument: 'x:C', key: 'x:C' },
      ]);
    });

    it('lines of JSON, and leaves empty ones out', async () => {
      const lines = [
        '',
        JSON.stringify({ ...ROW, instrument: 'x:L1' }),
        '{"no',
        '  ',
        JSON.stringify({ ...ROW, instrument: 'x:L2' }),
      ];
      const answer = await answerOf(post(api, lines.join('\r\n'), { type: 'application/x-ndjson; charset=utf-8' }));
      expect(answer).toMatchObject({ accepted: 2, rejected: 1, errors: [{ row: 3, reason: 'json' }] });
      expect(await instruments()).toEqual(expect.arrayContaining(['x:L1', 'x:L2']));
    });

    it.each(['null', 'deflate'])(
      'an Avro container of codec %s, also of another version of the schema',
      async (codec) => {
        const fields = [
          { name: 'instrument', type: 'string' },
          { name: 'price', type: 'float' },
          { name: 'size', type: 'int' },
          { name: 'eventTime', type: { type: 'long', logicalType: 'timestamp-millis' } },
          { name: 'venueNote', type: { type: 'array', items: 'string' } },
        ];
        const rows = [1, 2].map((size) => ({
          ...{ instrument: `x:avro-${codec}-${size}`, price: 1.5, size },
          ...{ eventTime: 1_723_161_600_001, venueNote: ['a', 'b'] },
        }));
        const body = await container({ type: 'record', name: 'Trade', fields }, rows, codec);
        expect(await answerOf(post(api, body, { type: 'avro/binary' }))).toMatchObject({ accepted: 2, errors: [] });
        const written = (await records('ticks')).filter(({ key }) => key.startsWith(`x:avro-${codec}`));
        const expected = { price: 1.5, eventTime: 1_723_161_600_001_000 };
        expect(written).toMatchObject([expected, expected]);
      },
    );

    it('rows of any topic whose schema is registered, by the key that is configured', async () => {
      const row = { sensor: 's1', celsius: -0.1234567890123456, amount: '-12.5', raw: 'AAEC' };
      const body = [row, { sensor: 's2', celsius: -4, isTest: true, count: 9 }];
      expect(await answerOf(post(api, body, { topic: 'readings' }))).toMatchObject({ accepted: 2, errors: [] });
      const readings = (await records('readings')).sort((a, b) => a.key.localeCompare(b.key));
      expect(readings).toMatchObject([
        { key: 's1', celsius: row.celsius, isTest: false, count: 7 },
        { key: 's2', celsius: -4, amount: null, raw: null, isTest: true, count: 9 },
      ]);
      expect(readings[0]?.raw).toEqual(Buffer.from([0, 1, 2]));
    });

    it('no rows at all', async () => {
      expect(await answerOf(post(api, []))).toEqual({ topic: 'ticks', accepted: 0, rejected: 0, errors: [] });
    });
  });

  describe('answers a repeat', () => {
    it('as it answered before, and writes nothing', async () => {
      const body = [{ ...ROW, instrument: 'x:once' }, { bad: 1 }];
      const first = await post(api, body, { key: 'once' });
      const second = await post(api, body, { key: 'once' });
      expect(first.headers.get('idempotent-replayed')).toBeNull();
      expect(second.headers.get('idempotent-replayed')).toBe('true');
      expect(await second.json()).toEqual(await first.json());
      expect((await instruments()).filter((name) => name === 'x:once')).toHaveLength(1);
    });

    it('with a problem where its body, topic or type is another', async () => {
      await post(api, [ROW], { key: 'taken' });
      await expectProblem(await post(api, [ROW, ROW], { key: 'taken' }), 422, 'TM_INGEST_KEY_REUSED');
      await expectProblem(await post(api, [ROW], { key: 'taken', topic: 'quotes' }), 422, 'TM_INGEST_KEY_REUSED');
      const type = 'application/x-ndjson';
      await expectProblem(await post(api, JSON.stringify([ROW]), { key: 'taken', type }), 422, 'TM_INGEST_KEY_REUSED');
    });
  });

  it('tells those to come again that are more than the bound, and takes them then', async () => {
    const small = await serve(stores, { ingest: { key: INGEST_KEY, maxRequests: 2 } });
    const held = [await hold(small, 'held-1'), await hold(small, 'held-2')];
    const refused = await post(small, [ROW], { key: 'again' });
    expect(refused.headers.get('retry-after')).toBe('1');
    await expectProblem(refused, 429, 'TM_INGEST_BUSY');
    // One is sent whole, the other is given up.
    expect(await held[0]?.finish()).toContain('"accepted":1');
    await held[1]?.giveUp();
    await expect.poll(async () => (await post(small, [ROW], { key: 'again' })).status).toBe(200);
    await expect.poll(async () => (await post(small, [ROW], { key: 'once-more' })).status).toBe(200);
    await small.close();
  });

  describe('answers of a row that cannot be used', () => {
    it.each([
      [{ price: undefined }, 'missing', 'price is missing'],
      [{ instrument: '' }, 'missing', 'instrument is empty'],
      [{ instrument: 5 }, 'value', 'instrument is not text: "5"'],
      [{ price: 'abc' }, 'number', 'price is not a number: "abc"'],
      [{ price: '' }, 'number', 'price is not a number: ""'],
      [{ price: ' 1' }, 'number', 'price is not a number: " 1"'],
      [{ price: 'NaN' }, 'number', 'price is not a number: "NaN"'],
      [{ price: 'Infinity' }, 'number', 'price is not a number: "Infinity"'],
      [{ price: '0x10' }, 'number', 'price is not a number: "0x10"'],
      [{ price: true }, 'number', 'price is not a number: "true"'],
      [{ price: [1] }, 'number', 'price is not a number: "[1]"'],
      [{ price: -1 }, 'negative', 'price is negative: "-1"'],
      [{ price: 1e300 }, 'range', 'price is not below 10^18: "1e+300"'],
      [{ size: '1.2345678901234567' }, 'digits', 'size has 17 significant digits, more than 15: "1.2345678901234567"'],
      [{ size: 1 / 3 }, 'digits', 'size has 16 significant digits, more than 15: "0.3333333333333333"'],
      [{ size: 1e-25 }, 'range', 'size has more than 18 decimals: "1e-25"'],
      [{ eventTime: 'NaN' }, 'time', 'eventTime is not a time in 1900 to 2200 (microseconds, or ISO 8601): "NaN"'],
      [{ eventTime: 1.5 }, 'time', null],
      [{ eventTime: 2 ** 53 }, 'time', null],
      [{ eventTime: -(2 ** 53) }, 'time', null],
      [{ eventTime: 1e18 }, 'time', null],
      [{ eventTime: '2024-02-30T00:00:00Z' }, 'time', null],
      [{ eventTime: '1899-12-31' }, 'time', null],
      [{ eventTime: null }, 'missing', 'eventTime is missing'],
      [{ side: 'up' }, 'value', 'side is none of buy, sell: "up"'],
      [{ sequence: 1.5 }, 'number', 'sequence is not a whole number below 2^53: "1.5"'],
      [{ sequence: '9007199254740993' }, 'number', null],
      [{ prise: 1 }, 'field', 'tidemark.Tick has no field "prise"'],
    ])('%j with reason %s', async (fault, reason, detail) => {
      const before = (await instruments()).length;
      const answer = await answerOf(post(api, [ROW, { ...ROW, ...fault }, ROW]));
      expect(answer).toMatchObject({ accepted: 2, rejected: 1, errors: [{ row: 2, reason }] });
      if (detail !== null) expect(answer.errors[0]?.detail).toBe(detail);
      expect(await instruments()).toHaveLength(before + 2);
    });

    it.each([[null], [1], ['text'], [[ROW]]])('%j, which is no object', async (row) => {
      const answer = await answerOf(post(api, [row]));
      expect(answer).toMatchObject({ accepted: 0, rejected: 1, errors: [{ row: 1, reason: 'value' }] });
    });

    it('that a prototype would have', async () => {
      const answer = await answerOf(post(api, `[{"__proto__":{"instrument":"x:P"},"toString":1}]`));
      expect(answer).toMatchObject({ accepted: 0, errors: [{ reason: 'field' }] });
    });

    it('of Avro: numbers that are none, and what a column cannot hold', async () => {
      const fields = JSON.parse(TICK.text).fields.slice(0, 4);
      const rows = [Number.NaN, Number.POSITIVE_INFINITY, 1].map((price) => ({ ...ROW, price }));
      const body = await container({ type: 'record', name: 'T', fields }, rows);
      const answer = await answerOf(post(api, body, { type: 'avro/binary' }));
      expect(answer).toMatchObject({
        accepted: 1,
        errors: [
          { row: 1, reason: 'number' },
          { row: 2, reason: 'number' },
        ],
      });
    });

    it.each([
      [{ sensor: 's', celsius: 1, amount: '1.234' }, 'number'],
      [{ sensor: 's', celsius: 1, amount: '99999.99' }, 'range'],
      [{ sensor: 's', celsius: 1, raw: 'no base64!' }, 'value'],
      [{ sensor: 's', celsius: 1, isTest: 'true' }, 'value'],
      [{ sensor: 's', celsius: 1, count: 2 ** 31 }, 'number'],
    ])('%j of another topic', async (row, reason) => {
      const answer = await answerOf(post(api, [row], { topic: 'readings' }));
      expect(answer.errors).toMatchObject([{ reason }]);
    });
  });

  describe('refuses', () => {
    const refused = async (response: Promise<Response>, status: number, code: string) =>
      expectProblem(await response, status, code);

    it.each(['', '{', '[{"a":1},]', 'NaN', '"text"', '5', 'null', '\uFFFE'])(
      'a body that is no JSON of rows: %j',
      async (body) => {
        await refused(post(api, body), 400, 'TM_INGEST_BODY');
      },
    );

    it('a body that is not UTF-8', async () => {
      await refused(post(api, Buffer.from([0x5b, 0x22, 0xff, 0x22, 0x5d])), 400, 'TM_INGEST_BODY');
    });

    it('an Avro container that is damaged anywhere', async () => {
      const fields = JSON.parse(TICK.text).fields.slice(0, 4);
      const whole = await container({ type: 'record', name: 'T', fields }, [ROW, ROW]);
      for (let length = 0; length < whole.length; length += 7) {
        await refused(post(api, whole.subarray(0, length), { type: 'avro/binary' }), 400, 'TM_INGEST_BODY');
      }
      const wrongSync = Buffer.from(whole);
      wrongSync.writeUInt8((wrongSync.at(-1) ?? 0) ^ 1, wrongSync.length - 1);
      await refused(post(api, wrongSync, { type: 'avro/binary' }), 400, 'TM_INGEST_BODY');
    });

    it('an Avro container whose schema does not become that of the topic', async () => {
      const fields = [{ name: 'instrument', type: 'string' }];
      const body = await container({ type: 'record', name: 'T', fields }, [{ instrument: 'x:A' }]);
      const response = await post(api, body, { type: 'avro/binary' });
      expect(await response.clone().text()).toContain("does not go with the topic's");
      await expectProblem(response, 400, 'TM_INGEST_BODY');
      await refused(post(api, await container('string', ['x']), { type: 'avro/binary' }), 400, 'TM_INGEST_BODY');
    });

    it('an Avro container that is much larger than it looks', async () => {
      const fields = [...JSON.parse(TICK.text).fields.slice(0, 4), { name: 'conditions', type: 'string' }];
      const body = await container(
        { type: 'record', name: 'T', fields },
        [{ ...ROW, conditions: 'x'.repeat(200_000) }],
        'deflate',
      );
      expect(body.length).toBeLessThan(10_000);
      await refused(post(api, body, { type: 'avro/binary' }), 422, 'TM_API_BOUNDS');
    });

    it.each([
      [Array.from({ length: 21 }, () => ROW), 'application/json'],
      [Array.from({ length: 21 }, () => JSON.stringify(ROW)).join('\n'), 'application/x-ndjson'],
      [Array.from({ length: 21 }, () => '{').join('\n'), 'application/x-ndjson'],
    ])('more rows than the bound', async (body, type) => {
      await refused(post(api, body, { type }), 422, 'TM_API_BOUNDS');
    });

    it('a body larger than the bound', async () => {
      await refused(post(api, ' '.repeat(100_001)), 413, 'TM_API_BOUNDS');
    });

    it.each([
      ['text/plain', {}],
      ['text/csv', {}],
      ['application/jsonx', {}],
      ['application/json', { 'content-encoding': 'gzip' }],
    ])('a body of type %s and headers %j', async (type, headers) => {
      await refused(post(api, [ROW], { type, headers }), 415, 'TM_API_TYPE');
    });

    it.each(['', 'a b', 'ä', 'x'.repeat(256)])('the idempotency key %j', async (key) => {
      const headers = key === 'ä' ? { 'idempotency-key': Buffer.from(key).toString('latin1') } : {};
      await refused(post(api, [ROW], { key: key === 'ä' ? 'x' : key, headers }), 400, 'TM_API_REQUEST');
    });

    it('a request without an idempotency key', async () => {
      const headers = { 'content-type': 'application/json', 'x-api-key': INGEST_KEY };
      const response = await fetch(`${api.url}/v1/ingest/ticks`, { method: 'POST', headers, body: '[]' });
      await expectProblem(response, 400, 'TM_API_REQUEST');
    });

    it.each([
      ['nothing', 404, 'TM_TOPIC_UNKNOWN'],
      ['deadletter', 404, 'TM_TOPIC_UNKNOWN'],
      ['later', 404, 'TM_SCHEMA_UNKNOWN'],
      ['results', 403, 'TM_TOPIC_OWN'],
      ['%2e%2e', 404, 'TM_API_NOT_FOUND'],
      ['a%2Fb', 404, 'TM_TOPIC_UNKNOWN'],
      ['x'.repeat(250), 400, 'TM_API_REQUEST'],
      ['x'.repeat(5_000), 400, 'TM_API_REQUEST'],
      ['%zz', 400, 'TM_API_REQUEST'],
    ])('rows for topic %s', async (topic, status, code) => {
      await refused(post(api, [ROW], { topic }), status, code);
    });

    it('other methods, and other parameters', async () => {
      const response = await fetch(`${api.url}/v1/ingest/ticks`, { headers: { 'x-api-key': INGEST_KEY } });
      expect(response.headers.get('allow')).toBe('POST');
      await expectProblem(response, 405, 'TM_API_METHOD');
      await refused(post(api, [ROW], { topic: 'ticks?key=x' }), 400, 'TM_API_REQUEST');
    });

    it('a key that is wrong or missing, and that of the readers', async () => {
      const readers = 'a-key-to-read-with';
      const both = await serve(stores, { api: { key: readers }, ingest: { key: INGEST_KEY } });
      for (const apiKey of [null, 'wrong', readers]) await refused(post(both, [ROW], { apiKey }), 401, 'TM_API_KEY');
      expect((await post(both, [ROW])).status).toBe(200);
      expect((await fetch(`${both.url}/v1/symbols`, { headers: { 'x-api-key': INGEST_KEY } })).status).toBe(401);
      await both.close();
    });

    it('everything where no key is configured', async () => {
      const off = await serve(stores);
      await refused(post(off, [ROW], { apiKey: null }), 403, 'TM_INGEST_OFF');
      await refused(post(off, [ROW]), 403, 'TM_INGEST_OFF');
      await off.close();
    });
  });
});
