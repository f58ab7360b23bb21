import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hopping, tumbling } from '../../src/index.ts';
import { startAtOrBefore } from '../../src/topology/windows/grid.ts';

const refusedAs = (code: string) => expect.objectContaining({ code });

describe('window definitions', () => {
  it('have a name', () => {
    expect(tumbling('60s').interval).toBe('1m');
    expect(hopping('5m', '60s').interval).toBe('5m/1m');
    expect(tumbling('1d', { offset: '5h' }).interval).toBe('1d+5h');
    expect(hopping('10s', '4s', { offset: '-1s' }).interval).toBe('10s/4s-1s');
  });

  it('refuse a size or slide that is not above zero', () => {
    expect(() => tumbling('0s')).toThrow(refusedAs('TM_DURATION'));
    expect(() => hopping('1s', '0s')).toThrow(refusedAs('TM_DURATION'));
  });

  it('refuse an offset that is not below the slide', () => {
    expect(() => tumbling('1m', { offset: '1m' })).toThrow(refusedAs('TM_WINDOW'));
    expect(() => hopping('1m', '10s', { offset: '-10s' })).toThrow(refusedAs('TM_WINDOW'));
    expect(tumbling('1m', { offset: '59s' }).offsetMicros).toBe(59e6);
  });

  it('start at offset + n * slide, for negative times too', () => {
    const definition = hopping('10ms', '4ms', { offset: '1ms' });
    fc.assert(
      fc.property(fc.integer({ min: -1e9, max: 1e9 }), (tsMicros) => {
        const start = startAtOrBefore(definition, tsMicros);
        expect(start).toBeLessThanOrEqual(tsMicros);
        expect(start + 4_000).toBeGreaterThan(tsMicros);
        expect((((start - 1_000) % 4_000) + 4_000) % 4_000).toBe(0);
      }),
    );
  });
});
