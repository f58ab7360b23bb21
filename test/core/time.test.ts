import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatDuration, formatIsoMicros, parseDurationMicros } from '../../src/core/time.ts';

describe('durations', () => {
  it('reads whole numbers of ms, s, m, h and d', () => {
    expect(['1ms', '2s', '5m', '1h', '3d'].map(parseDurationMicros)).toEqual([1e3, 2e6, 3e8, 3.6e9, 2.592e11]);
  });

  it.each(['', '0s', '1', 's', '1.5s', '-1s', '1 s', '1w', '9999999999999d'])('refuses %j', (text) => {
    expect(() => parseDurationMicros(text)).toThrow(expect.objectContaining({ code: 'TM_DURATION' }));
  });

  it('writes the widest unit that divides, so that a duration has one name', () => {
    expect(['60s', '3600s', '90m', '1000ms'].map((text) => formatDuration(parseDurationMicros(text)))).toEqual([
      '1m',
      '1h',
      '90m',
      '1s',
    ]);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e5 }), fc.constantFrom('ms', 's', 'm', 'h', 'd'), (count, unit) => {
        const micros = parseDurationMicros(`${count}${unit}`);
        expect(parseDurationMicros(formatDuration(micros))).toBe(micros);
      }),
    );
  });
});

describe('instants', () => {
  it('are written in UTC, with microseconds only where there are any', () => {
    expect(formatIsoMicros(1_723_161_600_000_000)).toBe('2024-08-09T00:00:00.000Z');
    expect(formatIsoMicros(1_723_161_600_000_001)).toBe('2024-08-09T00:00:00.000001Z');
    expect(formatIsoMicros(-1)).toBe('1969-12-31T23:59:59.999999Z');
  });
});
