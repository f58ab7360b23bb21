import { describe, expect, it } from 'vitest';
import { globally, hopping, session, sliding, tumbling } from '../../src/index.ts';
import { intervalName } from '../../src/query/interval.ts';

describe('the name of an interval', () => {
  it('is accepted for windows of every kind, as their results have it', () => {
    const definitions = [
      tumbling('1m'),
      tumbling('1d', { offset: '-9h' }),
      hopping('5m', '1m', { offset: '30s' }),
      session('30s'),
      sliding('1500ms'),
      globally({ everyCount: 100 }),
      globally({ everyMs: 60_000 }),
    ];
    const names = definitions.map(({ interval }) => interval);
    expect(names.map(intervalName)).toEqual(names);
    expect(new Set(names).size).toBe(names.length);
  });

  it.each([
    ['60s', '1m'],
    ['300s/60s+90000ms', '5m/1m+90s'],
    ['session/60s', 'session/1m'],
    ['back/60s', 'back/1m'],
    ['global/60000ms', 'global/1m'],
    ['global/60', 'global/60'],
  ])('of %s is %s', (text, name) => {
    expect(intervalName(text)).toBe(name);
  });

  it.each([
    '',
    '1',
    'm',
    '1m/',
    'session',
    'session/',
    'session/30',
    'session/30s+1s',
    'back/1',
    'global/0',
    'global/',
    'day/1s',
  ])('%j is none', (text) => {
    expect(intervalName(text)).toBeNull();
  });

  it.each(['0s', 'session/0s', 'global/0m'])('%s is refused for its duration', (text) => {
    expect(() => intervalName(text)).toThrow(expect.objectContaining({ code: 'TM_DURATION' }));
  });
});
