import { readFileSync } from 'node:fs';
import { Value } from 'typebox/value';
import { LineCounter, parseDocument } from 'yaml';
import { type Config, type ConfigOption, configOptions, configSchema } from '../config.ts';
import { TidemarkError } from '../errors.ts';
import { nearest } from './nearest.ts';

/** Values by `section.name`, with where each was set (for errors). */
type Source<Value = unknown> = ReadonlyMap<string, { readonly value: Value; readonly where: string }>;

export interface ConfigSources {
  /** Path of a YAML file. */
  readonly file?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** By `section.name`; `where` names the flag as it was written. */
  readonly flags?: Source<string>;
}

const optionsByKey = new Map(configOptions.map((option) => [option.key, option]));
const sectionNames = Object.keys(configSchema.properties);

function didYouMean(name: string, candidates: Iterable<string>): string {
  const near = nearest(name, candidates);
  return near === null ? 'see docs/configuration.md for all keys' : `did you mean ${near}?`;
}

function unknownKey(key: string, where: string): TidemarkError {
  return new TidemarkError('TM_CONFIG', `there is no configuration key ${key}`, {
    where,
    hint: didYouMean(key, [...optionsByKey.keys(), ...sectionNames]),
  });
}

function expected(option: ConfigOption): string {
  if (option.enum !== undefined) return `one of ${option.enum.map((value) => JSON.stringify(value)).join(', ')}`;
  if (option.type === 'string')
    return option.pattern === undefined ? 'a text' : `a text that matches ${option.pattern}`;
  const unit = option.unit === undefined ? '' : ` (${option.unit})`;
  return `an integer from ${option.minimum} to ${option.maximum}${unit}`;
}

function check(option: ConfigOption, value: unknown, where: string): void {
  if (Value.Check(option.schema, value)) return;
  const shown = option.secret ? 'the given value' : JSON.stringify(value);
  throw new TidemarkError('TM_CONFIG', `${option.key} must be ${expected(option)}, not ${shown}`, {
    where,
    hint: option.description,
  });
}

function fromFile(path: string): Source {
  let content: string;
  try {
    content = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new TidemarkError('TM_CONFIG', 'the configuration file cannot be read', {
      where: path,
      hint: 'give --config the path of a readable YAML file',
      cause,
    });
  }
  const lines = new LineCounter();
  const document = parseDocument(content, { lineCounter: lines });
  const [problem] = document.errors;
  if (problem !== undefined) {
    throw new TidemarkError('TM_CONFIG', `the configuration file is not YAML: ${problem.message.split('\n')[0]}`, {
      where: `${path}:${lines.linePos(problem.pos[0]).line}`,
      cause: problem,
    });
  }
  const whereIs = (...keys: string[]): string => {
    const node = document.getIn(keys, true);
    const start = isRanged(node) ? node.range[0] : 0;
    return `${path}:${lines.linePos(start).line}`;
  };
  const values = new Map<string, { value: unknown; where: string }>();
  for (const [sectionName, section] of entries(document.toJS(), 'the configuration', whereIs())) {
    if (!sectionNames.includes(sectionName)) throw unknownKey(sectionName, whereIs(sectionName));
    for (const [name, value] of entries(section, sectionName, whereIs(sectionName))) {
      const key = `${sectionName}.${name}`;
      const where = whereIs(sectionName, name);
      if (!optionsByKey.has(key)) throw unknownKey(key, where);
      values.set(key, { value, where });
    }
  }
  return values;
}

function isRanged(node: unknown): node is { range: [number, number, number] } {
  return typeof node === 'object' && node !== null && 'range' in node && Array.isArray(node.range);
}

/** Entries of a mapping; an empty document or section has none. */
function entries(value: unknown, what: string, where: string): [string, unknown][] {
  if (value === null || value === undefined) return [];
  if (typeof value === 'object' && !Array.isArray(value)) return Object.entries(value);
  throw new TidemarkError('TM_CONFIG', `${what} must be a mapping of names to values, not ${JSON.stringify(value)}`, {
    where,
    hint: 'for example:  commit: { intervalMs: 200 }',
  });
}

/** An empty variable counts as not set, as is usual in shells and compose files. */
function fromEnvironment(env: ConfigSources['env']): Source<string> {
  const keysByVariable = new Map(configOptions.map((option) => [option.variable, option.key]));
  const values = new Map<string, { value: string; where: string }>();
  for (const [variable, value] of Object.entries(env)) {
    const isOurs = sectionNames.some((name) => variable.startsWith(`TIDEMARK_${name.toUpperCase()}_`));
    if (!isOurs || value === undefined || value === '') continue;
    const key = keysByVariable.get(variable);
    if (key === undefined) {
      throw new TidemarkError('TM_CONFIG', `there is no configuration variable ${variable}`, {
        where: 'environment',
        hint: didYouMean(variable, keysByVariable.keys()),
      });
    }
    values.set(key, { value, where: variable });
  }
  return values;
}

/** Variables and flags are text; an integer among them becomes one, other text is left for the check to refuse. */
function withIntegers(source: Source<string>): Source {
  return new Map(
    [...source].map(([key, { value, where }]) => {
      const isInteger = optionsByKey.get(key)?.type === 'integer' && /^-?\d{1,16}$/.test(value);
      return [key, { value: isInteger ? Number(value) : value, where }];
    }),
  );
}

/**
 * The configuration: a flag beats `TIDEMARK_SECTION_NAME` beats the file beats the default.
 * @throws TM_CONFIG for an unknown key and for a value of a wrong type or out of bounds, whether or not it would be used
 */
export function loadConfig(sources: ConfigSources): Config {
  const strongestLast: Source[] = [
    new Map(configOptions.map((option) => [option.key, { value: option.default, where: 'default' }])),
    sources.file === undefined ? new Map() : fromFile(sources.file),
    withIntegers(fromEnvironment(sources.env)),
    withIntegers(sources.flags ?? new Map()),
  ];
  const sections: Record<string, Record<string, unknown>> = {};
  for (const source of strongestLast) {
    for (const [key, { value, where }] of source) {
      const option = optionsByKey.get(key);
      if (option === undefined) throw unknownKey(key, where);
      check(option, value, where);
      sections[option.section] = { ...sections[option.section], [option.name]: value };
    }
  }
  return Value.Parse(configSchema, sections);
}
