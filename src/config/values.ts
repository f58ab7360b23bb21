import { type TSchema, Type } from 'typebox';

/** What a value's schema says besides its type. */
export interface ValueNotes {
  readonly description: string;
  /** `ms`, `bytes`, `records`, `rows`, `MB`; absent for text and plain counts. */
  readonly unit?: string;
  /** Its value is never shown. */
  readonly secret?: true;
}

export function integer(defaultValue: number, bounds: { minimum: number; maximum: number }, notes: ValueNotes) {
  return Type.Integer({ default: defaultValue, ...bounds, ...notes });
}

export function text(
  defaultValue: string,
  notes: ValueNotes & { readonly minLength?: number; readonly pattern?: string },
) {
  return Type.String({ default: defaultValue, ...notes });
}

/** One of some texts; the first is the default. */
export function choice<const Values extends readonly string[]>(values: Values, notes: ValueNotes) {
  return Type.Unsafe<Values[number]>({ type: 'string', enum: values, default: values[0], ...notes });
}

export function section<T extends Record<string, TSchema>>(description: string, values: T) {
  return Type.Object(values, { description, additionalProperties: false });
}

export const KIB = 1024;
export const MIB = 1024 * KIB;
export const GIB = 1024 * MIB;
export const SECOND_MS = 1_000;
export const HOUR_MS = 3_600_000;
export const YEAR_MS = 365 * 24 * HOUR_MS;
