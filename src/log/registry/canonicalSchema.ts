import avsc from 'avsc';
import { TidemarkError } from '../../errors.ts';

/** Attributes of schemas and fields in the order in which Java's `Schema.toString` writes them. */
const ATTRIBUTE_ORDER = ['type', 'name', 'namespace', 'doc', 'fields', 'symbols', 'size', 'items', 'values', 'default'];
const FIELD_ATTRIBUTE_ORDER = ['name', 'type', 'doc', 'default', 'order'];

/**
 * The text by which a schema is known. As Confluent's registry does, only what means nothing is normalised: white space,
 * the order of attributes, and `{"type": "long"}` for `"long"`. Documentation, defaults, aliases and logical types are
 * kept, so schemas that differ in one of them are two.
 * @throws TM_SCHEMA_INVALID
 */
export function canonicalSchema(schemaText: string): string {
  let schema: unknown;
  try {
    schema = JSON.parse(schemaText);
  } catch (cause) {
    throw invalid('it is not JSON', cause);
  }
  parseAvroSchema(schemaText);
  return JSON.stringify(normalized(schema));
}

/** @throws TM_SCHEMA_INVALID */
export function parseAvroSchema(schemaText: string): avsc.Type {
  try {
    return avsc.Type.forSchema(JSON.parse(schemaText));
  } catch (cause) {
    throw invalid(cause instanceof Error ? cause.message : String(cause), cause);
  }
}

function normalized(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(normalized);
  if (!isAttributes(schema)) return schema;
  if (Object.keys(schema).length === 1 && 'type' in schema) return normalized(schema.type);
  const result = ordered(schema, ATTRIBUTE_ORDER);
  for (const part of ['type', 'items', 'values']) {
    if (part in result) result[part] = normalized(result[part]);
  }
  if (Array.isArray(result.fields)) {
    result.fields = result.fields.filter(isAttributes).map((field) => {
      const normal = ordered(field, FIELD_ATTRIBUTE_ORDER);
      return { ...normal, type: normalized(normal.type) };
    });
  }
  return result;
}

function isAttributes(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The attributes that `order` names, in its order; then the others in their own. */
function ordered(attributes: Record<string, unknown>, order: readonly string[]): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const name of order) {
    if (name in attributes) result[name] = attributes[name];
  }
  return Object.assign(result, attributes);
}

function invalid(what: string, cause: unknown): TidemarkError {
  return new TidemarkError('TM_SCHEMA_INVALID', `The schema is not valid Avro: ${what}.`, { cause });
}
