import { Type } from 'typebox';
import { TidemarkError } from '../errors.ts';

const MAX_CURSOR_LENGTH = 1_024;

export const cursorParameter = Type.String({
  minLength: 1,
  maxLength: MAX_CURSOR_LENGTH,
  description: 'From the `link` header of the page before.',
});

/** For the schema of an answer that may be a page. */
export const linkHeader = Type.String({ description: 'Of a page: `<…>; rel="next"` when another one follows.' });

/** A place in an order of rows, by the values that the order goes by. */
export function cursorOf(place: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(place)).toString('base64url');
}

/** The `link` header (RFC 8288) of a page after which another one comes. */
export function linkToNext(url: string, cursor: string): string {
  const next = new URL(url, 'http://localhost');
  next.searchParams.set('cursor', cursor);
  return `<${next.pathname}${next.search}>; rel="next"`;
}

/**
 * The place that a cursor names.
 * @param parse null when the values are not those of a place
 * @throws TM_API_REQUEST
 */
export function placeOf<Place>(cursor: string, parse: (values: readonly unknown[]) => Place | null): Place {
  const values = jsonOf(Buffer.from(cursor, 'base64url').toString('utf8'));
  const place = Array.isArray(values) ? parse(values) : null;
  if (place !== null) return place;
  throw new TidemarkError('TM_API_REQUEST', 'this is not a cursor', {
    where: 'cursor',
    hint: 'Take it from the `link` header of the page before.',
  });
}

export function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
