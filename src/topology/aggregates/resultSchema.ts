import type { FieldSchema } from '../../core/schema.ts';

/** The Avro form of a field: the inverse of reading a schema into fields. */
export function avroFieldOf(field: FieldSchema): { name: string; type: unknown } {
  const type = avroTypeOf(field);
  return { name: field.name, type: field.nullable ? ['null', type] : type };
}

function avroTypeOf({ name, kind, logical, symbols, precision, scale }: FieldSchema): unknown {
  if (kind === 'decimal') return { type: 'bytes', logicalType: 'decimal', precision, scale };
  if (kind === 'enum') return { type: 'enum', name: `${name}_values`, symbols };
  return logical === undefined ? kind : { type: kind, logicalType: logical };
}
