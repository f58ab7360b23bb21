import { describe, expect, it } from 'vitest';
import { formatChange, formatPrice, formatSpan, formatTick, formatVolume, priceDecimals } from '../../page/format.js';

describe('the numbers of the page', () => {
  it('show each price in full, with the same decimals', () => {
    const decimals = priceDecimals([61_602.02, 61_600, 0.5]);
    expect([61_602.02, 61_600, 0.5].map((price) => formatPrice(price, decimals))).toEqual([
      '61,602.02',
      '61,600.00',
      '0.50',
    ]);
    expect(formatPrice(1.5e-7, priceDecimals([1.5e-7]))).toBe('0.00000015');
    expect(formatPrice(1e21, priceDecimals([1e21]))).toBe('1,000,000,000,000,000,000,000');
  });

  it('never show a change of nothing with a sign', () => {
    expect([0.0123, -0.0123, 0.00001, -0.00001].map(formatChange)).toEqual(['+1.23%', '−1.23%', '0.00%', '0.00%']);
  });

  it('keep volumes and spans short', () => {
    expect([0.065, 99_999, 1_234_567].map(formatVolume)).toEqual(['0.065', '99,999.000', '1.23M']);
    expect([12, 1_500, 423_000, 7_500_000, 90_000_000].map(formatSpan)).toEqual([
      '12 ms',
      '1.5 s',
      '7 min 3 s',
      '2 h 5 min',
      '1 d 1 h',
    ]);
  });

  it('name the day where it turns on the time axis', () => {
    const ms = Date.UTC(2024, 7, 9, 4, 5, 6);
    expect((['year', 'month', 'day', 'minutes', 'seconds'] as const).map((turn) => formatTick(ms, turn))).toEqual([
      '2024',
      'Aug',
      '9 Aug',
      '04:05',
      '04:05:06',
    ]);
  });
});
