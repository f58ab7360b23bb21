import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { constants, gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import type { Log } from '../../../src/log/log.ts';
import { openEmbeddedRegistry } from '../../../src/log/registry/embeddedRegistry.ts';
import { effort } from '../../support/effort.ts';
import { killRepeatedly, seededRandom, watchCommits } from '../../support/killing.ts';
import { contentsOf, withLog } from '../../support/logContents.ts';
import { startTidemark, tidemark } from '../../support/tidemarkCommand.ts';
import { readTopic } from '../support.ts';
import { frame, header, match, OPENED, opened, writeFile } from './files.ts';

const TEST_TIMEOUT_MS = effort(300_000);
const KILLS = Math.min(10, effort(4));
const LINES = 10_000;
const LEAST_COMMITS = 30;

/** The seed can be given, to repeat a run that failed. */
const seed = Number(process.env.TIDEMARK_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tidemark-recording-kills-'));
});

afterEach(() => rm(directory, { recursive: true, force: true }));

async function produced(log: Log): Promise<number> {
  const known = (await log.listTopics()).some(({ topic }) => topic === 'ticks');
  return known ? (await log.ranges('ticks')).reduce((sum, range) => sum + range.end, 0) : 0;
}

/** The files of a recorder, in their order; none before it has begun. */
async function recordingsIn(out: string): Promise<readonly string[]> {
  const names = await readdir(out).catch(() => []);
  return names
    .filter((name) => name.endsWith('.ndjson.gz'))
    .sort()
    .map((name) => join(out, name));
}

/** How many frames there are in a file, which may be in the middle of a line. */
function framesIn(bytes: Buffer): number {
  if (bytes.length === 0) return 0;
  const text = gunzipSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH }).toString();
  return text.split('\n').filter((line) => line.includes('"frame":')).length;
}

/** The ids of the trades in a data directory, by rising number. */
async function idsIn(data: string): Promise<readonly number[]> {
  const registry = await openEmbeddedRegistry({ directory: join(data, 'log') });
  try {
    const records = await withLog(data, (log) => readTopic(log, registry, 'ticks'));
    return records.map(({ tradeId }) => Number(tradeId)).sort((a, b) => a - b);
  } finally {
    await registry.close();
  }
}

/** Some thousand trades of three products, with repeats, garbage and lost connections. */
function lines(): readonly string[] {
  const random = seededRandom(1);
  return Array.from({ length: LINES }, (_, at) => {
    const micros = at * 1_000;
    const luck = random();
    if (luck < 0.001) return opened(micros);
    if (luck < 0.02) return frame(micros, '{"type":"match"');
    const id = luck < 0.1 ? Math.max(0, at - 5) : at;
    return frame(micros, match(micros, id, { symbol: `P${id % 3}-USD` }));
  });
}

