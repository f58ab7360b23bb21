import { Type } from 'typebox';
import { formatIsoMicros } from '../../core/time.ts';
import { BAR_COLUMNS, publishedView, storedBars } from '../../query/bars.ts';
import { outputTable } from '../../sinks/clickhouse/outputTables.ts';
import { quoteName } from '../../sinks/clickhouse/sqlText.ts';
import { intervalOf, intervalParameter, queryBounds, symbolParameter } from '../parameters.ts';
import { type ApiParts, type ApiServer, OUTPUT, TOPOLOGY } from '../parts.ts';
import { problemResponses } from '../problem.ts';
import { instantSchema, intervalBarSchema } from '../rows.ts';
import { rowsOf } from '../statement.ts';

const SCHEMA = {
  summary: 'The latest bar of each symbol and interval, and the latest price of each symbol',
  description:
    'Bars of the topology and bars that sources published, whichever is later; of two with the same bounds that of the topology. ' +
    'Prices are those of ticks: a symbol without any has none.',
  querystring: Type.Object(
    { symbol: Type.Optional(symbolParameter), interval: Type.Optional(intervalParameter) },
    { additionalProperties: false },
  ),
  response: {
    200: Type.Object({
      bars: Type.Array(intervalBarSchema),
      prices: Type.Array(
        Type.Object(
          {
            symbol: Type.String(),
            time: instantSchema('Event time of the tick.'),
            price: Type.Number(),
            size: Type.Number(),
          },
          { title: 'Price' },
        ),
      ),
    }),
    ...problemResponses,
  },
};

interface BarRow {
  readonly interval: string;
  readonly symbol: string;
  readonly startMicros: string;
  readonly endMicros: string;
  readonly open: number | null;
  readonly high: number | null;
  readonly low: number | null;
  readonly close: number | null;
  readonly volume: number | null;
  readonly vwap: number | null;
  readonly count: number;
  readonly revision: number;
}

interface PriceRow {
  readonly symbol: string;
  readonly micros: string;
  readonly price: number;
  readonly size: number;
}

const NUMBERS = BAR_COLUMNS.filter(({ isNumber }) => isNumber).map(({ name }) => name);
/** Numbers as JSON numbers, whatever their type. */
const PLAIN_NUMBERS = { output_format_json_quote_64bit_integers: '0', output_format_json_quote_decimals: '0' };
const OF_SYMBOL = "({symbol:String} = '' OR symbol = {symbol:String})";
const WANTED = `${OF_SYMBOL} AND ({interval:String} = '' OR interval = {interval:String})`;

export function declareLatest(server: ApiServer, { clickhouse, config }: ApiParts): void {
  server.get('/v1/latest', { schema: SCHEMA }, async ({ query }) => {
    const { symbol } = query;
    const interval = query.interval === undefined ? undefined : intervalOf(query.interval);
    const { generation, hasPublished } = await storedBars(clickhouse, TOPOLOGY);
    const options = {
      settings: { ...PLAIN_NUMBERS, ...queryBounds(config) },
      parameters: { symbol: symbol ?? '', interval: interval ?? '', limit: config.maxRows },
    };
    const latest = [
      ...(generation === null ? [] : [latestResults(generation)]),
      ...(hasPublished ? [latestPublished(interval)] : []),
    ];
    if (latest.length === 0) return { bars: [], prices: [] };
    const bars = await rowsOf<BarRow>(
      clickhouse,
      `SELECT interval, symbol, toString(toUnixTimestamp64Micro(start)) AS startMicros, ` +
        `toString(toUnixTimestamp64Micro(end)) AS endMicros, ${NUMBERS.map(quoteName).join(', ')} ` +
        `FROM (${latest.join(' UNION ALL ')}) ` +
        'ORDER BY interval, symbol, start DESC, end DESC, rank LIMIT 1 BY interval, symbol LIMIT {limit:UInt64}',
      options,
    );
    const prices = await rowsOf<PriceRow>(
      clickhouse,
      'SELECT symbol, toString(toUnixTimestamp64Micro(eventTime)) AS micros, price, size FROM latest_prices ' +
        `WHERE ${OF_SYMBOL} ORDER BY symbol LIMIT {limit:UInt64}`,
      options,
    );
    return {
      bars: bars.map(({ startMicros, endMicros, ...bar }) => ({
        ...bar,
        start: iso(startMicros),
        end: iso(endMicros),
      })),
      prices: prices.map(({ symbol: name, micros, price, size }) => ({ symbol: name, time: iso(micros), price, size })),
    };
  });
}

/** The last starts first, from the key alone: all else is then read of few bars. */
function latestResults(generation: number): string {
  const table = `${quoteName(outputTable(OUTPUT, generation))} FINAL`;
  const starts = `SELECT interval, symbol, max(start) FROM ${table} WHERE ${WANTED} GROUP BY interval, symbol`;
  return `SELECT ${columnsOf({})}, 0 AS rank FROM ${table} WHERE (interval, symbol, start) IN (${starts})`;
}

/** The same of bars that sources published, which stand behind those of the topology. */
function latestPublished(interval: string | undefined): string {
  const view = interval === undefined ? 'published_bars' : publishedView(interval);
  const starts = `SELECT interval, symbol, last FROM published_series WHERE ${WANTED}`;
  const columns = columnsOf({ vwap: 'NULL' });
  return `SELECT ${columns}, 1 AS rank FROM ${view} WHERE ${WANTED} AND (interval, symbol, start) IN (${starts})`;
}

/** A latest bar's columns, of one type each wherever they come from. */
function columnsOf(instead: Readonly<Record<string, string>>): string {
  const casts: Readonly<Record<string, string>> = {
    count: 'toInt64(count)',
    revision: 'toInt64(revision)',
    ...instead,
  };
  const numbers = NUMBERS.map((name) => `${casts[name] ?? quoteName(name)} AS ${quoteName(name)}`);
  return ['toString(interval) AS interval', 'toString(symbol) AS symbol', 'start', 'end', ...numbers].join(', ');
}

function iso(micros: string): string {
  return formatIsoMicros(Number(micros));
}
