import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { plainDecimal } from '../../src/query/plainDecimal.ts';

describe('plainDecimal', () => {
  it.each([
    ['1e-7', '0.0000001'],
    ['-1.25e-7', '-0.000000125'],
    ['1e21', '1000000000000000000000'],
    ['1.5e+1', '15'],
    ['1.234e2', '123.4'],
    ['0.1', '0.1'],
    ['nan', 'nan'],
  ])('writes %s as %s', (text, plain) => expect(plainDecimal(text)).toBe(plain));

  it('keeps the value of every double and leaves no exponent', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        const plain = plainDecimal(String(value));
        expect(plain).not.toMatch(/e/i);
        expect(Number(plain)).toBe(value === 0 ? 0 : value);
      }),
    );
  });
});
