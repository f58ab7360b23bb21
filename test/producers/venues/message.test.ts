import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseMessage } from '../../../src/producers/venues/message.ts';
import { effort } from '../../support/effort.ts';

const NUMBER = /^-?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/i;

/** Numbers, and texts that are some, as texts that are the same for the same number; null for no JSON. */
function outcome(parse: () => unknown): string | null {
  const normal = (_: string, value: unknown): unknown => {
    if (typeof value === 'number') return String(value);
    return typeof value === 'string' && NUMBER.test(value) ? String(Number(value)) : value;
  };
  try {
    return JSON.stringify(parse(), normal);
  } catch {
    return null;
  }
}

const json = fc
  .json({ stringUnit: 'grapheme' })
  .chain((text) => fc.constantFrom(text, JSON.stringify(JSON.parse(text), null, 1), ` ${text}\t\r\n`));

/** With some characters more, fewer or others. */
const garbled = fc
  .record({ text: json, at: fc.nat(), put: fc.constantFrom('', ...'".-+e,:}]\\01') })
  .map(({ text, at, put }) => {
    const cut = at % (text.length + 1);
    return text.slice(0, cut) + put + text.slice(cut + (at % 3));
  });

describe('JSON whose numbers are texts', () => {
  it('keeps every digit of a number', () => {
    const text = '{"id":1234567890123456789012,"p":0.00000010,"q":[1.50,-2e-7,0,"7","a\\"1,2\\\\"],"n":null,"t":true}';
    expect(parseMessage(text)).toEqual({
      id: '1234567890123456789012',
      p: '0.00000010',
      q: ['1.50', '-2e-7', '0', '7', 'a"1,2\\'],
      n: null,
      t: true,
    });
  });

  it.each(['{1:2}', '{"a":1,2:3}', '01', '1.', '-', '+1', '.5', '1e', '[1.5.3]', '1 2', '["a 1]', '[1,]', '{"a":01}'])(
    'is not %s',
    (text) => {
      expect(() => parseMessage(text)).toThrow('not JSON, or cut short');
    },
  );

  it('takes what JSON.parse takes, and nothing else', () => {
    fc.assert(
      fc.property(fc.oneof(json, garbled), (text) => {
        expect(outcome(() => parseMessage(text))).toBe(outcome(() => JSON.parse(text)));
      }),
      { numRuns: effort(3_000) },
    );
  });
});
