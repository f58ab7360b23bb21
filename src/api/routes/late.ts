import { Type } from 'typebox';
import { formatIsoMicros } from '../../core/time.ts';
import { storedGeneration } from '../../query/bars.ts';
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
    querystring: Type.Object(
      {
        symbol: Type.Optional(symbolParameter),
        from: Type.Optional(instantParameter('First event time, inclusive.')),
        to: Type.Optional(instantParameter('Bound of the event time, exclusive.')),
        limit: Type.Optional(limitParameter(config, `Most records; ${DEFAULT_ROWS} when absent.`)),
      },
      { additionalProperties: false },
    ),
    response: { 200: Type.Array(lateSchema), ...problemResponses },
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
}

export function declareLate(server: ApiServer, { clickhouse, config }: ApiParts): void {
  server.get('/v1/late', { schema: schemaOf(config) }, async ({ query }) => {
    const { symbol, limit = Math.min(DEFAULT_ROWS, config.maxPageRows) } = query;
    const { fromMicros, toMicros } = rangeOf(query);
    const generation = await storedGeneration(clickhouse, TOPOLOGY);
    if (generation === null) return [];
    const conditions = [
      'topology = {topology:String}',
      'generation = {generation:UInt32}',
      ...(symbol === undefined ? [] : ['symbol = {symbol:String}']),
      ...(fromMicros === undefined ? [] : ["eventTime >= fromUnixTimestamp64Micro({from:Int64}, 'UTC')"]),
      ...(toMicros === undefined ? [] : ["eventTime < fromUnixTimestamp64Micro({to:Int64}, 'UTC')"]),
    ];
    const rows = await rowsOf<LateRow>(
      clickhouse,
      'SELECT symbol, toString(toUnixTimestamp64Micro(eventTime)) AS micros, topic, partition, toString(offset) AS offset, ' +
        'toString(toUnixTimestamp64Micro(watermark)) AS watermarkMicros, intervals, missedAll, reason ' +
        `FROM late_raw FINAL WHERE ${conditions.join(' AND ')} ` +
        'ORDER BY eventTime DESC, logPartition, logOffset LIMIT {limit:UInt64}',
      {
        settings: queryBounds(config),
        parameters: {
          topology: TOPOLOGY,
          generation,
          limit,
          symbol: symbol ?? '',
          from: fromMicros ?? 0,
          to: toMicros ?? 0,
        },
      },
    );
    return rows.map(({ micros, watermarkMicros, offset, ...row }) => ({
      ...row,
      offset: Number(offset),
      eventTime: formatIsoMicros(Number(micros)),
      watermark: formatIsoMicros(Number(watermarkMicros)),
    }));
  });
}
