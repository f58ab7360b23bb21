import type { Cell, Row } from './tabSeparated.ts';

export const ROW_FORMATS = ['table', 'csv', 'json', 'ndjson'] as const;
export type RowFormat = (typeof ROW_FORMATS)[number];

export interface OutputColumn {
  readonly name: string;
  /** Its cells are numbers: to the right in a table, without quotes in JSON. */
  readonly isNumber: boolean;
}

/** A result as text, piece by piece: a caller that awaits its writes holds one piece at a time, however many rows there are. */
export interface TextResult {
  readonly pieces: AsyncIterable<string>;
  /** Why there is nothing and what to do, for standard error. */
  readonly hint: string | null;
}

const NULL_IN_TABLE = '-';
const CSV_QUOTED = /[",\r\n]/;

export function rowsAsText(
  columns: readonly OutputColumn[],
  blocks: AsyncIterable<readonly Row[]>,
  format: RowFormat,
): AsyncIterable<string> {
  switch (format) {
    case 'csv':
      return csv(columns, blocks);
    case 'table':
      return table(columns, blocks);
    case 'ndjson':
      return lines(blocks, jsonObjects(columns));
    case 'json':
      return jsonArray(joined(blocks, jsonObjects(columns)));
  }
}

/** One JSON array of pieces that are elements of it, with `,\n` between them. */
export async function* jsonArray(pieces: AsyncIterable<string>): AsyncIterable<string> {
  let before = '[\n';
  for await (const piece of pieces) {
    yield before + piece;
    before = ',\n';
  }
  yield before === '[\n' ? '[]\n' : '\n]\n';
}

async function* joined(blocks: AsyncIterable<readonly Row[]>, text: (row: Row) => string): AsyncIterable<string> {
  for await (const block of blocks) yield block.map(text).join(',\n');
}

/** RFC 4180 with a header line; quotes only where they are needed; a null is an empty cell. */
async function* csv(columns: readonly OutputColumn[], blocks: AsyncIterable<readonly Row[]>): AsyncIterable<string> {
  yield `${columns.map(({ name }) => csvCell(name)).join(',')}\n`;
  yield* lines(blocks, (row) => row.map(csvCell).join(','));
}

function csvCell(cell: Cell): string {
  if (cell === null) return '';
  return CSV_QUOTED.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}

/** What makes a JSON object of one line of a row. */
export function jsonObjects(columns: readonly OutputColumn[]): (row: Row) => string {
  const members = columns.map(({ name, isNumber }, i) => {
    return { head: `${i === 0 ? '{' : ','}${JSON.stringify(name)}:`, isNumber };
  });
  return (row) => {
    let text = '';
    // Once a cell of results that have millions of them.
    for (let i = 0; i < members.length; i++) {
      const { head, isNumber } = members[i] as (typeof members)[number];
      const cell = row[i] ?? null;
      text += head + (isNumber || cell === null ? cell : JSON.stringify(cell));
    }
    return `${text}}`;
  };
}

/** Column widths come from the first block: a table has no end that could be waited for. */
async function* table(columns: readonly OutputColumn[], blocks: AsyncIterable<readonly Row[]>): AsyncIterable<string> {
  let widths: readonly number[] | null = null;
  for await (const block of blocks) {
    let head = '';
    if (widths === null) {
      widths = widthsOf(columns, block);
      head = headOf(columns, widths);
    }
    const fixed = widths;
    yield head + block.map((row) => `${tableLine(columns, fixed, row)}\n`).join('');
  }
  if (widths === null) yield headOf(columns, widthsOf(columns, []));
}

function headOf(columns: readonly OutputColumn[], widths: readonly number[]): string {
  const names = columns.map(({ name }) => name);
  return `${tableLine(columns, widths, names)}\n`;
}

function widthsOf(columns: readonly OutputColumn[], block: readonly Row[]): readonly number[] {
  return columns.map(({ name }, i) =>
    block.reduce((width, row) => Math.max(width, (row[i] ?? NULL_IN_TABLE).length), name.length),
  );
}

function tableLine(columns: readonly OutputColumn[], widths: readonly number[], row: Row): string {
  const cells = columns.map(({ isNumber }, i) => {
    const cell = row[i] ?? NULL_IN_TABLE;
    return isNumber ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0);
  });
  return cells.join('  ').trimEnd();
}

async function* lines(blocks: AsyncIterable<readonly Row[]>, text: (row: Row) => string): AsyncIterable<string> {
  for await (const block of blocks) yield block.map((row) => `${text(row)}\n`).join('');
}
