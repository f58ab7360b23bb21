import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openEmbeddedRegistry } from '../../src/log/registry/embeddedRegistry.ts';
import { endAll, start } from '../cli/command.ts';
import { readTopic } from '../producers/support.ts';
import { effort } from '../support/effort.ts';
import { withLog } from '../support/logContents.ts';
import { expectProblem } from './expectProblem.ts';
import { INGEST_KEY, post, ROW } from './ingested.ts';

const TIMEOUT_MS = 300_000;
const MAX_REQUESTS = 4;
const HELD = 40;
const CLIENTS = 16;
const REQUESTS_A_CLIENT = effort(6);
const ROWS_A_REQUEST = 100;
/** More than a connection carries at once, so that bodies come in the midst of each other. */
const BODY_CHARACTERS = 500_000;
const PAUSE_MS = 20;
const POLL = { timeout: 60_000 };

/** A request whose head and half a body have been sent. */
function hold(url: string, key: string) {
  const { port, hostname } = new URL(url);
  const body = JSON.stringify([{ ...ROW, instrument: `x:${key}` }]);
  const socket: Socket = connect(Number(port), hostname);
  let answer = '';
  socket.on('data', (part) => {
    answer += part.toString();
  });
  // One that is refused may be cut off while it still sends.
  socket.on('error', () => undefined);
  socket.write(
    `POST /v1/ingest/ticks HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nx-api-key: ${INGEST_KEY}\r\n` +
      `idempotency-key: ${key}\r\nexpect: 100-continue\r\ncontent-length: ${body.length}\r\n\r\n${body.slice(0, 20)}`,
  );
  return {
    key,
    answer: () => answer,
    isRefused: () => answer.includes(' 429 '),
    finish: () => socket.write(body.slice(20)),
    close: () => socket.destroy(),
  };
}

describe('rows over HTTP under load', () => {
  const data = mkdtempSync(join(tmpdir(), 'tidemark-ingest-load-'));
  let url = '';

  afterAll(async () => {
    await endAll();
    rmSync(data, { recursive: true, force: true });
  });

  const bars = () => fetch(`${url}/v1/bars?symbol=x:first&interval=1m`);

  async function begin(): Promise<void> {
    const server = start(['run', '--port', '0', '--data', data], {
      env: { TIDEMARK_INGEST_KEY: INGEST_KEY, TIDEMARK_INGEST_MAX_REQUESTS: String(MAX_REQUESTS) },
    });
    url = (await server.shows(/API at (http:\S+),/))[1] ?? '';
    const rows = [0, 120_000_000].map((after) => ({ ...ROW, instrument: 'x:first', eventTime: ROW.eventTime + after }));
    expect((await post({ url }, rows, { key: 'first' })).status).toBe(200);
    await expect.poll(async () => ((await (await bars()).json()) as unknown[]).length, POLL).toBeGreaterThan(0);
  }

  it('hold no more than the bound: others are told to come again before their bodies are read, and bars are served', {
    timeout: TIMEOUT_MS,
  }, async () => {
    await begin();
    const held = Array.from({ length: HELD }, (_, i) => hold(url, `held-${i}`));
    await expect.poll(() => held.filter(({ isRefused }) => isRefused()).length, POLL).toBe(HELD - MAX_REQUESTS);
    const [refused, taken] = [true, false].map((is) => held.filter(({ isRefused }) => isRefused() === is));
    for (const one of refused ?? []) expect(one.answer()).toMatch(/\r\nretry-after: 1\r\n/);
    const another = await post({ url }, [ROW], { key: 'another' });
    await expectProblem(another, 429, 'TM_INGEST_BUSY');
    expect((await bars()).status).toBe(200);
    for (const one of taken ?? []) one.finish();
    await expect.poll(() => taken?.every((one) => one.answer().includes('"accepted":1')), POLL).toBe(true);
    for (const one of held) one.close();
  });

  it('are each written once by clients that come again, and bars are served all the while', {
    timeout: TIMEOUT_MS,
  }, async () => {
    let refused = 0;
    let reads = 0;
    let isOver = false;
    async function client(name: number): Promise<void> {
      for (let number = 0; number < REQUESTS_A_CLIENT; number++) {
        const key = `load-${name}-${number}`;
        const rows = Array.from({ length: ROWS_A_REQUEST }, (_, i) => ({ ...ROW, instrument: `${key}-${i}` }));
        const body = JSON.stringify(rows).padEnd(BODY_CHARACTERS);
        for (let response = await post({ url }, body, { key }); response.status !== 200; ) {
          await expectProblem(response, 429, 'TM_INGEST_BUSY');
          refused++;
          await new Promise((wake) => setTimeout(wake, PAUSE_MS));
          response = await post({ url }, body, { key });
        }
      }
    }
    async function reader(): Promise<void> {
      while (!isOver) {
        expect((await bars()).status).toBe(200);
        reads++;
      }
    }
    // Slow senders leave room for one request at a time.
    const slow = Array.from({ length: MAX_REQUESTS - 1 }, (_, i) => hold(url, `slow-${i}`));
    await expect.poll(() => slow.every((one) => one.answer().includes(' 100 Continue')), POLL).toBe(true);
    const reading = reader();
    await Promise.all(Array.from({ length: CLIENTS }, (_, name) => client(name)));
    isOver = true;
    await reading;
    for (const one of slow) one.close();
    expect([refused > 0, reads > 0]).toEqual([true, true]);

    const registry = await openEmbeddedRegistry({ directory: join(data, 'log') });
    const ticks = await withLog(data, (log) => readTopic(log, registry, 'ticks'));
    await registry.close();
    const written = ticks.map(({ instrument }) => String(instrument)).filter((name) => name.startsWith('load-'));
    expect([written.length, new Set(written).size]).toEqual(
      Array(2).fill(CLIENTS * REQUESTS_A_CLIENT * ROWS_A_REQUEST),
    );
  });
});
