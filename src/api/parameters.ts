import { Type } from 'typebox';
import type { Config } from '../config.ts';
import { TidemarkError } from '../errors.ts';
import { instantMicros } from '../query/instant.ts';
import { intervalName } from '../query/interval.ts';

const MAX_TEXT_LENGTH = 256;

/** Parameters that several routes take, as their schemas. */
export const symbolParameter = Type.String({
  minLength: 1,
  maxLength: MAX_TEXT_LENGTH,
  description: 'An instrument, `venue:symbol`.',
  examples: ['binance-spot:BTCUSDT'],
});

export const intervalParameter = Type.String({
  minLength: 2,
  maxLength: MAX_TEXT_LENGTH,
  description:
    'Which bars: `1s`, `1m`, `5m`, `1h`, or another that the topology makes or a source has published (`1d`, `1w`, `1mo`).',
  examples: ['1m'],
});

export function instantParameter(description: string) {
  return Type.String({
    minLength: 1,
    maxLength: MAX_TEXT_LENGTH,
    description: `${description} ISO 8601 (UTC unless it names a zone), or epoch seconds, milliseconds or microseconds.`,
    examples: ['2024-08-08T13:30:00Z'],
  });
}

export function limitParameter({ maxPageRows }: Config['api'], what: string) {
  return Type.Integer({ minimum: 1, maximum: maxPageRows, description: what });
}

/** @throws TM_API_REQUEST */
export function instantOf(text: string, name: string): number {
  const micros = instantMicros(text);
  if (micros !== null && Math.abs(micros) <= MAX_INSTANT_MICROS) return micros;
  throw new TidemarkError('TM_API_REQUEST', `${JSON.stringify(text)} is not an instant`, {
    where: name,
    hint: 'Write ISO 8601, such as 2024-08-08T13:30:00Z, or epoch seconds, milliseconds or microseconds.',
  });
}

/** What a Date holds (ECMA-262, 21.4.1.1) is wider than ClickHouse's DateTime64(6); both take this. */
const MAX_INSTANT_MICROS = 8.64e15;

/** @throws TM_API_REQUEST, TM_DURATION */
export function intervalOf(text: string): string {
  const interval = intervalName(text);
  if (interval !== null) return interval;
  throw new TidemarkError('TM_API_REQUEST', `${JSON.stringify(text)} is not an interval`, {
    where: 'interval',
    hint: 'Write a number and a unit, such as 1s, 5m or 1h; 5m/1m for a hopping window, session/30s, back/30s, global/100.',
  });
}

/** `from` and `to` in epoch microseconds, as far as they are given. @throws TM_API_REQUEST */
export function rangeOf({ from, to }: { readonly from?: string; readonly to?: string }) {
  return {
    ...(from === undefined ? {} : { fromMicros: instantOf(from, 'from') }),
    ...(to === undefined ? {} : { toMicros: instantOf(to, 'to') }),
  };
}

/** What ClickHouse may spend on one request; also, it may only read. */
export function queryBounds({ maxQueryMs, maxQueryMb }: Config['api']): Readonly<Record<string, string>> {
  return {
    max_execution_time: String(maxQueryMs / 1_000),
    max_memory_usage: String(maxQueryMb * 1024 * 1024),
    readonly: '2',
  };
}
