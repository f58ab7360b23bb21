import { avg } from '../aggregates/avg.ts';
import { count } from '../aggregates/count.ts';
import { max } from '../aggregates/max.ts';
import { min } from '../aggregates/min.ts';
import type { Aggregate } from '../aggregates/spec.ts';
import { sum } from '../aggregates/sum.ts';
import { canonicalJson } from './canonicalJson.ts';
import { type AggregateFunction, type ScenarioAggregate, type ScenarioEvent, valueOf } from './scenario.ts';

/** How an aggregate of a scenario is computed: a column of the input, an aggregate over it, and its result as JSON. */
export interface ScenarioValue {
  readonly name: string;
  /** Names the field of the input and that of the results. */
  readonly column: string;
  readonly type: 'double' | 'string';
  valueOf(event: ScenarioEvent): number | string | null;
  readonly aggregate: Aggregate<never, unknown>;
  toJson(result: unknown): string;
}

type Form = Pick<ScenarioValue, 'type' | 'aggregate' | 'toJson'> & {
  /** The column's value of a value that is not null. */
  encode(value: unknown): number | string | null;
};

/** A decimal's or a number's own digits are JSON already. */
const plain = (result: unknown): string => (result === null ? 'null' : String(result));
const number = (aggregate: Aggregate<never, unknown>, toJson = (result: unknown) => JSON.stringify(result)): Form => ({
  type: 'double',
  aggregate,
  toJson,
  encode: Number,
});

function formOf({ fn, field, keepNulls }: ScenarioAggregate, column: string): Form {
  switch (fn) {
    case 'count':
      return field === null ? number(count()) : number(sum(column), plain);
    case 'sum':
      return number(sum(column), plain);
    case 'min':
      return number(min(column));
    case 'max':
      return number(max(column));
    case 'avg':
      return number(avg(column));
    default:
      throw new Error('to come');
  }
}

/** The aggregates of a scenario, each over a column of its own. */
export function scenarioValues(aggregates: readonly ScenarioAggregate[]): ScenarioValue[] {
  return aggregates.map((given, index) => {
    const column = `v${index}`;
    const { encode, ...form } = formOf(given, column);
    return {
      ...form,
      name: given.name,
      column,
      valueOf(event) {
        const value = valueOf(given, event);
        return value === null ? null : encode(value);
      },
    };
  });
}
