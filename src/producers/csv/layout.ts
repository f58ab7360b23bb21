import { readFileSync } from 'node:fs';
import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import { parseAllDocuments } from 'yaml';
import { nearest } from '../../config/nearest.ts';
import { TidemarkError } from '../../errors.ts';

const sourceSchema = Type.Object(
  {
    column: Type.Optional(Type.String({ minLength: 1, description: 'The column that holds the value.' })),
    value: Type.Optional(Type.String({ description: 'The same value for every row.' })),
    template: Type.Optional(
      Type.String({
        minLength: 1,
        description: 'Text with `{column}`, or `{group}` of the file name, filled in; `{name|upper}` in capitals.',
      }),
    ),
    map: Type.Optional(
      Type.Record(Type.String(), Type.String(), { description: 'From what the file says to what it means.' }),
    ),
    unit: Type.Optional(Type.Enum(['s', 'ms', 'us', 'ns'], { description: 'A time that counts from 1970 UTC.' })),
    midnightOf: Type.Optional(
      Type.String({ minLength: 1, description: 'The time counts from midnight of this date (a template).' }),
    ),
    format: Type.Optional(
      Type.String({ minLength: 1, description: '`iso`, or the form of a time: `YYYYMMDD HH:mm:ss.SSS`.' }),
    ),
    zone: Type.Optional(
      Type.String({ minLength: 1, description: 'Whose wall clock: `UTC-05:00`, `America/New_York`; else UTC.' }),
    ),
  },
  { additionalProperties: false },
);

const layoutSchema = Type.Object(
  {
    name: Type.String({ minLength: 1 }),
    schema: Type.Enum(['tick', 'quote', 'source_bar']),
    topic: Type.Optional(Type.String({ minLength: 1, description: 'Else the one of the schema.' })),
    file: Type.Optional(
      Type.String({
        minLength: 1,
        description: 'Pattern of the file names that it is for; its groups fill templates.',
      }),
    ),
    columns: Type.Optional(
      Type.Array(Type.String({ minLength: 1 }), {
        minItems: 1,
        uniqueItems: true,
        description: 'Names of the columns of a file without a header; without them, the first line has the names.',
      }),
    ),
    fields: Type.Record(Type.String(), Type.Array(sourceSchema, { minItems: 1 })),
  },
  { additionalProperties: false },
);

/** Where a field's text comes from and, for a time, what it counts. */
export type FieldSource = Static<typeof sourceSchema>;

/** How rows of a CSV file become records: one YAML document of a layout file. */
export interface Layout {
  readonly name: string;
  readonly schema: 'tick' | 'quote' | 'source_bar';
  readonly topic: string;
  /** Null takes every file. */
  readonly file: RegExp | null;
  /** Null: the file's first line names them. */
  readonly columns: readonly string[] | null;
  /** By field; the first source that is not empty counts. */
  readonly fields: ReadonlyMap<string, readonly FieldSource[]>;
  /** The layout file, for messages. */
  readonly where: string;
}

const TOPICS: Readonly<Record<Layout['schema'], string>> = {
  tick: 'ticks',
  quote: 'quotes',
  source_bar: 'source_bars',
};

/** What a layout file may hold, to be shown where one is refused. */
const EXAMPLE = 'see examples/layouts for complete ones';

export function layoutError(message: string, where: string, hint: string, cause?: unknown): TidemarkError {
  return new TidemarkError('TM_LAYOUT', message, { where, hint, cause });
}

/**
 * The layouts of a YAML file: one a document (`---` parts them), for sources with several kinds of files.
 * @throws TM_LAYOUT with the key that is wrong
 */
export function loadLayouts(path: string): readonly Layout[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw layoutError('the layout file cannot be read', path, 'give --layout the path of a readable YAML file', cause);
  }
  return parseLayouts(text, path);
}

/** As `loadLayouts`, of a text; `where` names it in messages. */
export function parseLayouts(text: string, where: string): readonly Layout[] {
  const documents = parseAllDocuments(text);
  if (!('length' in documents) || documents.length === 0) {
    throw layoutError('the layout file is empty', where, EXAMPLE);
  }
  return documents.map((document) => {
    const [problem] = document.errors;
    if (problem !== undefined) {
      const [line = ''] = problem.message.split('\n');
      throw layoutError(`the layout file is not YAML: ${line}`, where, EXAMPLE, problem);
    }
    return toLayout(document.toJS(), where);
  });
}

function toLayout(document: unknown, where: string): Layout {
  const normal = normalized(document);
  if (!Value.Check(layoutSchema, normal)) throw firstFault(normal, where);
  const { name, schema, topic = TOPICS[schema], file, columns = null, fields } = normal;
  return {
    name,
    schema,
    topic,
    file: file === undefined ? null : filePattern(file, where),
    columns,
    fields: new Map(Object.entries(fields)),
    where,
  };
}

function filePattern(pattern: string, where: string): RegExp {
  try {
    return new RegExp(pattern);
  } catch (cause) {
    throw layoutError(
      `file: ${pattern} is not a regular expression`,
      where,
      `for example '^trades_(?<date>\\d{8})'`,
      cause,
    );
  }
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Short forms written out: a field that is one text is that column; constants and maps are text, as cells are. */
function normalized(document: unknown): unknown {
  if (!isMapping(document) || !isMapping(document.fields)) return document;
  const fields = Object.entries(document.fields).map(([name, given]) => {
    const sources = Array.isArray(given) ? given : [given];
    return [name, sources.map(normalizedSource)];
  });
  return { ...document, fields: Object.fromEntries(fields) };
}

function normalizedSource(source: unknown): unknown {
  if (typeof source === 'string') return { column: source };
  if (!isMapping(source)) return source;
  const text = (value: unknown): unknown => (['number', 'boolean'].includes(typeof value) ? String(value) : value);
  return {
    ...source,
    ...('value' in source ? { value: text(source.value) } : {}),
    ...(isMapping(source.map)
      ? { map: Object.fromEntries(Object.entries(source.map).map(([from, to]) => [from, text(to)])) }
      : {}),
  };
}

/** The keys that may stand beside a wrong one. */
function knownKeys(path: string): readonly string[] {
  return Object.keys(/^\/fields\/[^/]*\/\d+$/.test(path) ? sourceSchema.properties : layoutSchema.properties);
}

function firstFault(document: unknown, where: string): TidemarkError {
  const faults = Value.Errors(layoutSchema, document);
  for (const { keyword, instancePath, params } of faults) {
    if (keyword !== 'additionalProperties') continue;
    const keys = knownKeys(instancePath);
    const [unknown = ''] = params.additionalProperties;
    const near = nearest(unknown, keys);
    const hint = near === null ? `the keys here are ${keys.join(', ')}` : `did you mean ${near}?`;
    return layoutError(`there is no layout key ${keyName(instancePath, unknown)}`, where, hint);
  }
  const [fault] = faults;
  const key = keyName(fault?.instancePath ?? '');
  const allowed = fault?.keyword === 'enum' ? `: ${fault.params.allowedValues.join(', ')}` : '';
  return layoutError(`${key === '' ? 'a layout' : key} ${fault?.message ?? 'is wrong'}${allowed}`, where, EXAMPLE);
}

/** `/fields/price/0/unit` as `fields.price.unit`. */
function keyName(instancePath: string, last?: string): string {
  const steps = instancePath.split('/').filter((step) => step !== '' && !/^\d+$/.test(step));
  return [...steps, ...(last === undefined ? [] : [last])].join('.');
}
