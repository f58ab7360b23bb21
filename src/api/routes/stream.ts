import type { ServerResponse } from 'node:http';
import { Type } from 'typebox';
import { TidemarkError } from '../../errors.ts';
import { intervalOf, intervalParameter, symbolParameter } from '../parameters.ts';
import type { ApiParts, ApiServer } from '../parts.ts';
import { problemResponses } from '../problem.ts';
import { barStream } from '../stream/barStream.ts';
import { Feeds } from '../stream/feed.ts';
import { parseEventId, type StreamPlace } from '../stream/place.ts';

const MAX_ID_LENGTH = 20_000;
/** A reader that takes nothing for so long has gone, or is no reader. */
const STALLED_MS = 30_000;

const SCHEMA = {
  summary: 'New and revised bars as they come, as Server-Sent Events',
  description:
    'Events: `start` (`{generation}`), `bar` (a row of `/v1/bars` with `topic`, `partition` and `offset` of the record that ' +
    'made or changed it, `interval`, `final` and `deleted`), `reset` (`{generation, reason}`: what was read before no longer fits; read `/v1/bars` again, and go on), ' +
    '`end` (`{reason}`: connect again; `slow` when the reader fell too far behind). Every id is the generation and the next ' +
    'place in each partition of each topic; sent back as `Last-Event-ID` it resumes there, with each bar that was revised meanwhile once, ' +
    'at its newest revision. Without it the stream begins where ClickHouse has come to: open it first, then read ' +
    '`/v1/bars`, and nothing is missed. Bars that sources published come once they are in `/v1/bars`, as they are there, and ' +
    'with a minute the hour and day that are made of it.',
  querystring: Type.Object(
    { symbol: Type.Optional(symbolParameter), interval: Type.Optional(intervalParameter) },
    { additionalProperties: false },
  ),
  headers: Type.Object({
    'last-event-id': Type.Optional(Type.String({ maxLength: MAX_ID_LENGTH, description: 'The id of the last event.' })),
  }),
  response: {
    200: {
      description: 'The events.',
      content: { 'text/event-stream': { schema: Type.String() } },
    },
    ...problemResponses,
  },
};

export function declareStream(server: ApiServer, parts: ApiParts): void {
  const feeds = new Feeds(parts);
  const open = new Set<ServerResponse>();
  server.addHook('preClose', async () => {
    await feeds.close();
    for (const response of open) response.destroy();
  });
  server.get('/v1/stream', { schema: SCHEMA, exposeHeadRoute: false }, async (request, reply) => {
    const { symbol, interval } = request.query;
    const name = interval === undefined ? null : intervalOf(interval);
    const place = placeOf(request.headers['last-event-id']);
    const gone = new AbortController();
    reply.raw.once('close', () => gone.abort());
    feeds.take();
    try {
      const stream = barStream(parts, feeds, {
        place,
        gone: gone.signal,
        isWanted: (event) => (symbol ?? event.symbol) === event.symbol && (name ?? event.interval) === event.interval,
      })[Symbol.asyncIterator]();
      // What is wrong shows with the first event, while the answer can still be an error.
      const first = await stream.next();
      reply.hijack();
      open.add(reply.raw);
      await write(reply.raw, first, stream).finally(() => open.delete(reply.raw));
    } finally {
      await feeds.letGo();
    }
  });
}

/** @throws TM_API_REQUEST */
function placeOf(id: string | undefined): StreamPlace | null {
  if (id === undefined || id === '') return null;
  const place = parseEventId(id);
  if (place !== null) return place;
  throw new TidemarkError('TM_API_REQUEST', 'this is not the id of an event', {
    where: 'last-event-id',
    hint: 'Send the id of the last event as it came, or none.',
  });
}

/** Writes until the stream ends or the reader has gone, never more than the socket takes. */
async function write(
  response: ServerResponse,
  first: IteratorResult<string>,
  stream: AsyncIterator<string>,
): Promise<void> {
  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  });
  try {
    for (let next = first; next.done !== true && !response.destroyed; next = await stream.next()) {
      if (!response.write(next.value)) await roomIn(response);
    }
    response.end();
  } catch (error) {
    response.destroy(error instanceof Error ? error : undefined);
  } finally {
    await stream.return?.();
  }
}

/** Until the reader has read on or has gone; one that has stalled is cut off. */
function roomIn(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const stalled = setTimeout(() => response.destroy(), STALLED_MS);
    const done = (): void => {
      clearTimeout(stalled);
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    response.on('drain', done);
    response.on('close', done);
  });
}
