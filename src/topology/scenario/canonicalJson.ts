/**
 * A value in one text, whatever its layout was: members sorted by name (UTF-16 code units), no white space, numbers and texts
 * as JSON.stringify writes them. The form of RFC 8785. -0 is 0.
 *
 * @example canonicalJson({ b: 1.0, a: [null, 'x'] }) // '{"a":[null,"x"],"b":1}'
 */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (!isObject(value)) return JSON.stringify(value);
  const members = Object.keys(value).sort();
  return `{${members.map((name) => `${JSON.stringify(name)}:${canonicalJson(value[name])}`).join(',')}}`;
}

/** True for a JSON object: neither a list nor null. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
