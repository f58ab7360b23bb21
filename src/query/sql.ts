import type { ClickHouse } from '../sinks/clickhouse/connect.ts';
import { plainDecimal } from './plainDecimal.ts';
import { jsonArray, type OutputColumn, type RowFormat, rowsAsText, type TextResult } from './rowText.ts';
import { sqlError } from './sqlError.ts';
import { type Cell, type Row, readTabSeparated } from './tabSeparated.ts';

/** 2 refuses whatever writes, and lets a statement change the settings of its own reading. */
const READING: Readonly<Record<string, string>> = {
  readonly: '2',
  date_time_output_format: 'iso',
  output_format_json_quote_64bit_integers: '0',
  output_format_json_quote_decimals: '0',
};
const NUMBER_TYPE = /^(Nullable\(|LowCardinality\()*(U?Int|Float|BFloat|Decimal)/;

export interface SqlQuery {
  readonly clickhouse: ClickHouse;
  /** One statement, without a FORMAT clause. */
  readonly sql: string;
  readonly format: RowFormat;
}

/**
 * Runs a user's statement, which may read only.
 *
 * @throws TM_SQL when ClickHouse refuses it, from the pieces; TM_CLICKHOUSE_UNREACHABLE
 */
export function querySql({ clickhouse, sql, format }: SqlQuery): TextResult {
  return { pieces: withSqlErrors(piecesOf(clickhouse, statementOf(sql), format)), hint: null };
}

function statementOf(sql: string): string {
  return sql.trimEnd().replace(/;+$/, '');
}

async function* piecesOf(clickhouse: ClickHouse, sql: string, format: RowFormat): AsyncIterable<string> {
  if (format === 'json' || format === 'ndjson') {
    const lines = wholeLines(clickhouse.stream(`${sql}\nFORMAT JSONEachRow`, { settings: READING }));
    yield* format === 'json' ? jsonArray(elementsOf(lines)) : lines;
    return;
  }
  const blocks = readTabSeparated(
    clickhouse.stream(`${sql}\nFORMAT TabSeparatedWithNamesAndTypes`, { settings: READING }),
  );
  const iterator = blocks[Symbol.asyncIterator]();
  const head = await headOf(iterator);
  yield* rowsAsText(head.columns, restOf(head, iterator), format);
}

interface Head {
  readonly columns: readonly OutputColumn[];
  readonly rows: readonly Row[];
}

/** The lines of names and types, and the rows that came with them. */
async function headOf(iterator: AsyncIterator<Row[]>): Promise<Head> {
  const lines: Row[] = [];
  while (lines.length < 2) {
    const next = await iterator.next();
    if (next.done === true) return { columns: [], rows: [] };
    lines.push(...next.value);
  }
  const [names = [], types = [], ...rows] = lines;
  const columns = names.map((name, i) => ({ name: name ?? '', isNumber: NUMBER_TYPE.test(types[i] ?? '') }));
  return { columns, rows };
}

async function* restOf(head: Head, iterator: AsyncIterator<Row[]>): AsyncIterable<readonly Row[]> {
  const plain = (row: Row): Row => row.map((cell, i) => (head.columns[i]?.isNumber ? plainNumber(cell) : cell));
  try {
    if (head.rows.length > 0) yield head.rows.map(plain);
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next())
      yield next.value.map(plain);
  } finally {
    await iterator.return?.();
  }
}

function plainNumber(cell: Cell): Cell {
  return cell === null ? null : plainDecimal(cell);
}

/** The text cut at line ends, whatever the parts of the stream are. */
async function* wholeLines(stream: AsyncIterable<Uint8Array>): AsyncIterable<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const part of stream) {
    const text = rest + decoder.decode(part, { stream: true });
    const end = text.lastIndexOf('\n') + 1;
    rest = text.slice(end);
    if (end > 0) yield text.slice(0, end);
  }
}

/** Lines of JSON as elements of an array. */
async function* elementsOf(pieces: AsyncIterable<string>): AsyncIterable<string> {
  for await (const piece of pieces) yield piece.trimEnd().replaceAll('\n', ',\n');
}

/** ClickHouse's refusals become TM_SQL. */
export async function* withSqlErrors<Piece>(pieces: AsyncIterable<Piece>): AsyncIterable<Piece> {
  try {
    yield* pieces;
  } catch (error) {
    throw sqlError(error);
  }
}
