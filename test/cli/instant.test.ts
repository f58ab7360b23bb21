import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseInstant } from '../../src/cli/instant.ts';
import { TidemarkError } from '../../src/errors.ts';

describe('parseInstant', () => {
  it.each([
    ['2024-08-08', 1_723_075_200_000_000],
    ['2024-08-08T13:30Z', 1_723_123_800_000_000],
    ['2024-08-08T13:30:00', 1_723_123_800_000_000],
    ['2024-08-08 13:30:00.000001', 1_723_123_800_000_001],
    ['2024-08-08T15:30:00.25+02:00', 1_723_123_800_250_000],
    ['2024-08-08T15:30:00+0200', 1_723_123_800_000_000],
    ['1969-12-31T23:59:59.999999Z', -1],
    ['1723123800', 1_723_123_800_000_000],
    ['1723123800000', 1_723_123_800_000_000],
    ['1723123800000001', 1_723_123_800_000_001],
    ['0', 0],
    ['-1', -1_000_000],
  ])('takes %s', (text, micros) => {
    expect(parseInstant(text, '--from')).toBe(micros);
  });

  it('reads back every millisecond that a Date writes', () => {
    fc.assert(
      fc.property(fc.date({ min: new Date(0), max: new Date('2250-01-01'), noInvalidDate: true }), (date) => {
        expect(parseInstant(date.toISOString(), '--from')).toBe(date.getTime() * 1_000);
      }),
    );
  });

  it.each(['', 'now', '2024-13-01', '2024-02-30', '2024-08-08T25:00', '2024-08-08T10', '08/08/2024', '1.5', '1e9'])(
    'refuses %j',
    (text) => {
      expect(() => parseInstant(text, '--from')).toThrow(TidemarkError);
    },
  );
});
