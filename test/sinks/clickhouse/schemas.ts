import { readFileSync } from 'node:fs';
import { parseRecordSchema } from '../../../src/core/avro/parseSchema.ts';
import type { Columns } from '../../../src/core/columns.ts';
import { ColumnsBuilder } from '../../../src/core/columnsBuilder.ts';
import type { RecordSchema } from '../../../src/core/schema.ts';

export function avroSchema(name: string): RecordSchema {
  return parseRecordSchema(readFileSync(new URL(`../../../schemas/avro/${name}.avsc`, import.meta.url), 'utf8'));
}

export type Value = string | number | boolean | bigint | null;

/** Columns of rows given as objects; a field that a row lacks is null. A bigint is a decimal's unscaled value. */
export function columnsOf(schema: RecordSchema, rows: readonly Readonly<Record<string, Value>>[]): Columns {
  const builder = new ColumnsBuilder(schema);
  for (const row of rows) {
    schema.fields.forEach(({ name, kind, symbols }, index) => {
      const value = row[name] ?? null;
      if (value === null) builder.setNull(index);
      else if (typeof value === 'bigint') builder.setDecimal(index, value);
      else if (typeof value === 'boolean') builder.setBoolean(index, value);
      else if (kind === 'enum') builder.setCode(index, symbols?.indexOf(String(value)) ?? -1);
      else if (typeof value === 'number') builder.setNumber(index, value);
      else builder.setText(index, value);
    });
    builder.endRow();
  }
  return builder.finish();
}
