import { parseRecordSchema } from '../core/avro/parseSchema.ts';
import type { RecordSchema } from '../core/schema.ts';
import {
  deadLetterMarkSchema,
  deadLetterSchema,
  ingestRequestSchema,
  quoteSchema,
  sourceBarSchema,
  tickSchema,
} from '../schemas.generated.ts';

/** The records that producers write. */
export const TICK = parseRecordSchema(tickSchema);
export const QUOTE = parseRecordSchema(quoteSchema);
export const SOURCE_BAR = parseRecordSchema(sourceBarSchema);
export const DEAD_LETTER = parseRecordSchema(deadLetterSchema);
export const DEAD_LETTER_MARK = parseRecordSchema(deadLetterMarkSchema);
export const INGEST_REQUEST = parseRecordSchema(ingestRequestSchema);

/** Defaults of the schema's own text: `RecordSchema` keeps what columns need, and a default is for writers. */
export function fieldDefaults(schema: RecordSchema): ReadonlyMap<string, unknown> {
  const { fields } = JSON.parse(schema.text) as { fields: readonly { name: string; default?: unknown }[] };
  return new Map(
    fields.flatMap(({ name, default: value }) =>
      value === undefined || value === null ? [] : [[name, value] as const],
    ),
  );
}
