import { type Static, type TSchema, Type } from 'typebox';
import { Compile, type Validator } from 'typebox/compile';
import { type ErrorCode, TidemarkError } from '../../errors.ts';
import { checkJson } from './checkJson.ts';
import {
  type AggregateFunction,
  FUNCTIONS,
  givenValue,
  NUMERIC_FUNCTIONS,
  type Scenario,
  type ScenarioAggregate,
  type ScenarioEntry,
  type ScenarioWindow,
} from './scenario.ts';

/** Milliseconds whose microseconds are exact in a double. */
const MAX_MS = Math.floor(Number.MAX_SAFE_INTEGER / 1_000);
/** What an exact sum holds: numbers up to 10^36, with no more decimals than 36. */
const MAX_SUMMED = 1e36;
const MIN_SUMMED_DECIMALS = 36;
const SUMMED: readonly AggregateFunction[] = ['sum', 'avg', 'variance', 'stddev'];

const closed = <T extends Record<string, TSchema>>(properties: T) =>
  Type.Object(properties, { additionalProperties: false });
const time = Type.Integer({ minimum: -MAX_MS, maximum: MAX_MS });
const choice = <const V extends readonly string[]>(values: V) =>
  Type.Unsafe<V[number]>({ type: 'string', enum: values });

/** Parts that have forms of their own are checked by these; here they are anything. */
const scenarioSchema = closed({
  id: Type.String(),
  window: Type.Object({ type: choice(['tumbling', 'hopping', 'session', 'sliding']) }),
  watermarks: choice(['explicit', 'perEvent']),
  outOfOrdernessMs: Type.Optional(time),
  allowedLatenessMs: Type.Optional(time),
  accumulation: Type.Optional(choice(['accumulating', 'discarding'])),
  aggregates: Type.Object({}),
  input: Type.Array(Type.Object({ kind: choice(['event', 'watermark', 'endOfInput']) })),
});
const windowSchemas = {
  tumbling: closed({ type: Type.Literal('tumbling'), sizeMs: time, offsetMs: Type.Optional(time) }),
  hopping: closed({ type: Type.Literal('hopping'), sizeMs: time, slideMs: time, offsetMs: Type.Optional(time) }),
  session: closed({ type: Type.Literal('session'), gapMs: time }),
  sliding: closed({ type: Type.Literal('sliding'), sizeMs: time }),
};
const aggregateSchema = closed({
  fn: choice(FUNCTIONS),
  field: Type.Optional(Type.String({ minLength: 1 })),
  nulls: Type.Optional(Type.Literal('keep')),
});
const entrySchemas = {
  event: closed({
    kind: Type.Literal('event'),
    key: Type.Union([Type.String(), Type.Null()]),
    timestampMs: time,
    value: Type.Optional(Type.Unknown()),
  }),
  watermark: closed({ kind: Type.Literal('watermark'), timestampMs: time }),
  endOfInput: closed({ kind: Type.Literal('endOfInput') }),
};

/**
 * Checks a scenario: every key, type and bound.
 *
 * @throws TM_WINDOW for a window or a lateness that cannot be, TM_SCENARIO for anything else
 */
export function parseScenario(json: unknown): Scenario {
  checkJson(json);
  const given = checked(scenarioSchema, json, '');
  const window = parseWindow(given.window);
  const { outOfOrdernessMs = 0, allowedLatenessMs = 0, accumulation = 'accumulating', watermarks } = given;
  if (allowedLatenessMs < 0) throw invalid('TM_WINDOW', 'allowedLatenessMs', `is negative: ${allowedLatenessMs}`);
  if (outOfOrdernessMs < 0) throw invalid('TM_SCENARIO', 'outOfOrdernessMs', `is negative: ${outOfOrdernessMs}`);
  const aggregates = Object.entries(given.aggregates).map(([name, value]) => parseAggregate(name, value));
  const input = given.input.map((entry, index) => parseEntry(entry, index, aggregates));
  const end = input.findIndex(({ kind }) => kind === 'endOfInput');
  if (end >= 0 && end < input.length - 1) {
    throw invalid('TM_SCENARIO', `input[${end + 1}]`, 'comes after endOfInput');
  }
  return { window, watermarks, outOfOrdernessMs, allowedLatenessMs, accumulation, aggregates, input };
}

