import { Readable } from 'node:stream';
import { Type } from 'typebox';
import { TidemarkError } from '../../errors.ts';
import { BAR_COLUMNS, type BarPlace, type BarsQuery, barRows, type StoredBars } from '../../query/bars.ts';
import { instantMicros } from '../../query/instant.ts';
import { rowsAsText } from '../../query/rowText.ts';
import { withSqlErrors } from '../../query/sql.ts';
import type { Row } from '../../query/tabSeparated.ts';
import { cursorOf, cursorParameter, isWhole, linkHeader, linkToNext, placeOf } from '../cursor.ts';
import { acceptedFormat, type BodyFormat, CONTENT_TYPES } from '../format.ts';
import {
  instantParameter,
  intervalOf,
  intervalParameter,
  limitParameter,
  queryBounds,
  rangeOf,
  symbolParameter,
} from '../parameters.ts';
import { type ApiParts, type ApiServer, OUTPUT, TOPOLOGY } from '../parts.ts';
import { problemResponses } from '../problem.ts';
import { barSchema } from '../rows.ts';
import { ServedGeneration } from '../servedGeneration.ts';

/** Text, at once or as it comes. */
function bodyText(description: string) {
  return Type.Unsafe<string | Readable>({ type: 'string', description });
}

function schemaOf(config: ApiParts['config']) {
  return {
    summary: 'Bars of one interval, by symbol and start',
    description:
      'All bars of the range, or with `limit` a page of them: the `link` header of a page that is not the last names the ' +
      "next one. CSV is what `tidemark bars --format csv` prints. An answer that passes the server's bound of rows, time or " +
      'memory after its first rows is broken off.',
    querystring: Type.Object(
      {
        interval: intervalParameter,
        symbol: Type.Optional(symbolParameter),
        from: Type.Optional(instantParameter('First start, inclusive.')),
        to: Type.Optional(instantParameter('Bound of the start, exclusive.')),
        limit: Type.Optional(limitParameter(config, 'Bars of a page.')),
        cursor: Type.Optional(cursorParameter),
        format: Type.Optional(
          Type.Union([Type.Literal('json'), Type.Literal('csv'), Type.Literal('ndjson')], {
            description: 'Goes before the Accept header.',
          }),
        ),
      },
      { additionalProperties: false },
    ),
    response: {
      200: {
        description: 'The bars.',
        headers: { link: linkHeader },
        content: {
          'application/json': { schema: Type.Array(barSchema) },
          'text/csv': { schema: bodyText('RFC 4180, with a header line.') },
          'application/x-ndjson': { schema: bodyText('One bar a line, as JSON.') },
        },
      },
      ...problemResponses,
    },
  };
}

export function declareBars(server: ApiServer, { clickhouse, config }: ApiParts): void {
  const served = new ServedGeneration(clickhouse);
  server.get('/v1/bars', { schema: schemaOf(config) }, async (request, reply) => {
    const { interval, symbol, limit, cursor } = request.query;
    const format = request.query.format ?? acceptedFormat(request.headers.accept);
    const query: BarsQuery = {
      clickhouse,
      topology: TOPOLOGY,
      output: OUTPUT,
      interval: intervalOf(interval),
      ...(symbol === undefined ? {} : { symbol }),
      ...rangeOf(request.query),
      ...(cursor === undefined ? {} : { after: placeOf(cursor, barPlaceOf) }),
      settings: queryBounds(config),
    };
    reply.type(CONTENT_TYPES[format]).header('vary', 'accept');
    if (limit === undefined) {
      const whole = await served.read(
        query,
        (stored) => streamed(query, stored, config.maxRows, format),
        (unused) => unused.destroy(),
      );
      return reply.send(whole);
    }
    const { rows, next } = await served.read(
      query,
      (stored) => pageOf(query, stored, limit),
      () => {},
    );
    if (next !== null) reply.header('link', linkToNext(request.url, next));
    return reply.send(await textOf(rows, format));
  });
}

/** The answer as it comes. Its first piece is there, so that most errors come before any of the body. */
async function streamed(query: BarsQuery, stored: StoredBars, maxRows: number, format: BodyFormat): Promise<Readable> {
  const blocks = bounded(barRows({ ...query, limit: maxRows + 1 }, stored), maxRows);
  const pieces = withSqlErrors(rowsAsText(BAR_COLUMNS, blocks, format))[Symbol.asyncIterator]();
  let first: IteratorResult<string> | null = await pieces.next();
  // An iterator, not a generator: one that is never started would not let go of the rows when it is thrown away.
  const body: AsyncIterator<string> = {
    next() {
      const next = first === null ? pieces.next() : Promise.resolve(first);
      first = null;
      return next;
    },
    async return() {
      await pieces.return?.();
      return { done: true, value: undefined };
    },
  };
  return Readable.from({ [Symbol.asyncIterator]: () => body }, { objectMode: false });
}

async function* bounded(blocks: AsyncIterable<readonly Row[]>, maxRows: number): AsyncIterable<readonly Row[]> {
  let rows = 0;
  for await (const block of blocks) {
    rows += block.length;
    if (rows > maxRows) {
      throw new TidemarkError('TM_API_BOUNDS', `the answer has more than ${maxRows} rows`, {
        hint: 'Ask for a shorter range, one symbol, or pages (`limit`).',
      });
    }
    yield block;
  }
}

/** A page, and the cursor of the next one. One row more is read than is given, to see whether there is any. */
async function pageOf(query: BarsQuery, stored: StoredBars, limit: number) {
  const rows: Row[] = [];
  const blocks = withSqlErrors(barRows({ ...query, limit: limit + 1 }, stored));
  for await (const block of blocks) rows.push(...block);
  const isLast = rows.length <= limit;
  if (!isLast) rows.pop();
  return { rows, next: isLast ? null : cursorAfter(rows.at(-1) ?? []) };
}

async function textOf(rows: readonly Row[], format: BodyFormat): Promise<string> {
  let text = '';
  for await (const piece of rowsAsText(BAR_COLUMNS, blocksOf(rows), format)) text += piece;
  return text;
}

async function* blocksOf(rows: readonly Row[]): AsyncIterable<readonly Row[]> {
  if (rows.length > 0) yield rows;
}

function cursorAfter([symbol, start, end]: Row): string {
  return cursorOf([symbol ?? '', instantMicros(start ?? '') ?? 0, instantMicros(end ?? '') ?? 0]);
}

function barPlaceOf([symbol, start, end]: readonly unknown[]): BarPlace | null {
  return typeof symbol === 'string' && isWhole(start) && isWhole(end) ? { symbol, start, end } : null;
}
