import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { basename } from 'node:path';
import type { ColumnsBuilder } from '../../core/columnsBuilder.ts';
import type { RecordSchema } from '../../core/schema.ts';
import { fileError } from '../fileBytes.ts';
import type { RowFault } from '../rowFault.ts';
import { QUOTE, SOURCE_BAR, TICK } from '../schemas.ts';
import { splitCells } from './cells.ts';
import { type Layout, layoutError } from './layout.ts';
import { checkContent, MAX_LINE_CHARACTERS, readLines } from './lines.ts';
import { RowMapper } from './rowMapper.ts';

/** What the rows of a layout become. */
export const LAYOUT_SCHEMAS: Readonly<Record<Layout['schema'], RecordSchema>> = {
  tick: TICK,
  quote: QUOTE,
  source_bar: SOURCE_BAR,
};

/** A file and the layout that it is read by. */
export interface CsvFile {
  readonly path: string;
  readonly name: string;
  readonly layout: Layout;
  readonly schema: RecordSchema;
  /** What the groups of the layout's file pattern matched. */
  readonly groups: ReadonlyMap<string, string>;
}

/** Gives a file the first layout whose pattern its name matches; one without a pattern takes any. @throws TM_LAYOUT */
export function assignLayout(path: string, layouts: readonly Layout[]): CsvFile {
  const name = basename(path);
  for (const layout of layouts) {
    const match = layout.file?.exec(name);
    if (match === null) continue;
    const groups = Object.entries(match?.groups ?? {}).filter(([, text]) => text !== undefined);
    return { path, name, layout, schema: LAYOUT_SCHEMAS[layout.schema], groups: new Map(groups) };
  }
  const patterns = layouts.map((layout) => `${layout.name}: ${layout.file?.source}`).join('; ');
  throw layoutError('no layout is for this file', path, `its name must match the pattern of one (${patterns})`);
}

/**
 * A name for the records that the file gives: a hash of its bytes as they are stored, of what the layout does with them and
 * of what the file's name adds. A renamed file is the same; a corrected layout makes another, whose rows are produced anew.
 * @throws TM_PRODUCE_FILE, also for gzip data that are damaged anywhere
 */
export async function csvFileId({ path, layout, groups }: CsvFile): Promise<string> {
  await checkContent(path);
  const content = createHash('sha256');
  try {
    for await (const bytes of createReadStream(path)) content.update(bytes);
  } catch (cause) {
    throw fileError(path, cause);
  }
  const { schema, columns, fields } = layout;
  const meaning = JSON.stringify([content.digest('hex'), schema, columns, [...fields], [...groups]]);
  return createHash('sha256').update(meaning).digest('hex').slice(0, 32);
}

/**
 * Reads a file row by row. Between calls it stands at one row, its head; rows count from 0 without the header and without
 * empty lines, lines from 1.
 */
export class CsvCursor {
  readonly file: CsvFile;
  /** The line that names the columns; null where the layout does. */
  readonly header: string | null;
  /** Rows before the head. */
  row = 0;
  /** Event time of the head in epoch microseconds; NaN when the row is not sound. */
  eventTimeMicros = Number.NaN;
  /** Past the last row. */
  isDone = false;
  readonly #blocks: AsyncIterator<readonly string[]>;
  readonly #mapper: RowMapper;
  #block: readonly string[] = [];
  #next = 0;
  /** Lines before the block. */
  #linesBefore = 0;
  #cells: readonly string[] | { readonly broken: string } = [];

  private constructor(file: CsvFile, blocks: AsyncIterator<readonly string[]>, mapper: RowMapper, header: Header) {
    this.file = file;
    this.#blocks = blocks;
    this.#mapper = mapper;
    this.header = header.text;
    this.#block = header.block;
    this.#next = header.next;
  }

