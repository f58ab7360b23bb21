import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { VENUES } from '../../../src/producers/venues/venues.ts';
import { HAS_RECORDINGS } from '../market/recorded.ts';
import { type Bench, openBench } from '../support.ts';
import { ORACLES } from './oracle.ts';
import { now, produced, sourceOf } from './sessionRun.ts';
import { recordedFrames, SESSIONS } from './sessions.ts';

/** The older interface of Kraken, which was recorded, has no trade ids, and is not what is connected to. */
const LIVE = SESSIONS.filter(([name]) => name !== 'kraken');
/** Of these, ids show that nothing was missed over a cut; the others would ask the exchange's history, which was not recorded. */
const CUT: ReadonlySet<string> = new Set(['binance-spot', 'binance-usdm', 'coinbase']);

describe.skipIf(!HAS_RECORDINGS)('a recorded session, played by a server', () => {
  let bench: Bench;
  let http: Server;
  let sockets: WebSocketServer;

  beforeEach(async () => {
    bench = await openBench();
    http = createServer((_, response) => response.end('{"code":"0","msg":"","data":[]}'));
    sockets = new WebSocketServer({ server: http });
    await new Promise<void>((listening) => http.listen(0, '127.0.0.1', listening));
  });

  afterEach(async () => {
    for (const socket of sockets.clients) socket.terminate();
    await new Promise((closed) => {
      http.close(closed);
      http.closeAllConnections();
    });
    await bench.close();
  });

  /** Sends all frames, with a cut in the middle or without; nothing is missed. */
  function play(frames: readonly string[], cutAt: number): void {
    let next = 0;
    sockets.on('connection', (socket: WebSocket) => {
      socket.once('message', () => {
        const end = next < cutAt ? cutAt : frames.length;
        for (; next < end; next++) socket.send(frames[next] ?? '');
        if (next < frames.length) socket.close();
      });
    });
  }

  it.each(LIVE)('of %s gives each of its trades once, over a cut', { timeout: 60_000 }, async (name, path) => {
    const oracle = ORACLES[name]?.();
    if (oracle === undefined) throw new Error(`no oracle for ${name}`);
    const frames = recordedFrames(path).map(({ frame }) => frame);
    const trades = frames.flatMap((frame) => oracle.trades(frame));
    const expected = trades
      .filter(([, , , , , , isOld]) => !isOld)
      .map(([symbol, tradeId, price, size, side, micros]) => {
        const numbers = { price: Number(price), size: Number(size) };
        return { instrument: `${name}:${symbol}`, tradeId, ...numbers, side, eventTime: Number(micros) };
      });
    play(frames, CUT.has(name) ? Math.floor(frames.length / 2) : 0);
    const stop = new AbortController();
    const address = `127.0.0.1:${(http.address() as AddressInfo).port}`;
    const venue = VENUES.get(name);
    if (venue === undefined) throw new Error(`no venue ${name}`);
    const source = sourceOf(name, [...new Set(trades.map(([symbol]) => symbol))], { address }, { venue });
    const bounds = { maxRecords: 500, maxBytes: 4_194_304, maxMs: 1 };
    const run = bench.produce(source, { now, allowLate: true, bounds, signal: stop.signal });
    while ((await produced(bench.log)) < expected.length) await Promise.race([pause(10), run]);
    stop.abort();
    await run;
    const ticks = (await bench.records('ticks')).map(({ instrument, tradeId, price, size, side, eventTime }) => {
      return { instrument, tradeId, price, size, side, eventTime };
    });
    const of = (rows: typeof ticks, instrument: unknown) => rows.filter((row) => row.instrument === instrument);
    for (const instrument of new Set(expected.map((row) => row.instrument))) {
      expect(of(ticks, instrument)).toEqual(of(expected, instrument));
    }
    expect(ticks).toHaveLength(expected.length);
  });
});
