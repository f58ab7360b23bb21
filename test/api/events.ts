import { get, type IncomingMessage } from 'node:http';

/** An event as a reader of Server-Sent Events sees it, comments and heartbeats left out. */
export interface StreamEvent {
  readonly event: string;
  readonly id: string;
  // biome-ignore lint/suspicious/noExplicitAny: what a test looks for in it differs from test to test
  readonly data: any;
}

export interface OpenStream {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  /** The next event; null at the end. */
  next(): Promise<StreamEvent | null>;
  /** Reads no more from the socket until `resume`. */
  pause(): void;
  resume(): void;
  close(): void;
}

/** Opens a live stream; parses as the standard says, as far as the API uses it. */
export function openStream(url: string, lastEventId?: string): Promise<OpenStream> {
  const headers = lastEventId === undefined ? {} : { 'last-event-id': lastEventId };
  return new Promise((resolve, reject) => {
    const request = get(url, { headers, agent: false }, (response) => resolve(streamOf(response)));
    request.on('error', reject);
  });
}

function streamOf(response: IncomingMessage): OpenStream {
  const events: StreamEvent[] = [];
  let text = '';
  let ended = false;
  let wake = (): void => {};
  response.setEncoding('utf8');
  response.on('data', (part: string) => {
    text += part;
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const event = parse(text.slice(0, end));
      if (event !== null) events.push(event);
      text = text.slice(end + 2);
    }
    wake();
  });
  const stop = (): void => {
    ended = true;
    wake();
  };
  response.on('error', stop).on('close', stop);
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    async next() {
      while (events.length === 0 && !ended) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      return events.shift() ?? null;
    },
    pause: () => void response.pause(),
    resume: () => void response.resume(),
    close: () => void response.destroy(),
  };
}

function parse(block: string): StreamEvent | null {
  const fields = new Map(
    block
      .split('\n')
      .filter((line) => !line.startsWith(':'))
      .map((line) => [line.slice(0, line.indexOf(': ')), line.slice(line.indexOf(': ') + 2)]),
  );
  const data = fields.get('data');
  if (data === undefined) return null;
  return { event: fields.get('event') ?? 'message', id: fields.get('id') ?? '', data: JSON.parse(data) };
}
