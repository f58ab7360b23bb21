import { TextDecoder } from 'node:util';
import type { Columns } from '../../core/columns.ts';
import { ColumnsBuilder } from '../../core/columnsBuilder.ts';
import type { RecordSchema } from '../../core/schema.ts';
import { splitCells } from '../csv/cells.ts';
import { assignLayout, headerColumns, LAYOUT_SCHEMAS } from '../csv/csvFile.ts';
import type { Layout } from '../csv/layout.ts';
import { RowMapper } from '../csv/rowMapper.ts';
import type { PlacedLetter } from './letters.ts';

/** Reads the rows of CSV files again, by layouts that were corrected since or by a version that reads more. */
export class CsvRows {
  readonly #layouts: readonly Layout[];
  /** By layout, file name and header: letters of one file have the same. */
  readonly #mappers = new Map<string, RowMapper>();

  constructor(layouts: readonly Layout[]) {
    this.#layouts = layouts;
  }

  /**
   * The row of a letter as a record of the schema, or why it is none.
   * @throws TM_LAYOUT where no layout is for the file and the schema, or one does not go with the file's columns
   */
  read({ source, payload, header }: PlacedLetter, schema: RecordSchema): Columns | string {
    const text = new TextDecoder('utf-8').decode(payload);
    const cells = splitCells(text);
    if ('broken' in cells) return cells.broken;
    const mapper = this.#mapper(source, header, schema);
    if (typeof mapper === 'string') return mapper;
    const builder = new ColumnsBuilder(schema, 1);
    const isRow = cells.length === mapper.columnCount;
    const fault = mapper.write(cells, isRow ? mapper.eventTimeMicros(cells) : Number.NaN, builder);
    return fault === null ? builder.finish() : fault.detail;
  }

  #mapper(source: string, header: string | null, schema: RecordSchema): RowMapper | string {
    const key = JSON.stringify([schema.name, source, header]);
    const known = this.#mappers.get(key);
    if (known !== undefined) return known;
    const layouts = this.#layouts.filter((layout) => LAYOUT_SCHEMAS[layout.schema].name === schema.name);
    if (layouts.length === 0) return `none of the layouts makes ${schema.name} records`;
    const { layout, groups } = assignLayout(source, layouts);
    const columns = layout.columns ?? (header === null ? null : headerColumns(header, source));
    if (columns === null) {
      return `the letter does not have the line that names the columns of ${source}: name them in the layout (columns: […])`;
    }
    const names = new Map(columns.map((name, index) => [name, index]));
    const mapper = new RowMapper(layout, schema, { columns: names, groups, where: layout.where });
    this.#mappers.set(key, mapper);
    return mapper;
  }
}