  /** Opens a file before its first row. @throws TM_PRODUCE_FILE, TM_LAYOUT */
  static async open(file: CsvFile): Promise<CsvCursor> {
    const blocks = readLines(file.path);
    const { layout, schema, groups, path } = file;
    const header = layout.columns === null ? await readHeader(file, blocks) : noHeader(layout.columns);
    const columns = new Map(header.columns.map((name, index) => [name, index]));
    const mapper = new RowMapper(layout, schema, { columns, groups, where: path });
    return new CsvCursor(file, blocks, mapper, header);
  }

  /** The head's line, from 1. */
  get line(): number {
    return this.#linesBefore + this.#next;
  }

  /** The head as it is in the file. */
  get text(): string {
    return this.#block[this.#next - 1] ?? '';
  }

  /** Moves to the first row, past `row` of them. False when there is none. */
  async start(row: number): Promise<boolean> {
    for (let skipped = 0; skipped <= row; skipped++) {
      if (!this.#toLine() && !(await this.nextBlock())) {
        this.row = skipped;
        return false;
      }
    }
    this.row = row;
    this.#readHead();
    return true;
  }

  /** Moves to the next row. False at the end of what is in memory: then `nextBlock` goes on, or tells the end. */
  advance(): boolean {
    this.row++;
    if (!this.#toLine()) return false;
    this.#readHead();
    return true;
  }

  /** After `advance` gave false. False at the end of the file. @throws TM_PRODUCE_FILE */
  async nextBlock(): Promise<boolean> {
    do {
      const { done, value } = await this.#blocks.next();
      this.#linesBefore += this.#block.length;
      this.#next = 0;
      this.#block = done === true ? [] : value;
      if (done === true) {
        this.isDone = true;
        return false;
      }
    } while (!this.#toLine());
    this.#readHead();
    return true;
  }

  /** Adds the head to the builder, or nothing and the reason. */
  writeTo(builder: ColumnsBuilder): RowFault | null {
    if (this.text.length > MAX_LINE_CHARACTERS) {
      return { reason: 'columns', detail: `a line of more than ${MAX_LINE_CHARACTERS} characters` };
    }
    if ('broken' in this.#cells) return { reason: 'columns', detail: this.#cells.broken };
    return this.#mapper.write(this.#cells, this.eventTimeMicros, builder);
  }

  async close(): Promise<void> {
    await this.#blocks.return?.();
  }

  /** Past the next line that is not empty, inside the block. */
  #toLine(): boolean {
    while (this.#next < this.#block.length) {
      if (this.#block[this.#next++] !== '') return true;
    }
    return false;
  }

  #readHead(): void {
    const cells = splitCells(this.text);
    const isRow = !('broken' in cells) && cells.length === this.#mapper.columnCount;
    this.eventTimeMicros = isRow ? this.#mapper.eventTimeMicros(cells) : Number.NaN;
    this.#cells = cells;
  }
}

interface Header {
  readonly text: string | null;
  readonly columns: readonly string[];
  /** What was read for it, and the index of the line after it. */
  readonly block: readonly string[];
  readonly next: number;
}

function noHeader(columns: readonly string[]): Header {
  return { text: null, columns, block: [], next: 0 };
}

async function readHeader(file: CsvFile, blocks: AsyncIterator<readonly string[]>): Promise<Header> {
  const { done, value: block } = await blocks.next();
  if (done === true) return noHeader([]);
  const [text = ''] = block;
  return { text, columns: headerColumns(text, file.path), block, next: 1 };
}

/** The columns that a file's first line names. @throws TM_LAYOUT */
export function headerColumns(text: string, where: string): readonly string[] {
  const cells = splitCells(text);
  if ('broken' in cells)
    throw layoutError(`the header line is broken: ${cells.broken}`, where, 'correct the first line');
  const twice = cells.find((name, index) => cells.indexOf(name) < index);
  if (twice === undefined) return cells;
  throw layoutError(`two columns are called '${twice}'`, where, 'give each column a name of its own in the first line');
}