describe(`recordings under kill -9 (TIDEMARK_TEST_SEED=${seed})`, () => {
  it('are produced to the same records and dead letters', { timeout: TEST_TIMEOUT_MS }, async () => {
    const all = lines();
    const paths = [
      writeFile(directory, '1.ndjson.gz', [header(), OPENED, ...all.slice(0, LINES / 2)]),
      writeFile(directory, '2.ndjson.gz', [header(2), ...all.slice(LINES / 2)]),
    ];
    const args = ['produce', 'recording', ...paths];
    const env = { TIDEMARK_PRODUCER_BATCH_RECORDS: '100' };
    const [calm, killed] = [join(directory, 'calm'), join(directory, 'killed')];
    const [seen] = await withLog(calm, (log) =>
      watchCommits([() => produced(log)], startTidemark(calm, args, { env })),
    );
    const { commits, end } = seen ?? { commits: 0, end: 0 };
    expect(commits).toBeGreaterThanOrEqual(LEAST_COMMITS);
    const start = () => startTidemark(killed, args, { env });
    await withLog(killed, (log) =>
      killRepeatedly({ progress: () => produced(log), end, start, kills: KILLS, random: seededRandom(seed) }),
    );
    await tidemark(killed, args, { env });
    for (const topic of ['ticks', 'deadletter']) {
      expect(await contentsOf(killed, topic), topic).toEqual(await contentsOf(calm, topic));
    }
    expect(await tidemark(killed, args, { env })).toMatch(/^rows 0, records 0, rejected 0, skipped \d+$/m);
  });

  it('that are being written can be played up to the last flush', { timeout: TEST_TIMEOUT_MS }, async () => {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
    let sent = 0;
    let isOver = false;
    server.on('connection', (socket) => {
      socket.on('message', async () => {
        for (; !isOver && socket.readyState === socket.OPEN; sent++) {
          socket.send(match(sent, sent));
          await pause(1);
        }
      });
    });
    try {
      await new Promise((listening) => server.once('listening', listening));
      const out = join(directory, 'out');
      const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const recorder = startTidemark(
        directory,
        ['record', 'venue', 'coinbase', '--symbols', 'BTC-USD', '--out', out, '--url', url],
        { env: { TIDEMARK_RECORDING_FLUSH_MS: '5', TIDEMARK_RECORDING_FILE_BYTES: '20000' } },
      );
      const files = () => recordingsIn(out);
      while (recorder.running() && (await files()).length < 3) await pause(5);
      recorder.killHard();
      const { signal, stderr } = await recorder.result;
      expect({ signal, stderr }).toMatchObject({ signal: 'SIGKILL' });
      const data = join(directory, 'data');
      const summary = await tidemark(data, ['produce', 'recording', ...(await files())]);
      const [, records] = /^rows \d+, records (\d+), rejected 0, skipped 0$/m.exec(summary) ?? [];
      const trades = Number(records);
      // Two files are full: what they hold is there, and nothing that was not sent.
      expect(trades).toBeGreaterThan(100);
      expect(trades).toBeLessThanOrEqual(sent);
      expect(await idsIn(data)).toEqual(Array.from({ length: trades }, (_, id) => id));
    } finally {
      isOver = true;
      for (const socket of server.clients) socket.terminate();
      await new Promise((closed) => server.close(closed));
    }
  });

  it('end when the recorder is asked to', { timeout: TEST_TIMEOUT_MS }, async () => {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
    server.on('connection', (socket) => {
      socket.on('message', () => {
        for (let id = 0; id < 100; id++) socket.send(match(id, id));
        socket.send('{"type":"error","message":"Failed to subscribe","reason":"no such product"}');
      });
    });
    try {
      await new Promise((listening) => server.once('listening', listening));
      const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const out = join(directory, 'out');
      const recorder = startTidemark(
        directory,
        ['record', 'venue', 'coinbase', '--symbols', 'BTC-USD,ETH-USD', '--out', out, '--url', url],
        { env: { TIDEMARK_RECORDING_FLUSH_MS: '1' } },
      );
      const files = () => recordingsIn(out);
      const written = async () => Promise.all((await files()).map(async (path) => framesIn(await readFile(path))));
      while (recorder.running() && (await written())[0] !== 101) await pause(5);
      recorder.stop();
      const { status, stdout, stderr } = await recorder.result;
      expect({ status, stdout, stderr }).toMatchObject({ status: 0, stdout: 'messages 101, connections 1\n' });
      expect(stderr).toContain('coinbase refuses: Failed to subscribe: no such product');
      const data = join(directory, 'data');
      const args = ['produce', 'recording', ...(await files())];
      expect(await tidemark(data, args)).toMatch(/^rows 100, records 100, rejected 0, skipped 0$/m);
      expect(await tidemark(data, args)).toMatch(/^rows 0, /m);
    } finally {
      for (const socket of server.clients) socket.terminate();
      await new Promise((closed) => server.close(closed));
    }
  });
});
