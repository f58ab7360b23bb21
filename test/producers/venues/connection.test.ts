import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { type ConnectionEvent, type ConnectionOptions, connect } from '../../../src/producers/venues/connection.ts';

const BOUNDS = { connectMs: 5_000, maxFrameBytes: 10_000, queueBytes: 1_000_000, backoffMs: 100, maxBackoffMs: 350 };
const SILENCE_MS = 1_000;

describe('a connection to a venue', () => {
  let server: WebSocketServer;
  let stop: AbortController;
  /** Every wait that was asked for; none of them takes time unless a test says so. */
  let waits: number[];

  beforeEach(async () => {
    stop = new AbortController();
    waits = [];
    server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    await new Promise((listening) => server.once('listening', listening));
  });

  afterEach(async () => {
    stop.abort();
    for (const socket of server.clients) socket.terminate();
    await new Promise<void>((closed) => {
      server.close(() => closed());
    });
  });

  function open(options: Partial<ConnectionOptions> = {}): AsyncGenerator<ConnectionEvent> {
    return connect(
      {
        venue: { name: 'x', subscribe: (symbols) => [`subscribe ${symbols}`], ping: null, silenceMs: SILENCE_MS },
        url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
        symbols: ['A', 'B'],
        bounds: BOUNDS,
        now: () => 0,
        wait: untilAborted,
        random: () => 0.999_999,
        ...options,
      },
      stop.signal,
    );
  }

  /** The wait of one that only an end of the connection ends. */
  function untilAborted(ms: number, signal: AbortSignal): Promise<void> {
    waits.push(ms);
    if (signal === stop.signal || signal.aborted) return Promise.resolve();
    return new Promise((done) => {
      signal.addEventListener('abort', () => done(), { once: true });
    });
  }

  /** Events until one of a kind; the texts of frames in place of frames. */
  async function until(events: AsyncGenerator<ConnectionEvent>, kind: ConnectionEvent['kind']): Promise<unknown[]> {
    const seen: unknown[] = [];
    for (;;) {
      const { value, done } = await events.next();
      if (done === true) return seen;
      const event = value as ConnectionEvent;
      if (event.kind === 'frames') seen.push(...event.frames.map(({ text }) => text));
      else seen.push(event.kind === 'closed' ? event.error.message : event.kind);
      if (event.kind === kind) return seen;
    }
  }

  it('asks for its symbols, and gives frames in order, binary ones as well', async () => {
    server.on('connection', (socket) => {
      socket.on('message', (data) => {
        socket.send(`to ${data}`);
        socket.send(Buffer.from('as bytes'));
        socket.close(1001, 'bye');
      });
    });
    expect(await until(open(), 'closed')).toEqual([
      ...['open', 'to subscribe A,B', 'as bytes'],
      'x: the venue closed the connection: 1001 bye',
    ]);
  });

  it('waits longer with each failure in a row, up to a bound', async () => {
    server.on('connection', (socket) => socket.close());
    const events = open();
    for (let n = 0; n < 4; n++) await until(events, 'closed');
    await events.next();
    const backoffs = waits.filter((ms) => ms !== SILENCE_MS).map(Math.round);
    expect(backoffs.slice(0, 4)).toEqual([100, 200, 350, 350]);
  });

  it('waits shortly again after a connection that lasted', async () => {
    let nowMs = 0;
    server.on('connection', (socket) => {
      socket.send('a frame');
      socket.close();
    });
    const events = open({ now: () => nowMs });
    await until(events, 'closed');
    await until(events, 'closed');
    await until(events, 'frames');
    nowMs += SILENCE_MS;
    await until(events, 'closed');
    await events.next();
    const backoffs = waits.filter((ms) => ms !== SILENCE_MS).map(Math.round);
    expect(backoffs.slice(0, 3)).toEqual([100, 200, 100]);
  });

  it('breaks with a venue that says nothing, and waits longer each time', async () => {
    let nowMs = 0;
    const events = open({
      now: () => nowMs,
      wait: async (ms) => {
        waits.push(Math.round(ms));
        nowMs += Math.round(ms);
      },
    });
    for (let n = 0; n < 2; n++) {
      expect(await until(events, 'closed')).toEqual(['open', `x: the venue has said nothing for ${SILENCE_MS} ms`]);
    }
    await events.next();
    expect(waits.slice(0, 4)).toEqual([SILENCE_MS, 100, SILENCE_MS, 200]);
  });

  it('breaks when frames are not taken, and gives those for which there was room', async () => {
    const client = new Promise<WebSocket>((came) => {
      server.on('connection', came);
    });
    const events = open({ bounds: { ...BOUNDS, queueBytes: 450 } });
    expect(await until(events, 'open')).toEqual(['open']);
    const socket = await client;
    const closed = new Promise((ended) => {
      socket.on('close', ended);
    });
    for (let n = 0; n < 10; n++) socket.send(`frame ${n}`);
    await closed;
    const seen = await until(events, 'closed');
    expect(seen).toEqual(['frame 0', 'frame 1', 'frame 2', 'frame 3', 'x: 450 bytes of frames wait to be taken']);
  });

  it('breaks on a frame that is too large', async () => {
    server.on('connection', (socket) => socket.send('x'.repeat(BOUNDS.maxFrameBytes + 1)));
    expect(await until(open(), 'closed')).toEqual(['open', expect.stringMatching(/Max payload size exceeded/)]);
  });

  it('says why it cannot connect, and goes on trying', async () => {
    const events = open({ url: 'ws://127.0.0.1:1' });
    for (let n = 0; n < 2; n++) {
      expect(await until(events, 'closed')).toEqual([expect.stringMatching(/^x: the connection failed: /)]);
    }
  });

  it('pings as the venue wants it', async () => {
    const messages: string[] = [];
    const pings = new Promise<void>((enough) => {
      server.on('connection', (socket) => {
        socket.on('message', (data) => {
          if (messages.push(String(data)) === 3) enough();
        });
      });
    });
    const ping = { frame: 'ping', everyMs: 20 };
    const events = open({
      venue: { name: 'x', subscribe: () => ['subscribe'], ping, silenceMs: SILENCE_MS },
      wait: (ms, signal) => (ms === ping.everyMs ? new Promise(setImmediate) : untilAborted(ms, signal)),
    });
    await until(events, 'open');
    await pings;
    expect(messages.slice(0, 3)).toEqual(['subscribe', 'ping', 'ping']);
  });

  it("pings by WebSocket's own pings where the venue wants these", async () => {
    const messages: string[] = [];
    const pings = new Promise<void>((enough) => {
      server.on('connection', (socket) => {
        socket.on('message', (data) => messages.push(String(data)));
        socket.on('ping', () => enough());
      });
    });
    const ping = { frame: null, everyMs: 20 };
    const events = open({
      venue: { name: 'x', subscribe: () => ['subscribe'], ping, silenceMs: SILENCE_MS },
      wait: (ms, signal) => (ms === ping.everyMs ? new Promise(setImmediate) : untilAborted(ms, signal)),
    });
    await until(events, 'open');
    await pings;
    expect(messages).toEqual(['subscribe']);
  });

  it('ends when it is told to', async () => {
    const closed = new Promise((ended) => {
      server.on('connection', (socket) => socket.on('close', ended));
    });
    const events = open();
    await until(events, 'open');
    stop.abort();
    expect(await until(events, 'closed')).toEqual([]);
    await closed;
  });
});
