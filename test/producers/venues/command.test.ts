import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { endAll, run, start } from '../../cli/command.ts';
import { ExchangeServer, type Mishap } from '../../support/exchange/exchangeServer.ts';
import { tradesOfAnHour } from '../../support/exchange/session.ts';
import { WIRES } from '../../support/exchange/wires.ts';
import { withLog } from '../../support/logContents.ts';
import { produced } from './sessionRun.ts';

const COUNT = 300;
const FROM_MICROS = Date.UTC(2024, 7, 8, 23) * 1_000;
const env = { TIDEMARK_VENUES_BACKOFF_MS: '10', TIDEMARK_VENUES_MAX_BACKOFF_MS: '50' };

describe('tidemark produce venue', () => {
  let directory: string;
  const closing: (() => Promise<unknown>)[] = [];

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tidemark-venue-'));
  });

  afterEach(async () => {
    await endAll();
    for (const close of closing.splice(0)) await close();
    await rm(directory, { recursive: true, force: true });
  });

  const args = (address: string, ...more: string[]) => [
    ...['produce', 'venue', 'coinbase', '--symbols', 'BTC-USD', '--data', join(directory, 'data')],
    ...['--url', `ws://${address}`, '--rest-url', `http://${address}`, ...more],
  ];

  it('stops on SIGINT with all committed, says what went wrong on the way, and goes on', {
    timeout: 60_000,
  }, async () => {
    const trades = tradesOfAnHour(['BTC-USD'], COUNT, FROM_MICROS, 1);
    const mishaps = trades.map((_, n): Mishap => (n === COUNT / 2 ? 'cut' : 'none'));
    const { wire } = WIRES.get('coinbase') ?? {};
    if (wire === undefined) throw new Error('no wire');
    const server = await ExchangeServer.start({ wire, trades, mishaps, missedWhileAway: 10 });
    closing.push(() => server.close());
    void server.play();
    const running = start(args(server.address), { env });
    await withLog(join(directory, 'data'), async (log) => {
      while ((await produced(log)) < COUNT) await pause(10);
    });
    running.child.kill('SIGINT');
    const first = await running.ended;
    expect(first).toMatchObject({ status: 0, stdout: `rows ${COUNT}, records ${COUNT}, rejected 0, skipped 0\n` });
    expect(first.stderr).toMatch(/^coinbase waits, and tries again: TM_VENUE_CONNECTION: .*1006/m);
    expect(first.stderr).toMatch(/^coinbase goes on$/m);
    expect(first.stderr).toMatch(/^trades of coinbase came \d+ ms after its own time at the soonest/m);
    const { connections } = server;
    const again = start(args(server.address), { env });
    while (server.connections === connections) await pause(10);
    again.child.kill('SIGINT');
    expect((await again.ended).stdout).toBe(`rows 0, records 0, rejected 0, skipped ${COUNT}\n`);
  });

  it('ends where the exchange refuses what it is asked for', { timeout: 60_000 }, async () => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    closing.push(() => new Promise((closed) => server.close(closed)));
    server.on('connection', (socket: WebSocket) => {
      socket.send(
        JSON.stringify({ type: 'error', message: 'Failed to subscribe', reason: 'BTC-USD is not a product' }),
      );
    });
    await new Promise((listening) => server.once('listening', listening));
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no address');
    const { status, stderr } = await run(args(`127.0.0.1:${address.port}`), { env });
    expect(status).toBe(1);
    expect(stderr).toMatch(/TM_VENUE_REFUSED: coinbase: it says: Failed to subscribe: BTC-USD is not a product/);
  });

  it.each([
    ['nowhere', '--symbols', 'BTC-USD'],
    ['coinbase', '--symbols', 'BTC-USD', '--url', 'http://127.0.0.1'],
    ['coinbase', '--symbols', 'BTC-USD', '--rest-url', 'ws://127.0.0.1'],
    ['coinbase'],
  ])('%s %s %s %s %s is wrong usage', async (...wrong) => {
    const { status, stdout, stderr } = await run(['produce', 'venue', ...wrong, '--data', join(directory, 'data')]);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/TM_USAGE/);
  });
});
