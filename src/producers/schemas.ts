import { parseRecordSchema } from '../core/avro/parseSchema.ts';
import { deadLetterSchema, quoteSchema, sourceBarSchema, tickSchema } from '../schemas.generated.ts';

/** The records that producers write. */
export const TICK = parseRecordSchema(tickSchema);
export const QUOTE = parseRecordSchema(quoteSchema);
export const SOURCE_BAR = parseRecordSchema(sourceBarSchema);
export const DEAD_LETTER = parseRecordSchema(deadLetterSchema);
