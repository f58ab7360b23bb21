import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type WebSocket, WebSocketServer } from 'ws';
import type { TrueTrade, Wire } from './wire.ts';

/** What befalls a trade's frame on its way. */
export type Mishap =
  | 'none'
  | 'lost'
  | 'repeated'
  | 'garbled'
  /** The connection is cut before it. */
  | 'cut'
  /** The exchange falls silent before it, until the client has connected anew. */
  | 'stalled';

/** From one `pace` to the next. */
const PACE_TRADES = 20;

export interface ExchangeOptions {
  readonly wire: Wire;
  /** In the order that they happen. */
  readonly trades: readonly TrueTrade[];
  /** Trades that have happened before the session. */
  readonly before?: number;
  /** Of each trade. */
  readonly mishaps: readonly Mishap[];
  /** Trades that happen while a client is away. */
  readonly missedWhileAway: number;
  /** How a request for past trades fares, by its number; the answer itself when it is null. */
  readonly refuse?: (request: number) => { readonly status: number; readonly body: string } | null;
  /** Trades that the answers to such requests leave out. */
  readonly isForgotten?: (trade: TrueTrade) => boolean;
  /** Waited for now and then, so that clients keep up. By default a turn of the event loop. */
  readonly pace?: (happened: number) => Promise<void>;
}

/**
 * An exchange on this machine, which plays a session: trades happen one after another, and go to a client while one is connected.
 * It waits for a client after each that has gone, so that what is missed does not hang on the machine's speed.
 */
export class ExchangeServer {
  readonly #options: ExchangeOptions;
  readonly #http = createServer((request, response) => this.#answer(request.url ?? '', response));
  readonly #sockets = new WebSocketServer({ server: this.#http });
  /** How many have happened. */
  #happened: number;
  #requests = 0;
  #connections = 0;
  #client: WebSocket | null = null;
  #hasClosed = false;
  #onClient: () => void = () => {};

  private constructor(options: ExchangeOptions) {
    this.#options = options;
    this.#happened = options.before ?? 0;
    this.#sockets.on('connection', (socket) => this.#connected(socket));
  }

  static async start(options: ExchangeOptions): Promise<ExchangeServer> {
    const server = new ExchangeServer(options);
    await new Promise<void>((listening) => server.#http.listen(0, '127.0.0.1', listening));
    return server;
  }

  /** Host and port. */
  get address(): string {
    return `127.0.0.1:${(this.#http.address() as AddressInfo).port}`;
  }

  /** How often a client has connected. */
  get connections(): number {
    return this.#connections;
  }

  /** How often it was asked for past trades. */
  get requests(): number {
    return this.#requests;
  }

  /** Lets all trades happen; resolves after the last. */
  async play(): Promise<void> {
    const { trades, mishaps, pace = () => nextTurn() } = this.#options;
    let wasHere = false;
    while (this.#happened < trades.length && !this.#hasClosed) {
      if (this.#client === null && wasHere) this.#passOver();
      const client = await this.#present();
      if (client === null) return;
      wasHere = true;
      const n = this.#happened;
      const trade = trades[n];
      if (trade === undefined) return;
      const mishap = mishaps[n] ?? 'none';
      this.#happened++;
      if (mishap === 'cut' || mishap === 'stalled') {
        this.#client = null;
        if (mishap === 'cut') client.terminate();
        continue;
      }
      for (const frame of this.#frames(trade, mishap)) client.send(frame);
      if (n % PACE_TRADES === 0) await pace(n);
    }
    this.#sayLatest();
  }

  async close(): Promise<void> {
    this.#hasClosed = true;
    this.#onClient();
    for (const socket of this.#sockets.clients) socket.terminate();
    await new Promise<void>((closed) => {
      this.#http.close(() => closed());
      this.#http.closeAllConnections();
    });
  }

  #frames(trade: TrueTrade, mishap: Mishap): readonly string[] {
    const frame = this.#options.wire.trade(trade);
    if (mishap === 'lost') return [];
    if (mishap === 'repeated') return [frame, frame];
    return [mishap === 'garbled' ? frame.slice(0, frame.length / 2) : frame];
  }

  /** What happens while no client is there. */
  #passOver(): void {
    const { trades, missedWhileAway } = this.#options;
    // The last trades are always seen, so that the session ends with a client that is there.
    this.#happened = Math.max(this.#happened, Math.min(trades.length - 1, this.#happened + missedWhileAway));
  }

  async #present(): Promise<WebSocket | null> {
    while (this.#client === null && !this.#hasClosed) {
      await new Promise<void>((came) => {
        this.#onClient = came;
      });
    }
    return this.#client;
  }

  #connected(socket: WebSocket): void {
    const { wire, trades } = this.#options;
    this.#connections++;
    socket.on('error', () => socket.terminate());
    socket.on('close', () => {
      if (this.#client === socket) this.#client = null;
    });
    socket.on('message', (data) => {
      const symbols = wire.asked(String(data));
      if (symbols.length === 0) return;
      for (const frame of wire.welcome(symbols, trades.slice(0, this.#happened))) socket.send(frame);
      this.#client = socket;
      if (this.#happened === trades.length) this.#sayLatest();
      this.#onClient();
    });
  }

  /** Ends a session, so that what was lost of its end shows. */
  #sayLatest(): void {
    const { wire, trades } = this.#options;
    const latest = new Map(trades.map((trade) => [trade.symbol, trade]));
    for (const trade of latest.values()) {
      const heartbeat = wire.heartbeat(trade);
      if (heartbeat !== null) this.#client?.send(heartbeat);
    }
  }

  #answer(path: string, response: ServerResponse): void {
    const { wire, trades, refuse, isForgotten = () => false } = this.#options;
    const refused = refuse?.(this.#requests++) ?? null;
    const known = trades.slice(0, this.#happened).filter((trade) => !isForgotten(trade));
    const body = refused?.body ?? wire.history(new URL(path, 'http://exchange'), known);
    response.writeHead(refused?.status ?? 200, { 'content-type': 'application/json' }).end(body);
  }
}
