import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadLayouts, parseLayouts } from '../../../src/producers/csv/layout.ts';

const SOUND = `
name: trades
schema: tick
fields:
  instrument: { value: 'x:y' }
  eventTime: { column: t, unit: ms }
  price: p
  size: [q, { value: 1 }]
  side: { column: s, map: { true: sell, 1: buy } }
`;

describe('parseLayouts', () => {
  it('writes short forms out', () => {
    const [layout] = parseLayouts(SOUND, 'my.yaml');
    expect(layout).toMatchObject({ name: 'trades', schema: 'tick', topic: 'ticks', file: null, columns: null });
    expect(layout?.fields.get('price')).toEqual([{ column: 'p' }]);
    expect(layout?.fields.get('size')).toEqual([{ column: 'q' }, { value: '1' }]);
    expect(layout?.fields.get('side')).toEqual([{ column: 's', map: { true: 'sell', 1: 'buy' } }]);
  });

  it('takes several layouts from one file', () => {
    const names = parseLayouts(`${SOUND}---${SOUND.replace('trades', 'more')}`, 'my.yaml').map(({ name }) => name);
    expect(names).toEqual(['trades', 'more']);
  });

  it.each([
    ['an unknown key', SOUND.replace('schema:', 'topik: x\nschema:'), /no layout key topik/, /topic/],
    [
      'an unknown key of a field',
      SOUND.replace('unit: ms', 'units: ms'),
      /no layout key fields\.eventTime\.units/,
      /unit/,
    ],
    ['an unknown unit', SOUND.replace('unit: ms', 'unit: h'), /fields\.eventTime\.unit .*s, ms, us, ns/, /examples/],
    ['an unknown schema', SOUND.replace('tick', 'tock'), /schema .*tick, quote, source_bar/, /examples/],
    ['a missing name', SOUND.replace('name: trades', ''), /name/, /examples/],
    ['a number for a column', SOUND.replace('price: p', 'price: 4'), /fields\.price/, /examples/],
    ['a broken pattern', `file: '('\n${SOUND}`, /file: \( is not a regular expression/, /example/],
    ['text that is not YAML', 'a: [', /not YAML/, /examples/],
    ['nothing', '', /empty/, /examples/],
    ['a list', '- a', /layout/, /examples/],
  ])('refuses %s, with the key and what to do', (_, text, message, hint) => {
    expect(() => parseLayouts(text, 'my.yaml')).toThrow(
      expect.objectContaining({
        code: 'TM_LAYOUT',
        where: 'my.yaml',
        message: expect.stringMatching(message),
        hint: expect.stringMatching(hint),
      }),
    );
  });

  it('says which file cannot be read', () => {
    expect(() => loadLayouts('/nowhere/layout.yaml')).toThrow(
      expect.objectContaining({ code: 'TM_LAYOUT', where: '/nowhere/layout.yaml' }),
    );
  });

  it('reads every example', () => {
    const directory = resolve(import.meta.dirname, '../../../examples/layouts');
    const layouts = readdirSync(directory).flatMap((file) => loadLayouts(join(directory, file)));
    expect(layouts.length).toBeGreaterThanOrEqual(6);
  });
});
