import fc from 'fast-check';

export type TypedValue = number | boolean | string | Uint8Array | null | object;

export interface Field {
  readonly name: string;
  readonly type: unknown;
  readonly default?: unknown;
}

export interface RecordOf {
  readonly type: 'record';
  readonly name: string;
  readonly fields: readonly Field[];
}

/** A field's type, a default for it, and what values it may have. */
interface Kind {
  readonly type: unknown;
  readonly fallback: unknown;
  readonly values: fc.Arbitrary<TypedValue>;
  /** A writer may have it, and a reader can only skip it. */
  readonly skippedOnly?: true;
}

/** avsc's own longs are exact to 2^52 only. */
const long = fc
  .oneof(fc.integer(), fc.maxSafeInteger(), fc.integer({ min: -(2 ** 36), max: 2 ** 36 }))
  .filter((value) => Math.abs(value) < 2 ** 52);
const text = fc.oneof(fc.string(), fc.string({ unit: 'grapheme', maxLength: 80 }));
/** Bytes that are text too, since a reader may ask for a string. */
const bytes = text.map((value) => Buffer.from(value));

const flat = (enumName: string): readonly Kind[] => [
  { type: 'boolean', fallback: true, values: fc.boolean() },
  { type: 'int', fallback: -3, values: fc.integer() },
  { type: 'long', fallback: 2 ** 40, values: long },
  { type: { type: 'long', logicalType: 'timestamp-micros' }, fallback: 7, values: long },
  { type: 'float', fallback: 0.5, values: fc.float({ noNaN: true }) },
  { type: 'double', fallback: 0.1, values: fc.double({ noNaN: true }) },
  { type: 'string', fallback: 'déjà', values: text },
  { type: 'bytes', fallback: 'ab\u00ff', values: bytes },
  {
    type: { type: 'enum', name: enumName, symbols: ['b', 'a', 'c'] },
    fallback: 'c',
    values: fc.constantFrom('a', 'b'),
  },
];

const nested: readonly Kind[] = [
  {
    skippedOnly: true,
    type: { type: 'array', items: ['null', 'long'] },
    fallback: [],
    values: fc.array(fc.option(long)),
  },
  {
    skippedOnly: true,
    type: { type: 'map', values: 'string' },
    fallback: {},
    values: fc.dictionary(fc.string({ minLength: 1 }), text),
  },
  {
    skippedOnly: true,
    type: { type: 'fixed', name: 'F', size: 3 },
    fallback: 'abc',
    values: fc.uint8Array({ minLength: 3, maxLength: 3 }).map((each) => Buffer.from(each)),
  },
  {
    skippedOnly: true,
    type: { type: 'record', name: 'Inner', fields: [{ name: 'x', type: 'double' }] },
    fallback: { x: 1 },
    values: fc.record({ x: fc.double({ noNaN: true }) }),
  },
];

const NAMES = ['p', 'q', 'r', 's'];

function withNull(kind: Kind, shape: 'never' | 'first' | 'last'): Kind {
  if (shape === 'never') {
    return kind;
  }
  const values = fc.option(kind.values);
  return shape === 'first'
    ? { ...kind, type: ['null', kind.type], fallback: null, values }
    : { ...kind, type: [kind.type, 'null'], values };
}

/** One kind for each of a few names; `kinds` gets the name, because an Avro name is defined once in a schema. */
function fields(kinds: (name: string) => readonly Kind[]): fc.Arbitrary<readonly (Kind & { name: string })[]> {
  const field = (name: string) =>
    fc
      .tuple(fc.constantFrom(...kinds(name)), fc.constantFrom('never', 'first', 'last'))
      .map(([kind, shape]) => ({ name, ...withNull(kind, shape) }));
  return fc.shuffledSubarray(NAMES, { minLength: 1 }).chain((names) => fc.tuple(...names.map(field)));
}

function schema(of: readonly (Kind & { name: string })[]): RecordOf {
  return {
    type: 'record',
    name: 'R',
    fields: of.map(({ name, type, fallback }) => ({ name, type, default: fallback })),
  };
}

export interface Evolution {
  readonly writer: RecordOf;
  readonly reader: RecordOf;
  readonly rows: readonly Readonly<Record<string, TypedValue>>[];
}

/** A writer's schema with values of it, and a reader's: of the same fields, or of others with other types. */
export const evolution: fc.Arbitrary<Evolution> = fc
  .tuple(
    fields((name) => [...flat(`E${name}`), ...(name === 's' ? nested : [])]),
    fields((name) => flat(`E${name}`)),
    fc.boolean(),
  )
  .chain(([written, read, same]) => {
    const readable = written.every((kind) => kind.skippedOnly !== true);
    const writer = schema(written);
    const row = fc.record(Object.fromEntries(written.map(({ name, values }) => [name, values])));
    return fc
      .array(row, { maxLength: 8 })
      .map((rows) => ({ writer, reader: same && readable ? writer : schema(read), rows }));
  });
