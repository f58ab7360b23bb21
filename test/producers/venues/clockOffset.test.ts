import { describe, expect, it } from 'vitest';
import { ClockOffset } from '../../../src/producers/venues/clockOffset.ts';

const MINUTE = 60_000_000;

describe('the offset of clocks', () => {
  function observed(delays: readonly number[]): ClockOffset {
    const clock = new ClockOffset();
    for (const [n, delay] of delays.entries()) clock.observe(n * 1_000_000, n * 1_000_000 + delay);
    return clock;
  }

  it('is not known from a few messages', () => {
    expect(observed(Array.from({ length: 99 }, () => 5)).micros).toBeNull();
  });

  it('is the least delay, also below zero', () => {
    expect(observed(Array.from({ length: 200 }, (_, n) => 40 + ((n * 7) % 13) - 100)).micros).toBe(-60);
  });

  it('follows a clock that was set', () => {
    const clock = observed(Array.from({ length: 100 }, () => 5));
    for (let n = 0; n < 3; n++) clock.observe(10 * MINUTE + n * MINUTE, 10 * MINUTE + n * MINUTE + 900);
    expect(clock.micros).toBe(900);
  });
});
