import { TidemarkError } from '../errors.ts';
import { instantMicros } from '../query/instant.ts';

/**
 * Epoch microseconds of an instant as `instantMicros` takes it.
 * @param flag where it was given, for the error
 * @throws TM_USAGE
 */
export function parseInstant(text: string, flag: string): number {
  const micros = instantMicros(text);
  if (micros !== null) return micros;
  throw new TidemarkError('TM_USAGE', `${JSON.stringify(text)} is not an instant`, {
    where: flag,
    hint: 'write ISO 8601, such as 2024-08-08T13:30:00Z, or epoch seconds, milliseconds or microseconds',
  });
}
