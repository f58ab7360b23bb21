import { splitCells } from '../csv/cells.ts';
import { isObject, notOfFormat } from '../market/refusals.ts';
import type { RowFault } from '../rowFault.ts';

/** A row of an answer: its texts by field, whatever the endpoint and the format. */
export interface AnswerRow {
  readonly fields: ReadonlyMap<string, string>;
  readonly payload: string;
}

/** What JSON and CSV answers have in common. */
export interface Answer {
  /** Of JSON answers: what they say of themselves. */
  readonly meta: ReadonlyMap<string, string>;
  readonly rows: readonly (AnswerRow | (RowFault & { readonly payload: string }))[];
}

/** The field under which a row's label is, `timestamp` in most CSV answers. */
export const LABEL = 'timestamp';

/**
 * One name for what endpoints and formats call differently: `1. open`, `1a. open (CNY)` and `open` are `open`, `06. volume` is
 * `volume`, `adjusted_close` is `adjusted close`.
 */
function fieldName(name: string): string {
  return name
    .replace(/^\d+[a-z]?\.\s*/, '')
    .replace(/\s*\([A-Z]+\)$/, '')
    .replaceAll('_', ' ')
    .toLowerCase();
}

/** Texts by field; of two of a name, such as prices in two currencies, the first. */
export function textFields(values: Readonly<Record<string, unknown>>): Map<string, string> {
  const fields = new Map<string, string>();
  for (const [name, value] of Object.entries(values)) {
    const field = fieldName(name);
    if (!fields.has(field)) fields.set(field, typeof value === 'string' ? value : JSON.stringify(value));
  }
  return fields;
}

/** The rows of a time series in JSON: the one object beside `Meta Data`. @throws TM_SOURCE_RESPONSE */
export function jsonSeries(answer: Readonly<Record<string, unknown>>, body: string): Answer {
  const { 'Meta Data': meta, ...others } = answer;
  const [series, ...more] = Object.values(others);
  if (!isObject(meta) || !isObject(series) || more.length > 0) throw notOfFormat('the answer has no time series', body);
  const rows = Object.entries(series).map(([label, values]): Answer['rows'][number] => {
    const payload = JSON.stringify({ [label]: values });
    if (!isObject(values)) return { reason: 'columns', detail: 'the row is not an object', payload };
    return { fields: textFields(values).set(LABEL, label), payload };
  });
  return { meta: textFields(meta), rows };
}

const LABEL_COLUMNS: ReadonlySet<string> = new Set(['timestamp', 'time']);

/**
 * The rows of a CSV answer, by the names in its first line.
 * @throws TM_SOURCE_RESPONSE also where it does not end with a line: whether its last number is whole cannot be told
 */
export function csvRows(body: string): Answer {
  const lines = body.split(/\r?\n/);
  if (lines.pop() !== '') throw notOfFormat('the answer was cut short', body.slice(-200));
  const [header = '', ...rest] = lines;
  const columns = splitCells(header);
  if ('broken' in columns || !columns.includes('open')) throw notOfFormat('the answer is neither CSV nor JSON', body);
  const names = columns.map((name) => (LABEL_COLUMNS.has(name) ? LABEL : fieldName(name)));
  const rows = rest.map((line): Answer['rows'][number] => {
    const cells = splitCells(line);
    if ('broken' in cells) return { reason: 'columns', detail: cells.broken, payload: line };
    if (cells.length !== names.length) {
      const detail = `${cells.length} columns instead of ${names.length}`;
      return { reason: 'columns', detail, payload: line };
    }
    return { fields: new Map(names.map((name, index) => [name, cells[index] ?? ''])), payload: line };
  });
  return { meta: new Map(), rows };
}
