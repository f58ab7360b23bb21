import fc from 'fast-check';
import { TidemarkError } from '../../../src/errors.ts';
import type { MarketRows } from '../../../src/producers/market/response.ts';

/** A body that is cut short, or some of whose characters are others, or of which a stretch is missing or comes twice. */
export function mutated(bodies: readonly string[]): fc.Arbitrary<string> {
  const part = fc.double({ min: 0, max: 1, noNaN: true });
  return fc
    .record({
      body: fc.constantFrom(...bodies),
      at: part,
      to: part,
      put: fc.string({ unit: 'grapheme', maxLength: 4 }),
    })
    .chain(({ body, at, to, put }) => {
      const [start = 0, end = 0] = [at, to].map((share) => Math.floor(share * body.length)).sort((a, b) => a - b);
      return fc.constantFrom(
        body.slice(0, start),
        body.slice(0, start) + put + body.slice(start + put.length),
        body.slice(0, start) + body.slice(end),
        body.slice(0, end) + body.slice(start),
        body.slice(start),
        body.replace(/:\s*("[^"]*"|[\d.]+)/, ': null'),
        body.replace(/"[^"]*":/, `"${put.replace(/["\\]/g, '')}":`),
      );
    });
}

/** The rows of a body, or the code of the error. Anything but an error with a code is thrown on. */
export function outcome(parse: () => MarketRows): MarketRows | string {
  try {
    return parse();
  } catch (error) {
    if (error instanceof TidemarkError && error.code.startsWith('TM_SOURCE_')) return error.code;
    throw error;
  }
}

/** Whether all rows are such as a record can hold. */
export function areSound({ bars, quotes }: MarketRows): boolean {
  const numbers = bars.flatMap(
    ({ eventTime, open, high, low, close, volume, adjustedClose, dividend, splitFactor }) => [
      ...[eventTime, open ?? 0, high ?? 0, low ?? 0, close ?? Number.NaN, volume ?? 0],
      ...[adjustedClose ?? 0, dividend ?? 0, splitFactor ?? 0],
    ],
  );
  const sides = quotes.flatMap(({ eventTime, bid, ask, bidSize, askSize }) => [
    eventTime,
    bid,
    ask,
    bidSize ?? 0,
    askSize ?? 0,
  ]);
  const times = [...bars, ...quotes].map(({ eventTime }) => eventTime);
  return [...numbers, ...sides].every(Number.isFinite) && times.every(Number.isSafeInteger);
}
