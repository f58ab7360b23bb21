import { Type } from 'typebox';
import { formatIsoMicros } from '../../core/time.ts';
import { storedGeneration } from '../../query/bars.ts';
import { cursorOf, cursorParameter, isWhole, linkHeader, linkToNext, placeOf } from '../cursor.ts';
import { instantParameter, limitParameter, queryBounds, rangeOf, symbolParameter } from '../parameters.ts';
import { type ApiParts, type ApiServer, TOPOLOGY } from '../parts.ts';
import { problemResponses } from '../problem.ts';
import { instantSchema } from '../rows.ts';
import { rowsOf } from '../statement.ts';

const DEFAULT_ROWS = 100;

const lateSchema = Type.Object(
  {
    symbol: Type.String(),
    eventTime: instantSchema('When it happened.'),
    topic: Type.String({ description: 'Where the record is.' }),
    partition: Type.Integer(),
    offset: Type.Integer(),
    watermark: instantSchema('The watermark that it met.'),
    intervals: Type.String({ description: 'The windows that it missed, comma-separated.' }),
    missedAll: Type.Boolean({ description: 'Whether it is in no window at all.' }),
    reason: Type.String(),
  },
  { title: 'LateRecord' },
);

function schemaOf(config: ApiParts['config']) {
  return {
    summary: 'The late ledger: records that came after a window of theirs had expired; the newest event times first',
    description: 'A page: the `link` header of one that is not the last names the next one.',
    querystring: Type.Object(
      {
        symbol: Type.Optional(symbolParameter),
        from: Type.Optional(instantParameter('First event time, inclusive.')),
        to: Type.Optional(instantParameter('Bound of the event time, exclusive.')),
        limit: Type.Optional(limitParameter(config, `Records of a page; ${DEFAULT_ROWS} when absent.`)),
        cursor: Type.Optional(cursorParameter),
      },
      { additionalProperties: false },
    ),
    response: {
      200: {
        description: 'The records.',
        headers: { link: linkHeader },
        content: { 'application/json': { schema: Type.Array(lateSchema) } },
      },
      ...problemResponses,
    },
  };
}

interface LateRow {
  readonly symbol: string;
  readonly micros: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  readonly watermarkMicros: string;
  readonly intervals: string;
  readonly missedAll: boolean;
  readonly reason: string;
  readonly takenFrom: number;
  readonly logPartition: number;
  readonly ledgerOffset: string;
}

/** A record's place in the order of the ledger. */
interface LatePlace {
  readonly micros: number;
  readonly takenFrom: number;
  readonly logPartition: number;
  readonly logOffset: number;
}

/** Behind a place: at an earlier event time, or at the same one later in the ledgers that it was gathered from. */
const BEHIND_PLACE =
  "(eventTime < fromUnixTimestamp64Micro({afterTime:Int64}, 'UTC') OR " +
  "eventTime = fromUnixTimestamp64Micro({afterTime:Int64}, 'UTC') AND " +
  '(takenFrom, logPartition, logOffset) > ({afterTaken:Int64}, {afterPartition:Int64}, {afterOffset:Int64}))';

export function declareLate(server: ApiServer, { clickhouse, config }: ApiParts): void {
  server.get('/v1/late', { schema: schemaOf(config) }, async (request, reply) => {
    const { query } = request;
    const { symbol, limit = Math.min(DEFAULT_ROWS, config.maxPageRows) } = query;
    const { fromMicros, toMicros } = rangeOf(query);
    const after = query.cursor === undefined ? null : placeOf(query.cursor, latePlaceOf);
    const generation = await storedGeneration(clickhouse, TOPOLOGY);
    if (generation === null) return reply.send([]);
    const conditions = [
      'topology = {topology:String}',
      'generation = {generation:UInt32}',
      ...(symbol === undefined ? [] : ['symbol = {symbol:String}']),
      ...(fromMicros === undefined ? [] : ["eventTime >= fromUnixTimestamp64Micro({from:Int64}, 'UTC')"]),
      ...(toMicros === undefined ? [] : ["eventTime < fromUnixTimestamp64Micro({to:Int64}, 'UTC')"]),
      ...(after === null ? [] : [BEHIND_PLACE]),
    ];
    const rows = await rowsOf<LateRow>(
      clickhouse,
      'SELECT symbol, toString(toUnixTimestamp64Micro(eventTime)) AS micros, topic, partition, toString(offset) AS offset, ' +
        'toString(toUnixTimestamp64Micro(watermark)) AS watermarkMicros, intervals, missedAll, reason, ' +
        'takenFrom, logPartition, toString(logOffset) AS ledgerOffset ' +
        `FROM late_raw FINAL WHERE ${conditions.join(' AND ')} ` +
        'ORDER BY eventTime DESC, takenFrom, logPartition, logOffset LIMIT {limit:UInt64}',
      {
        settings: queryBounds(config),
        parameters: {
          topology: TOPOLOGY,
          generation,
          // One more than is given, to see whether there is any.
          limit: limit + 1,
          symbol: symbol ?? '',
          from: fromMicros ?? 0,
          to: toMicros ?? 0,
          afterTime: after?.micros ?? 0,
          afterTaken: after?.takenFrom ?? 0,
          afterPartition: after?.logPartition ?? 0,
          afterOffset: after?.logOffset ?? 0,
        },
      },
    );
    const page = rows.slice(0, limit);
    const last = page.at(-1);
    if (rows.length > limit && last !== undefined) reply.header('link', linkToNext(request.url, cursorAfter(last)));
    return reply.send(page.map(lateRecord));
  });
}

function lateRecord({ micros, watermarkMicros, offset, takenFrom, logPartition, ledgerOffset, ...row }: LateRow) {
  return {
    ...row,
    offset: Number(offset),
    eventTime: formatIsoMicros(Number(micros)),
    watermark: formatIsoMicros(Number(watermarkMicros)),
  };
}

function cursorAfter({ micros, takenFrom, logPartition, ledgerOffset }: LateRow): string {
  return cursorOf([Number(micros), takenFrom, logPartition, Number(ledgerOffset)]);
}

function latePlaceOf([micros, takenFrom, logPartition, logOffset]: readonly unknown[]): LatePlace | null {
  if (!isWhole(micros) || !isWhole(takenFrom) || !isWhole(logPartition) || !isWhole(logOffset)) return null;
  return { micros, takenFrom, logPartition, logOffset };
}
