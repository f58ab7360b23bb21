import { TidemarkError } from '../../errors.ts';
import { parseAvroSchema } from './canonicalSchema.ts';

/**
 * What a new version of a subject must be able to do, by Confluent's names of the levels
 * (https://docs.confluent.io/platform/current/schema-registry/fundamentals/schema-evolution.html).
 */
const LEVELS = {
  NONE: { readsEarlier: false, isReadByEarlier: false, all: false },
  BACKWARD: { readsEarlier: true, isReadByEarlier: false, all: false },
  BACKWARD_TRANSITIVE: { readsEarlier: true, isReadByEarlier: false, all: true },
  FORWARD: { readsEarlier: false, isReadByEarlier: true, all: false },
  FORWARD_TRANSITIVE: { readsEarlier: false, isReadByEarlier: true, all: true },
  FULL: { readsEarlier: true, isReadByEarlier: true, all: false },
  FULL_TRANSITIVE: { readsEarlier: true, isReadByEarlier: true, all: true },
} as const;

export type CompatibilityLevel = keyof typeof LEVELS;

export const DEFAULT_LEVEL: CompatibilityLevel = 'BACKWARD';

export function isCompatibilityLevel(text: string): text is CompatibilityLevel {
  return Object.hasOwn(LEVELS, text);
}

/**
 * Why `schemaText` may not follow the earlier versions (oldest first) at a level; empty when it may. Resolution is the
 * Avro specification's, as avsc does it.
 * @throws TM_SCHEMA_INVALID
 */
export function incompatibilities(schemaText: string, earlier: readonly string[], level: CompatibilityLevel): string[] {
  const { readsEarlier, isReadByEarlier, all } = LEVELS[level];
  const reasons: string[] = [];
  for (const earlierText of all ? earlier : earlier.slice(-1)) {
    const forward = readsEarlier ? unreadable(schemaText, earlierText) : null;
    if (forward !== null) reasons.push(`it cannot read what an earlier version wrote: ${forward}`);
    const backward = isReadByEarlier ? unreadable(earlierText, schemaText) : null;
    if (backward !== null) reasons.push(`an earlier version cannot read what it writes: ${backward}`);
  }
  return reasons;
}

/** Why the reader's schema cannot read what the writer's wrote, or null. */
function unreadable(readerText: string, writerText: string): string | null {
  const reader = parseAvroSchema(readerText);
  const writer = parseAvroSchema(writerText);
  try {
    reader.createResolver(writer);
    return null;
  } catch (error) {
    if (error instanceof Error) return error.message;
    throw error;
  }
}

export function incompatibleError(subject: string, reasons: readonly string[]): TidemarkError {
  return new TidemarkError(
    'TM_SCHEMA_INCOMPATIBLE',
    `The schema does not fit the subject's earlier versions: ${reasons.join('; ')}.`,
    {
      where: subject,
      hint: 'Give each new field a default, and change no type; or use another topic.',
    },
  );
}
