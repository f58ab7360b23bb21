/** A cell's text, or null. */
export type Cell = string | null;
export type Row = readonly Cell[];

const ESCAPES: Readonly<Record<string, string>> = { b: '\b', f: '\f', r: '\r', n: '\n', t: '\t', '0': '\0' };

/**
 * Rows of ClickHouse's TabSeparated (https://clickhouse.com/docs/interfaces/formats/TabSeparated), a block of rows at a
 * time; a block is as large as the part of the stream that it came in.
 */
export async function* readTabSeparated(stream: AsyncIterable<Uint8Array>): AsyncIterable<Row[]> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const part of stream) {
    const lines = (rest + decoder.decode(part, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    if (lines.length > 0) yield lines.map(cellsOf);
  }
}

function cellsOf(line: string): Row {
  const cells: Cell[] = line.split('\t');
  if (!line.includes('\\')) return cells;
  return cells.map((cell) => (cell === '\\N' || cell === null ? null : textOf(cell)));
}

function textOf(cell: string): string {
  return cell.replaceAll(/\\(.)/gs, (_, letter: string) => ESCAPES[letter] ?? letter);
}
