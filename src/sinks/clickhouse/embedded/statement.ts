/** The little that the embedded server has to know of a statement's text: its format, and where an insert's data goes. */

const FORMAT_CLAUSE = /\bFORMAT\s+([A-Za-z0-9_]+)\s*;?\s*$/i;
const INSERT_WITH_DATA = /^\s*INSERT\s+INTO\s/i;
const SETTINGS_CLAUSE = /\sSETTINGS\s+[A-Za-z0-9_]+\s*=[\s\S]*$/i;

/** The format that a statement ends with, or null when it names none. */
export function formatOf(statement: string): string | null {
  return FORMAT_CLAUSE.exec(statement)?.[1] ?? null;
}

export function isInsert(statement: string): boolean {
  return INSERT_WITH_DATA.test(statement);
}

/**
 * `INSERT INTO t (…) SETTINGS … FORMAT F` whose data is in a file. The engine takes data inline as text only: a binary
 * body is cut at its first line end.
 */
export function insertFromFile(statement: string, fileLiteral: string): string {
  const clause = FORMAT_CLAUSE.exec(statement);
  if (clause === null) throw new RangeError('an insert with a body must end with FORMAT');
  const target = statement.slice(0, clause.index);
  const settings = SETTINGS_CLAUSE.exec(target);
  const head = settings === null ? target : target.slice(0, settings.index);
  const parts = [head, `FROM INFILE ${fileLiteral}`, settings?.[0] ?? '', `FORMAT ${clause[1]}`];
  return parts
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .join(' ');
}

/**
 * Formats whose text is the same however it is cut into blocks of rows, with the lines of header that the engine repeats
 * at the head of each block. All other formats (JSON, Parquet, Pretty…) are documents and come as a whole.
 */
const HEADER_LINES: ReadonlyMap<string, number> = new Map([
  ['CSV', 0],
  ['CSVWithNames', 1],
  ['CSVWithNamesAndTypes', 2],
  ['JSONEachRow', 0],
  ['JSONStringsEachRow', 0],
  ['JSONCompactEachRow', 0],
  ['JSONCompactEachRowWithNames', 1],
  ['JSONCompactEachRowWithNamesAndTypes', 2],
  ['JSONCompactStringsEachRow', 0],
  ['JSONCompactStringsEachRowWithNames', 1],
  ['JSONCompactStringsEachRowWithNamesAndTypes', 2],
  ['TSV', 0],
  ['TSVWithNames', 1],
  ['TSVWithNamesAndTypes', 2],
  ['TabSeparated', 0],
  ['TabSeparatedWithNames', 1],
  ['TabSeparatedWithNamesAndTypes', 2],
]);

/** Header lines a block of a format that can be streamed, or null for a format that comes as a whole. */
export function headerLinesOf(format: string): number | null {
  return HEADER_LINES.get(format) ?? null;
}

const NEWLINE = 0x0a;
const QUOTE = 0x22;

/** Length of the first `lines` lines. Only CSV may hold a line end within quotes. */
export function headerLength(block: Uint8Array, lines: number, quoted: boolean): number {
  let at = 0;
  let inQuotes = false;
  for (let left = lines; left > 0 && at < block.length; at++) {
    if (quoted && block[at] === QUOTE) inQuotes = !inQuotes;
    else if (block[at] === NEWLINE && !inQuotes) left--;
  }
  return at;
}
