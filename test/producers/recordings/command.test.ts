import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import { endAll, start } from '../../cli/command.ts';
import { withLog } from '../../support/logContents.ts';
import { startTidemark } from '../../support/tidemarkCommand.ts';
import { END, frame, header, match, OPENED, writeFile as writeRecording } from './files.ts';

const TEST_TIMEOUT_MS = 120_000;
const HOUR_MICROS = 3_600_000_000;

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tidemark-recording-command-'));
});

afterEach(() => rm(directory, { recursive: true, force: true }));

/** A recording whose bytes were changed after its first lines. */
async function damaged(path: string): Promise<void> {
  const lines = Array.from({ length: 200 }, (_, n) => frame(n, match(n, n)));
  const bytes = Buffer.concat([gzipSync(`${header()}\n${OPENED}\n`), gzipSync(`${lines.join('\n')}\n`)]);
  await writeFile(path, bytes.fill(0xff, bytes.length / 2, bytes.length / 2 + 20));
}

describe('the commands of recordings', { timeout: TEST_TIMEOUT_MS }, () => {
  it.each([
    [['record', 'venue', 'nowhere', '--symbols', 'A'], 'TM_USAGE: there is no venue nowhere'],
    [['record', 'venue', 'okx', '--symbols', 'A,B C'], '"B C" is not a symbol'],
    [['record', 'venue', 'okx', '--symbols', 'A', '--url', 'http://x'], 'TM_USAGE: http://x is no address (--url)'],
    [['produce', 'recording', 'other.csv', '--speed', '0'], 'It must be max, or a number above 0'],
    [['produce', 'recording', 'other.csv', '--topic', 'quotes'], 'trades and best quotes cannot go to one topic'],
    [['produce', 'recording', 'other.csv'], 'TM_RECORDING: the file is no recording'],
  ])('refuse %j', async (args, message) => {
    const other = join(directory, 'other.csv');
    await writeFile(other, 'time,price\n1,2\n');
    const { status, stderr } = await startTidemark(
      directory,
      args.map((arg) => (arg === 'other.csv' ? other : arg)),
    ).result;
    expect(stderr).toContain(message);
    expect(status).toBe(2);
  });

  it.each([
    ['an empty file', async (path: string) => writeFile(path, ''), 2, 'TM_RECORDING: the file is empty'],
    ['an empty gzip', async (path: string) => writeFile(path, gzipSync('')), 2, 'TM_RECORDING: the file is empty'],
    [
      'noise',
      async (path: string) => writeFile(path, Buffer.alloc(500, 0x93)),
      2,
      'TM_RECORDING: the file is no recording',
    ],
    [
      'a directory',
      async (path: string) => mkdir(path),
      1,
      'TM_PRODUCE_FILE: the file cannot be read: it is a directory',
    ],
    ['no file', async () => {}, 1, 'TM_PRODUCE_FILE: the file cannot be read: there is none'],
    ['a damaged gzip', damaged, 1, 'TM_PRODUCE_FILE: the file cannot be read: '],
  ])('refuse %s before anything is written, and say what it is', async (_, make, status, message) => {
    const path = join(directory, 'given.ndjson.gz');
    await make(path);
    const data = join(directory, 'data');
    const refused = await startTidemark(data, ['produce', 'recording', path]).result;
    expect(refused).toMatchObject({ status, stdout: '', stderr: expect.stringContaining(`${message}`) });
    expect(refused.stderr).toContain(path);
    await withLog(data, async (log) => {
      for (const { topic } of await log.listTopics()) {
        expect((await log.ranges(topic)).filter(({ begin, end }) => end > begin)).toEqual([]);
      }
    });
  });

  it('keep the pace when they are asked to, and stop at Ctrl-C with what has come', async () => {
    const later = [1, 2].map((id) => frame(HOUR_MICROS + id, match(HOUR_MICROS + id, id)));
    const path = writeRecording(directory, 'r.ndjson.gz', [header(), OPENED, frame(0, match(0, 0)), ...later]);
    const data = join(directory, 'data');
    const first = startTidemark(data, ['produce', 'recording', path, '--speed', '1', '--json']);
    await withLog(data, async (log) => {
      const ticks = async () => (await log.listTopics()).filter(({ topic }) => topic === 'ticks').length > 0;
      const end = async () => (await log.ranges('ticks')).reduce((sum, range) => sum + range.end, 0);
      while (first.running() && !((await ticks()) && (await end()) > 0)) await pause(5);
    });
    first.stop();
    const { status, stderr, stdout } = await first.result;
    expect({ status, stderr }).toMatchObject({ status: 1, stderr: expect.stringContaining('TM_INTERRUPTED') });
    expect(JSON.parse(stdout)).toMatchObject({ records: 1 });
    const rest = await startTidemark(data, ['produce', 'recording', path, '--json']).result;
    expect(JSON.parse(rest.stdout)).toMatchObject({ records: 2, rejected: 0 });
  });

  it('leave out what another recording has brought, and say so; --again does not', async () => {
    const [first, second] = [1, 3].map((from) =>
      writeRecording(directory, `${from}.ndjson.gz`, [
        ...[header(1, `r${from}`), OPENED],
        ...[0, 1, 2].map((n) => frame(from + n, match(from + n, from + n))),
        END,
      ]),
    );
    const data = join(directory, 'data');
    const produce = (...args: string[]) => startTidemark(data, ['produce', 'recording', ...args]).result;
    expect(await produce(first ?? '')).toMatchObject({
      status: 0,
      stdout: 'rows 3, records 3, rejected 0, skipped 0\n',
    });
    const later = await produce(second ?? '');
    expect(later).toMatchObject({ status: 0, stdout: 'rows 2, records 2, rejected 0, skipped 0\n' });
    expect(later.stderr).toContain('left out: 1 trades that came before\n');
    const again = await produce(second ?? '', '--again');
    expect(again).toMatchObject({ status: 0, stdout: 'rows 3, records 3, rejected 0, skipped 0\n' });
    expect(again.stderr).not.toContain('left out');
  });

  it('warn of a symbol of which an exchange says nothing', async () => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    await new Promise((listening) => server.once('listening', listening));
    const { port } = server.address() as AddressInfo;
    const what = ['--symbols', 'KRW-NOPE', '--url', `ws://127.0.0.1:${port}`, '--out', join(directory, 'out')];
    const recorder = start(['record', 'venue', 'upbit', ...what], { env: { TIDEMARK_VENUES_QUIET_MS: '50' } });
    try {
      await recorder.shows(/warning TM_VENUE_QUIET: upbit has said nothing of KRW-NOPE for 50 ms/);
      recorder.child.kill('SIGINT');
      expect(await recorder.ended).toMatchObject({ status: 0, stdout: 'messages 0, connections 1\n' });
    } finally {
      await endAll();
      for (const socket of server.clients) socket.terminate();
      await new Promise((closed) => server.close(closed));
    }
  });

  it.each([
    ['produce', 'venue', 'coinbase'],
    ['record', 'venue', 'coinbase', '--out', 'out'],
  ])('%s %s %s: say that there is no connection and what to look at, and end at Ctrl-C', async (...args) => {
    // A port on which nobody listens any more.
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    await new Promise((listening) => server.once('listening', listening));
    const { port } = server.address() as AddressInfo;
    await new Promise((closed) => server.close(closed));
    const what = ['--symbols', 'BTC-USD', '--url', `ws://127.0.0.1:${port}`, '--data', join(directory, 'data')];
    const env = { TIDEMARK_VENUES_BACKOFF_MS: '10', TIDEMARK_VENUES_MAX_BACKOFF_MS: '20' };
    const running = start([...args.map((arg) => (arg === 'out' ? join(directory, 'out') : arg)), ...what], { env });
    try {
      await running.shows(/^coinbase waits, and tries again: TM_VENUE_CONNECTION: .*ECONNREFUSED/m);
      await running.shows(/^hint: check the network and the address \(--url\)/m);
      running.child.kill('SIGINT');
      const { status, stderr } = await running.ended;
      expect(status).toBe(0);
      expect(stderr.match(/tries again/g)).toHaveLength(1);
      expect(stderr).not.toMatch(/ at /);
    } finally {
      await endAll();
    }
  });
});
