import { isObject } from './canonicalJson.ts';

/** How numbers become a value: what each function of a scenario needs of its field. */
export const NUMERIC_FUNCTIONS = ['sum', 'min', 'max', 'avg', 'variance', 'stddev'] as const;
export const FUNCTIONS = [
  'count',
  ...NUMERIC_FUNCTIONS,
  'countDistinct',
  'first',
  'last',
  'earliest',
  'latest',
  'collect',
] as const;

export type AggregateFunction = (typeof FUNCTIONS)[number];

export interface ScenarioAggregate {
  readonly name: string;
  readonly fn: AggregateFunction;
  /** A property of the events' values; null for the values themselves. */
  readonly field: string | null;
  /** `first` and `last` may return a null. */
  readonly keepNulls: boolean;
}

/** All times are milliseconds. */
export type ScenarioWindow =
  | { readonly type: 'tumbling'; readonly sizeMs: number; readonly offsetMs: number }
  | { readonly type: 'hopping'; readonly sizeMs: number; readonly slideMs: number; readonly offsetMs: number }
  | { readonly type: 'session'; readonly gapMs: number }
  | { readonly type: 'sliding'; readonly sizeMs: number };

export interface ScenarioEvent {
  readonly kind: 'event';
  readonly key: string | null;
  readonly timestampMs: number;
  readonly value: unknown;
}

export type ScenarioEntry =
  | ScenarioEvent
  | { readonly kind: 'watermark'; readonly timestampMs: number }
  | { readonly kind: 'endOfInput' };

/** A window, how event time moves, aggregates, and inputs in order of arrival: a scenario file that has been checked. */
export interface Scenario {
  readonly window: ScenarioWindow;
  readonly watermarks: 'explicit' | 'perEvent';
  readonly outOfOrdernessMs: number;
  readonly allowedLatenessMs: number;
  readonly accumulation: 'accumulating' | 'discarding';
  readonly aggregates: readonly ScenarioAggregate[];
  readonly input: readonly ScenarioEntry[];
}

/** What an aggregate sees of an event: a missing field is null. */
export function givenValue({ field }: ScenarioAggregate, { value }: ScenarioEvent): unknown {
  if (field === null) return value ?? null;
  return isObject(value) && Object.hasOwn(value, field) ? value[field] : null;
}
