import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CsvSource } from '../../../src/producers/csv/csvSource.ts';
import { parseLayouts } from '../../../src/producers/csv/layout.ts';
import { resolveLetters } from '../../../src/producers/deadletters/resolve.ts';
import { type Bench, NOW_MS, openBench } from '../support.ts';
import { LETTER, listed, resolveOptions, writeLetters } from './support.ts';

/** Of the day and the venue in the file's name; times count from that day's midnight. */
const LAYOUT = `
name: trades
schema: tick
file: '^trades_(?<venue>[a-z]+)_(?<day>\\d{8})'
fields:
  instrument: { template: '{venue}:{symbol}' }
  eventTime: { column: time, unit: ms, midnightOf: '{day}' }
  price: price
  size: { value: 1 }
  side: { column: side, map: { B: buy } }
`;
const CORRECTED = LAYOUT.replace('B: buy', 'B: buy, S: sell');
const FILE = 'trades_x_20240809.csv';
const MIDNIGHT_MICROS = Date.UTC(2024, 7, 9) * 1_000;
const ROWS = 'symbol,time,price,side\n"A,1",1000,10.5,B\nB,2000,11,S\n"C,1",3000,12,S\nD,4000,ten,S\n';

describe('dead letters of CSV rows', () => {
  let bench: Bench;

  beforeEach(async () => {
    bench = await openBench();
  });

  afterEach(() => bench.close());

  async function produce(layout: string, text = ROWS, topic?: string): Promise<void> {
    const path = join(bench.directory, FILE);
    await writeFile(path, text);
    await bench.produce(await CsvSource.open([path], parseLayouts(layout, 'layout.yaml'), topic));
  }

  const release = (layout: string | null, now = NOW_MS) => {
    const layouts = layout === null ? [] : parseLayouts(layout, 'layout.yaml');
    return resolveLetters(
      { filter: { state: 'open' } },
      'released',
      resolveOptions(bench, { layouts, now: () => now }),
    );
  };
  const ticks = async (topic = 'ticks') =>
    (await bench.records(topic)).sort((a, b) => Number(a.eventTime) - Number(b.eventTime));

  it('are released by a corrected layout as the file would be read, each once; others stay open', async () => {
    await produce(LAYOUT);
    expect(await listed(bench)).toMatchObject(
      [3, 4, 5].map((position) => ({ position, header: 'symbol,time,price,side' })),
    );
    const first = await release(CORRECTED);
    expect(first).toMatchObject({ done: 2, already: 0, refused: 1 });
    expect(first.firstRefusal?.message).toContain('price is not a number: "ten"');
    expect(await release(CORRECTED)).toMatchObject({ done: 0, refused: 1 });
    expect(await ticks()).toMatchObject([
      { key: 'x:A,1', side: 'buy', eventTime: MIDNIGHT_MICROS + 1_000_000, price: 10.5 },
      { key: 'x:B', side: 'sell', eventTime: MIDNIGHT_MICROS + 2_000_000, price: 11 },
      { key: 'x:C,1', side: 'sell', eventTime: MIDNIGHT_MICROS + 3_000_000, price: 12 },
    ]);
    expect((await listed(bench)).map(({ position }) => position)).toEqual([5]);
  });

  it('are released into the topic that they were meant for', async () => {
    await produce(LAYOUT, ROWS, 'trades');
    expect(await release(CORRECTED)).toMatchObject({ done: 2 });
    expect(await ticks('trades')).toHaveLength(3);
  });

  it('are read by the columns that a layout names', async () => {
    const headerless = LAYOUT.replace('fields:', 'columns: [symbol, time, price, side]\nfields:');
    await produce(headerless, ROWS.slice(ROWS.indexOf('\n') + 1));
    expect((await listed(bench)).map(({ header }) => header)).toEqual([null, null, null]);
    expect((await release(CORRECTED)).firstRefusal?.message).toContain('name them in the layout (columns: […])');
    expect(await release(headerless.replace('B: buy', 'B: buy, S: sell'))).toMatchObject({ done: 2, refused: 1 });
  });

  it.each([
    ['no layout', null, 'it is a row of a file', '--layout FILE'],
    ['a layout that is as wrong as before', LAYOUT, 'side is none of buy, sell: "S"', '--layout FILE'],
    ['a layout of another file', CORRECTED.replace('^trades', '^quotes'), 'no layout is for this file', 'pattern'],
    [
      'a layout of a column that is not there',
      CORRECTED.replace('price: price', 'price: cost'),
      "column 'cost'",
      'symbol',
    ],
    [
      'a layout of another schema',
      CORRECTED.replace('schema: tick', 'schema: quote'),
      'none of the layouts',
      '--value',
    ],
  ])('stay open with %s, and it is said what to give', async (_, layout, words, hint) => {
    await produce(LAYOUT);
    const { done, refused, firstRefusal } = await release(layout);
    expect([done, refused]).toEqual([0, 3]);
    expect(firstRefusal).toMatchObject({ code: 'TM_DEAD_LETTER_UNUSABLE', message: expect.stringContaining(words) });
    expect(firstRefusal?.hint).toContain(hint);
  });

  it('stay open while their time is too far ahead', async () => {
    await produce(LAYOUT);
    const { firstRefusal } = await release(CORRECTED, NOW_MS - 48 * 3_600_000);
    expect(firstRefusal?.message).toContain('ahead of the clock');
  });

  it('are told from messages of APIs and exchanges, which no layout reads', async () => {
    const payload = Buffer.from('{"price":"x"}');
    await writeLetters(bench.log, bench.registry, [{ ...LETTER, source: 'venue coinbase', payload }]);
    const { firstRefusal } = await release(CORRECTED);
    expect(firstRefusal?.hint).toContain('asked for again');
  });
});
