import { Type } from 'typebox';
import { formatIsoMicros } from '../../core/time.ts';
import { storedBars } from '../../query/bars.ts';
import { outputTable } from '../../sinks/clickhouse/outputTables.ts';
import { quoteName } from '../../sinks/clickhouse/sqlText.ts';
import { queryBounds } from '../parameters.ts';
import { type ApiParts, type ApiServer, OUTPUT, TOPOLOGY } from '../parts.ts';
import { problemResponses } from '../problem.ts';
import { instantSchema } from '../rows.ts';
import { rowsOf } from '../statement.ts';

const SCHEMA = {
  summary: 'The symbols that have bars, with the intervals of each',
  querystring: Type.Object({}, { additionalProperties: false }),
  response: {
    200: Type.Array(
      Type.Object(
        {
          symbol: Type.String(),
          intervals: Type.Array(
            Type.Object({
              interval: Type.String(),
              first: instantSchema('Start of the first bar.'),
              last: instantSchema('Start of the last bar.'),
            }),
            { description: 'The shortest first.' },
          ),
        },
        { title: 'Symbol' },
      ),
    ),
    ...problemResponses,
  },
};

interface IntervalRow {
  readonly symbol: string;
  readonly interval: string;
  readonly first: string;
  readonly last: string;
}

export function declareSymbols(server: ApiServer, { clickhouse, config }: ApiParts): void {
  server.get('/v1/symbols', { schema: SCHEMA }, async () => {
    const { generation, hasPublished } = await storedBars(clickhouse, TOPOLOGY);
    const series = [
      ...(generation === null ? [] : [resultSeries(generation)]),
      ...(hasPublished
        ? ['SELECT symbol, interval, first, last, 1000000 * seconds AS size FROM published_series']
        : []),
    ];
    if (series.length === 0) return [];
    const rows = await rowsOf<IntervalRow>(
      clickhouse,
      'SELECT toString(symbol) AS symbol, toString(interval) AS interval, ' +
        'toString(toUnixTimestamp64Micro(min(series.first))) AS first, ' +
        'toString(toUnixTimestamp64Micro(max(series.last))) AS last ' +
        `FROM (${series.join(' UNION ALL ')}) AS series GROUP BY symbol, interval ` +
        'ORDER BY symbol, min(series.size), interval LIMIT {limit:UInt64}',
      { settings: queryBounds(config), parameters: { limit: config.maxRows } },
    );
    return bySymbol(rows);
  });
}

/** Of the series of a generation: the starts of the first and the last bar, and how long the shortest is. */
function resultSeries(generation: number): string {
  return (
    'SELECT symbol, interval, min(start) AS first, max(start) AS last, min(dateDiff(microsecond, start, end)) AS size ' +
    `FROM ${quoteName(outputTable(OUTPUT, generation))} FINAL GROUP BY symbol, interval`
  );
}

/** Rows of one symbol lie together. */
function bySymbol(rows: readonly IntervalRow[]) {
  const symbols: { symbol: string; intervals: { interval: string; first: string; last: string }[] }[] = [];
  for (const { symbol, interval, first, last } of rows) {
    if (symbols.at(-1)?.symbol !== symbol) symbols.push({ symbol, intervals: [] });
    symbols.at(-1)?.intervals.push({ interval, first: iso(first), last: iso(last) });
  }
  return symbols;
}

function iso(micros: string): string {
  return formatIsoMicros(Number(micros));
}