function parseWindow(given: Static<(typeof scenarioSchema)['properties']['window']>): ScenarioWindow {
  const window = checked(windowSchemas[given.type], given, 'window');
  switch (window.type) {
    case 'session':
      positive('gapMs', window.gapMs);
      return window;
    case 'sliding':
      positive('sizeMs', window.sizeMs);
      return window;
    default: {
      const { offsetMs = 0, sizeMs } = window;
      const slideMs = window.type === 'hopping' ? window.slideMs : sizeMs;
      positive('sizeMs', sizeMs);
      positive('slideMs', slideMs);
      if (Math.abs(offsetMs) >= slideMs) {
        throw invalid('TM_WINDOW', 'window.offsetMs', `is ${offsetMs}: its magnitude is below ${slideMs}, the slide`);
      }
      return { ...window, offsetMs };
    }
  }
}

function positive(name: string, value: number): void {
  if (value <= 0) throw invalid('TM_WINDOW', `window.${name}`, `is ${value}: it must be above zero`);
}

function parseAggregate(name: string, given: unknown): ScenarioAggregate {
  const where = `aggregates[${JSON.stringify(name)}]`;
  const { fn, field = null, nulls } = checked(aggregateSchema, given, where);
  if (nulls !== undefined && fn !== 'first' && fn !== 'last') {
    throw invalid('TM_SCENARIO', `${where}.nulls`, `goes with first and last, not with ${fn}`);
  }
  return { name, fn, field, keepNulls: nulls === 'keep' };
}

function parseEntry(
  given: { readonly kind: ScenarioEntry['kind'] },
  index: number,
  aggregates: readonly ScenarioAggregate[],
): ScenarioEntry {
  const where = `input[${index}]`;
  const entry = checked(entrySchemas[given.kind], given, where);
  if (entry.kind !== 'event') return entry;
  const event = { ...entry, value: entry.value ?? null };
  for (const aggregate of aggregates) checkNumber(aggregate, givenValue(aggregate, event), where);
  return event;
}

function checkNumber({ name, fn, field }: ScenarioAggregate, value: unknown, where: string): void {
  if (value === null || !NUMERIC_FUNCTIONS.some((numeric) => numeric === fn)) return;
  const at = `${where}.value${field === null ? '' : `[${JSON.stringify(field)}]`}`;
  if (typeof value !== 'number' || !Number.isFinite(value)) {
    throw invalid('TM_SCENARIO', at, `is ${JSON.stringify(value)}: ${fn} (${JSON.stringify(name)}) takes numbers`);
  }
  if (SUMMED.includes(fn) && !isSummable(value)) {
    throw invalid('TM_SCENARIO', at, `is ${value}: ${fn} takes numbers up to 1e36 with at most 36 decimals`);
  }
}

function isSummable(value: number): boolean {
  const [coefficient = '', exponent = '0'] = Math.abs(value).toExponential().split('e');
  const decimals = (coefficient.split('.')[1] ?? '').length - Number(exponent);
  return Math.abs(value) <= MAX_SUMMED && decimals <= MIN_SUMMED_DECIMALS;
}

/** Compiled when they are first asked for: a scenario may have many entries. */
const validators = new Map<TSchema, Validator>();

function validatorOf(schema: TSchema): Validator {
  const known = validators.get(schema);
  if (known !== undefined) return known;
  const validator = Compile(schema);
  validators.set(schema, validator);
  return validator;
}

function isOf<S extends TSchema>(schema: S, value: unknown): value is Static<S> {
  return validatorOf(schema).Check(value);
}

/** @throws TM_SCENARIO where the value is not of the schema */
function checked<S extends TSchema>(schema: S, value: unknown, where: string): Static<S> {
  if (isOf(schema, value)) return value;
  const errors = validatorOf(schema).Errors(value);
  const unknown = errors.find(({ keyword }) => keyword === 'additionalProperties');
  const error = unknown ?? errors.find(({ keyword }) => keyword !== 'boolean') ?? errors[0];
  const within = (error?.instancePath ?? '').replace(/\/(\d+)(?=\/|$)/g, '[$1]').replaceAll('/', '.');
  const path = `${where}${within}`.replace(/^\./, '');
  const names = unknown?.params as { readonly additionalProperties?: readonly string[] } | undefined;
  const problem =
    names?.additionalProperties === undefined
      ? (error?.message ?? 'is not valid')
      : `has no key ${names.additionalProperties.map((name) => JSON.stringify(name)).join(', ')}`;
  const allowed = (error?.params as { readonly allowedValues?: readonly string[] } | undefined)?.allowedValues;
  throw invalid('TM_SCENARIO', path, allowed === undefined ? problem : `${problem}: ${allowed.join(', ')}`);
}

function invalid(code: ErrorCode, where: string, problem: string): TidemarkError {
  return new TidemarkError(code, `${where === '' ? 'the scenario' : where} ${problem}`);
}
