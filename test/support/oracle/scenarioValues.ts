/** The functions of a scenario over the events of one window, recomputed from all of them each time. */
import { add, type Decimal, formatDecimal, multiply, nearestQuotient, parseDecimal, ZERO } from './decimal.ts';

export interface OracleAggregate {
  readonly fn: string;
  readonly field?: string;
  readonly nulls?: string;
}

export interface OracleEvent {
  readonly key: string | null;
  readonly timestampMs: number;
  readonly value: unknown;
  /** Place in the input. */
  readonly index: number;
}

/** The value's one JSON text: members by name. */
export function jsonOf(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(jsonOf).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${jsonOf(member)}`).join(',')}}`;
}

/** A value of a window's events, as JSON. Events are in order of arrival. */
export function valueJson({ fn, field, nulls }: OracleAggregate, events: readonly OracleEvent[]): string {
  const given = events.map((event) => ({ at: event.timestampMs, value: fieldOf(event.value, field) }));
  const present = given.filter(({ value }) => value !== null);
  const values = present.map(({ value }) => value);
  const kept = nulls === 'keep' ? given : present;
  const byTime = [...present].sort((a, b) => a.at - b.at);
  switch (fn) {
    case 'count':
      return String(field === undefined ? events.length : values.length);
    case 'countDistinct':
      return String(new Set(values.map(jsonOf)).size);
    case 'collect':
      return jsonOf(given.map(({ value }) => value));
    case 'first':
      return jsonOf(kept[0]?.value ?? null);
    case 'last':
      return jsonOf(kept.at(-1)?.value ?? null);
    case 'earliest':
      return jsonOf(byTime[0]?.value ?? null);
    case 'latest':
      return jsonOf(byTime.at(-1)?.value ?? null);
    default:
      return values.length === 0 ? 'null' : numberJson(fn, values as readonly number[]);
  }
}

function fieldOf(value: unknown, field: string | undefined): unknown {
  if (field === undefined) return value ?? null;
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return null;
  return Object.entries(value).find(([name]) => name === field)?.[1] ?? null;
}

function numberJson(fn: string, values: readonly number[]): string {
  if (fn === 'min' || fn === 'max') {
    const sorted = [...values].sort((a, b) => a - b);
    return jsonOf(fn === 'min' ? sorted[0] : sorted.at(-1));
  }
  const decimals = values.map(decimalOf);
  const n: Decimal = { unscaled: BigInt(values.length), scale: 0 };
  const total = decimals.reduce(add, ZERO);
  if (fn === 'sum') return formatDecimal(total);
  if (fn === 'avg') return jsonOf(nearestQuotient(total, n));
  // Population variance: (n·Σx² − (Σx)²) / n².
  const squares = decimals.map((x) => multiply(x, x)).reduce(add, ZERO);
  const above = add(multiply(n, squares), multiply({ unscaled: -1n, scale: 0 }, multiply(total, total)));
  return jsonOf(fn === 'stddev' ? nearestRoot(above, values.length) : nearestQuotient(above, multiply(n, n)));
}

const ROOT_DIGITS = 60;

/** √x / n to 60 decimals, then to the nearest double. */
function nearestRoot({ unscaled, scale }: Decimal, n: number): number {
  const square = (unscaled * 10n ** BigInt(2 * ROOT_DIGITS)) / (10n ** BigInt(scale) * BigInt(n) ** 2n);
  let low = 0n;
  let high = square + 1n;
  while (high - low > 1n) {
    const middle = (low + high) / 2n;
    if (middle * middle <= square) low = middle;
    else high = middle;
  }
  return Number(formatDecimal({ unscaled: low, scale: ROOT_DIGITS }));
}

/** The decimal that a double's shortest text is. */
function decimalOf(value: number): Decimal {
  const [coefficient = '', exponent = '0'] = String(value).split('e');
  const decimal = parseDecimal(coefficient);
  const shift = Number(exponent);
  if (shift >= 0) return { unscaled: decimal.unscaled * 10n ** BigInt(shift), scale: decimal.scale };
  return { unscaled: decimal.unscaled, scale: decimal.scale - shift };
}
