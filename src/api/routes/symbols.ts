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
    const tables = [
      ...(generation === null ? [] : [`${quoteName(outputTable(OUTPUT, generation))} FINAL`]),
      ...(hasPublished ? ['published_bars'] : []),
    ];
    if (tables.length === 0) return [];
    const bars = tables.map(
      (table) => `SELECT toString(symbol) AS symbol, toString(interval) AS interval, start, end FROM ${table}`,
    );
    const rows = await rowsOf<IntervalRow>(
      clickhouse,
      'SELECT symbol, interval, toString(toUnixTimestamp64Micro(min(start))) AS first, ' +
        'toString(toUnixTimestamp64Micro(max(start))) AS last, min(dateDiff(microsecond, start, end)) AS size ' +
        `FROM (${bars.join(' UNION ALL ')}) GROUP BY symbol, interval ` +
        'ORDER BY symbol, size, interval LIMIT {limit:UInt64}',
      { settings: queryBounds(config), parameters: { limit: config.maxRows } },
    );
    return bySymbol(rows);
  });
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
