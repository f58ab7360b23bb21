import WebSocket from 'ws';
import { MICROS_PER_MS } from '../../core/time.ts';
import { TidemarkError } from '../../errors.ts';
import { Bell } from './bell.ts';
import { type Frame, FrameQueue } from './frameQueue.ts';
import type { Venue } from './venue.ts';

/** How long and how much; from the configuration. */
export interface ConnectionBounds {
  /** A connection that is not open after so long is given up. */
  readonly connectMs: number;
  /** A larger frame breaks the connection. */
  readonly maxFrameBytes: number;
  /** Frames that wait to be taken. One that finds no room breaks the connection: what it held is asked for again. */
  readonly queueBytes: number;
  /** The first reconnection waits up to this long, each further one in a row up to twice as long as the one before. */
  readonly backoffMs: number;
  readonly maxBackoffMs: number;
}

export interface ConnectionOptions {
  readonly venue: Pick<Venue, 'name' | 'subscribe' | 'ping' | 'silenceMs'>;
  readonly url: string;
  readonly symbols: readonly string[];
  readonly bounds: ConnectionBounds;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Resolves after `ms`, and at once when the signal is aborted. */
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
  /** In [0, 1). */
  readonly random: () => number;
}

/** What happens on a venue's line. Between `open` and `closed` no frame is missing that has come to this machine. */
export type ConnectionEvent =
  /** Connected, and asked for the symbols. */
  | { readonly kind: 'open' }
  | { readonly kind: 'frames'; readonly frames: readonly Frame[] }
  /** Not connected, and tried again after `waitMs`. */
  | { readonly kind: 'closed'; readonly error: TidemarkError; readonly waitMs: number };

/**
 * A venue's frames, reconnected for ever: after a cut, a silence, a frame that is too large, or when nobody takes the frames. Waits
 * between attempts are random parts of a time that doubles (full jitter, as `MarketClient`). Ends when the signal is aborted.
 */
export async function* connect(options: ConnectionOptions, signal: AbortSignal): AsyncGenerator<ConnectionEvent> {
  const { bounds, now, random, wait, venue } = options;
  let failures = 0;
  while (!signal.aborted) {
    const beganMs = now();
    const session = new Session(options, signal);
    let hadFrames = false;
    try {
      for await (const event of session.events()) {
        if (event.kind === 'frames') hadFrames = true;
        yield event;
      }
    } finally {
      session.end();
    }
    if (signal.aborted) return;
    // A venue that answers and hangs up at once is not to be asked over and over.
    if (hadFrames && now() - beganMs >= venue.silenceMs) failures = 0;
    const waitMs = random() * Math.min(bounds.maxBackoffMs, bounds.backoffMs * 2 ** failures++);
    yield { kind: 'closed', error: session.failure, waitMs };
    await wait(waitMs, signal);
  }
}

/** One connection, from its opening to its end. */
class Session {
  readonly #options: ConnectionOptions;
  readonly #socket: WebSocket;
  readonly #queue: FrameQueue;
  readonly #bell = new Bell();
  /** Ends the watches of this connection. */
  readonly #ended = new AbortController();
  readonly #signal: AbortSignal;
  readonly #onStop = (): void => this.end();
  #lastSignMs: number;
  #isOpen = false;
  #failure: TidemarkError | null = null;

  constructor(options: ConnectionOptions, signal: AbortSignal) {
    const { bounds, url, now } = options;
    this.#options = options;
    this.#signal = signal;
    this.#queue = new FrameQueue(bounds.queueBytes);
    this.#lastSignMs = now();
    this.#socket = new WebSocket(url, {
      handshakeTimeout: bounds.connectMs,
      maxPayload: bounds.maxFrameBytes,
      followRedirects: false,
    });
    this.#socket.on('open', () => this.#opened());
    this.#socket.on('message', (data) => this.#received(data));
    this.#socket.on('ping', () => this.#sign());
    this.#socket.on('pong', () => this.#sign());
    this.#socket.on('error', (error) => this.#fail('the connection failed', error));
    this.#socket.on('close', (code, reason) => this.#fail(`the venue closed the connection: ${code} ${reason}`.trim()));
    signal.addEventListener('abort', this.#onStop, { once: true });
  }

  /** Why it ended. */
  get failure(): TidemarkError {
    return this.#failure ?? this.#error('the connection ended');
  }

  /** Until the connection has ended and its frames are taken. */
  async *events(): AsyncGenerator<ConnectionEvent> {
    let wasOpen = false;
    for (;;) {
      while (this.#queue.isEmpty && this.#isOpen === wasOpen && !this.#ended.signal.aborted) await this.#bell.next();
      const hasEnded = this.#ended.signal.aborted;
      if (this.#isOpen && !wasOpen) {
        wasOpen = true;
        yield { kind: 'open' };
      }
      const frames = this.#queue.take();
      if (frames.length > 0) yield { kind: 'frames', frames };
      if (hasEnded) return;
    }
  }

  end(): void {
    if (this.#ended.signal.aborted) return;
    this.#signal.removeEventListener('abort', this.#onStop);
    this.#ended.abort();
    this.#socket.terminate();
    this.#bell.ring();
  }

  #opened(): void {
    const { venue, symbols } = this.#options;
    this.#isOpen = true;
    this.#sign();
    for (const frame of venue.subscribe(symbols)) this.#socket.send(frame);
    void this.#watchSilence();
    if (venue.ping !== null) void this.#keepAwake(venue.ping);
    this.#bell.ring();
  }

  #received(data: WebSocket.RawData): void {
    if (this.#ended.signal.aborted) return;
    this.#sign();
    const receivedMicros = Math.round(this.#lastSignMs * MICROS_PER_MS);
    // Some venues send their JSON in binary frames.
    const text = String(data);
    if (!this.#queue.push({ text, receivedMicros })) {
      this.#fail(`${this.#options.bounds.queueBytes} bytes of frames wait to be taken`);
      return;
    }
    this.#bell.ring();
  }

  #sign(): void {
    this.#lastSignMs = this.#options.now();
  }

  /** Breaks the connection when the venue is silent for too long. */
  async #watchSilence(): Promise<void> {
    const { venue, now, wait } = this.#options;
    while (!this.#ended.signal.aborted) {
      const silentMs = now() - this.#lastSignMs;
      if (silentMs >= venue.silenceMs) this.#fail(`the venue has said nothing for ${venue.silenceMs} ms`);
      else await wait(venue.silenceMs - silentMs, this.#ended.signal);
    }
  }

  async #keepAwake({ frame, everyMs }: NonNullable<Venue['ping']>): Promise<void> {
    const { wait } = this.#options;
    for (;;) {
      await wait(everyMs, this.#ended.signal);
      if (this.#ended.signal.aborted) return;
      if (frame === null) this.#socket.ping();
      else this.#socket.send(frame);
    }
  }

  #fail(message: string, cause?: Error): void {
    if (this.#ended.signal.aborted) return;
    this.#failure = this.#error(cause === undefined ? message : `${message}: ${cause.message}`);
    this.end();
  }

  #error(message: string): TidemarkError {
    const { url, venue } = this.#options;
    const hint = 'it is connected again by itself, and what was missed is asked for';
    return new TidemarkError('TM_VENUE_CONNECTION', `${venue.name}: ${message}`, { where: url, hint });
  }
}
