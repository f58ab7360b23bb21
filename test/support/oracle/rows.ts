import { compare, parseDecimal } from './decimal.ts';
import { compareText } from './tumble.ts';

/** One row of a table as text, by column. */
export type Row = Readonly<Record<string, string>>;

/**
 * How two texts are the same value: `decimal` as exact numbers (12.50 is 12.5), `double` as the same double, `time` as the
 * same instant of UTC, `text` letter for letter.
 */
export type ColumnKind = 'decimal' | 'double' | 'time' | 'text';

export interface Comparison {
  readonly expected: readonly Row[];
  readonly actual: readonly Row[];
  /** The columns that name a row. */
  readonly key: readonly string[];
  /** The columns to compare. */
  readonly columns: Readonly<Record<string, ColumnKind>>;
}

/** The most differences that are put into words; the rest are counted. */
const SHOWN_DIFFERENCES = 10;

/** Differences in words, the first ten and how many more; empty when both sides hold the same rows. */
export function differences({ expected, actual, key, columns }: Comparison): string[] {
  const nameOf = (row: Row) => key.map((column) => comparable(row[column], columns[column] ?? 'text')).join(' ');
  const found: string[] = [];
  const remaining = new Map(expected.map((row) => [nameOf(row), row]));
  if (remaining.size !== expected.length) throw new Error('the expected rows have a key twice');
  const seen = new Set<string>();
  for (const row of actual) {
    const name = nameOf(row);
    const match = remaining.get(name);
    if (seen.has(name)) found.push(`${name}: comes twice`);
    else if (match === undefined) found.push(`${name}: is there but should not be`);
    else found.push(...cellDifferences(name, match, row, columns));
    seen.add(name);
    remaining.delete(name);
  }
  for (const name of remaining.keys()) found.push(`${name}: is missing`);
  if (found.length <= SHOWN_DIFFERENCES) return found;
  return [...found.slice(0, SHOWN_DIFFERENCES), `and ${found.length - SHOWN_DIFFERENCES} more`];
}

function cellDifferences(name: string, expected: Row, actual: Row, columns: Comparison['columns']): string[] {
  const found: string[] = [];
  for (const [column, kind] of Object.entries(columns)) {
    const wanted = expected[column];
    const got = actual[column];
    if (wanted === undefined) throw new Error(`the expected rows have no column ${column}`);
    if (got === undefined) found.push(`${name}: has no column ${column}`);
    else if (!sameValue(wanted, got, kind)) found.push(`${name}: ${column} is ${got}, should be ${wanted}`);
  }
  return found;
}

function sameValue(wanted: string, got: string, kind: ColumnKind): boolean {
  if (kind === 'decimal') return isPlainNumber(got) && compare(parseDecimal(wanted), parseDecimal(got)) === 0;
  if (kind === 'double') return isPlainNumber(got) && Object.is(Number(wanted), Number(got));
  return comparable(wanted, kind) === comparable(got, kind);
}

function isPlainNumber(text: string): boolean {
  return /^-?\d+(\.\d+)?$/.test(text);
}

function comparable(text: string | undefined, kind: ColumnKind): string {
  if (text === undefined || kind !== 'time') return text ?? '(nothing)';
  const iso = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/.test(text);
  return iso ? new Date(text).toISOString() : `not ISO 8601 UTC: ${text}`;
}

/** Rows that stand before one that should come first, in words: rows are ordered by the text of `columns`. */
export function disorder(rows: readonly Row[], columns: readonly string[]): string[] {
  const found: string[] = [];
  rows.forEach((row, index) => {
    const before = rows[index - 1];
    if (before === undefined) return;
    const order = columns
      .map((column) => compareText(before[column] ?? '', row[column] ?? ''))
      .find((sign) => sign !== 0);
    if (order === 1) found.push(`row ${index}: ${columns.map((column) => row[column]).join(' ')} comes too late`);
  });
  return found.slice(0, SHOWN_DIFFERENCES);
}

/** Rows of `--format csv`: a header line, then values that hold no comma or quote of their own (a quoted value is bared). */
export function parseCsv(text: string): Row[] {
  const [header = '', ...lines] = text.split('\n').filter((line) => line !== '');
  const names = splitCsv(header);
  return lines.map((line) => {
    const values = splitCsv(line);
    if (values.length !== names.length)
      throw new SyntaxError(`${values.length} values under ${names.length} names: ${line}`);
    return Object.fromEntries(names.map((name, index) => [name, values[index] ?? '']));
  });
}

function splitCsv(line: string): string[] {
  return line.split(',').map((value) => value.replace(/^"([^"]*)"$/, '$1'));
}

/** Rows of `--format ndjson`. A number beyond what JSON.parse keeps exactly must come as a string. */
export function parseNdjson(text: string): Row[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const record: unknown = JSON.parse(line);
      if (typeof record !== 'object' || record === null) throw new SyntaxError(`not an object: ${line}`);
      return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, String(value)]));
    });
}
