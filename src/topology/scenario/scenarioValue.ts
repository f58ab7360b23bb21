import { avg } from '../aggregates/avg.ts';
import { collect } from '../aggregates/collect.ts';
import { count } from '../aggregates/count.ts';
import { countDistinct } from '../aggregates/countDistinct.ts';
import { earliest } from '../aggregates/earliest.ts';
import { first } from '../aggregates/first.ts';
import { last } from '../aggregates/last.ts';
import { latest } from '../aggregates/latest.ts';
import { max } from '../aggregates/max.ts';
import { min } from '../aggregates/min.ts';
import type { Aggregate } from '../aggregates/spec.ts';
import { stddev } from '../aggregates/stddev.ts';
import { sum } from '../aggregates/sum.ts';
import { variance } from '../aggregates/variance.ts';
import { canonicalJson } from './canonicalJson.ts';
import { type AggregateFunction, givenValue, type ScenarioAggregate, type ScenarioEvent } from './scenario.ts';

/** How an aggregate of a scenario is computed: a column of the input, an aggregate over it, and its result as JSON. */
export interface ScenarioValue {
  readonly name: string;
  /** Names the field of the input and that of the results. */
  readonly column: string;
  readonly type: 'double' | 'string';
  encode(event: ScenarioEvent): number | string | null;
  readonly aggregate: Aggregate<never, unknown>;
  toJson(result: unknown): string;
}

type Form = Pick<ScenarioValue, 'type' | 'aggregate' | 'toJson'> & {
  /** What the column holds of a value that is not null. */
  encodeValue(value: unknown): number | string;
};

/** Over a column of doubles. A sum comes as a decimal: its digits are JSON already, as are those of a double. */
function overNumbers(aggregate: Aggregate<never, unknown>): Form {
  return { type: 'double', aggregate, toJson: String, encodeValue: Number };
}

/** Over a column of JSON texts, one form for each value: equal texts are equal values, and results are JSON already. */
function overJson(aggregate: Aggregate<never, unknown>, toJson: (result: unknown) => string = String): Form {
  return { type: 'string', aggregate, toJson, encodeValue: canonicalJson };
}

/** A list comes as a JSON list of texts, of which each is the JSON of a value. */
function listJson(result: unknown): string {
  const texts = JSON.parse(String(result)) as readonly (string | null)[];
  return `[${texts.map(String).join(',')}]`;
}

const FORMS: Readonly<
  Record<AggregateFunction, (column: string, options: { readonly nulls: 'skip' | 'keep' }) => Form>
> = {
  count: (column) => overJson(count(column)),
  sum: (column) => overNumbers(sum(column)),
  min: (column) => overNumbers(min(column)),
  max: (column) => overNumbers(max(column)),
  avg: (column) => overNumbers(avg(column)),
  variance: (column) => overNumbers(variance(column)),
  stddev: (column) => overNumbers(stddev(column)),
  countDistinct: (column) => overJson(countDistinct(column)),
  first: (column, options) => overJson(first(column, options)),
  last: (column, options) => overJson(last(column, options)),
  earliest: (column) => overJson(earliest(column)),
  latest: (column) => overJson(latest(column)),
  collect: (column) => overJson(collect(column), listJson),
};

function formOf({ fn, field, keepNulls }: ScenarioAggregate, column: string): Form {
  // Without a field it counts events, those with a null value too.
  if (fn === 'count' && field === null) return overJson(count());
  return FORMS[fn](column, { nulls: keepNulls ? 'keep' : 'skip' });
}

/** The aggregates of a scenario, each over a column of its own. */
export function scenarioValues(aggregates: readonly ScenarioAggregate[]): ScenarioValue[] {
  return aggregates.map((given, index) => {
    const column = `v${index}`;
    const { encodeValue, ...form } = formOf(given, column);
    const encode = (event: ScenarioEvent): number | string | null => {
      const value = givenValue(given, event);
      return value === null ? null : encodeValue(value);
    };
    return { ...form, name: given.name, column, encode };
  });
}
