import type { RowFormat } from '../query/rowText.ts';

export type BodyFormat = Exclude<RowFormat, 'table'>;

export const CONTENT_TYPES: Readonly<Record<BodyFormat, string>> = {
  json: 'application/json; charset=utf-8',
  csv: 'text/csv; charset=utf-8; header=present',
  ndjson: 'application/x-ndjson; charset=utf-8',
};
const FORMATS_BY_TYPE: ReadonlyMap<string, BodyFormat> = new Map([
  ['application/json', 'json'],
  ['application/*', 'json'],
  ['*/*', 'json'],
  ['text/csv', 'csv'],
  ['text/*', 'csv'],
  ['application/x-ndjson', 'ndjson'],
  ['application/ndjson', 'ndjson'],
]);

/** The format that an Accept header likes best; JSON when it likes none, as RFC 9110 (12.5.1) allows. */
export function acceptedFormat(accept: string | undefined): BodyFormat {
  let best: BodyFormat = 'json';
  let bestWeight = 0;
  for (const range of (accept ?? '').split(',')) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
    const format = FORMATS_BY_TYPE.get(type);
    const quality = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2) ?? '1';
    const weight = Number(quality);
    if (format !== undefined && weight > bestWeight) {
      best = format;
      bestWeight = weight;
    }
  }
  return best;
}
