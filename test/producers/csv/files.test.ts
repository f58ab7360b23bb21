import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CsvSource } from '../../../src/producers/csv/csvSource.ts';
import { parseLayouts } from '../../../src/producers/csv/layout.ts';
import { type Bench, openBench } from '../support.ts';

const layoutText = (name: string, more = ''): string => `
name: ${name}
schema: quote
${more}
fields:
  instrument: { template: 'x:{symbol}' }
  eventTime: { column: time, unit: s }
  bid: bid
  ask: ask
`;
const QUOTES = parseLayouts(layoutText('quotes'), 'quotes.yaml');
const ROWS = ['A,1700000000,1.5,1.6', 'B,1700000001,2.5,2.6', 'A,1700000002,3.5,3.6'];
const HEADER = 'symbol,time,bid,ask';

describe('CSV files', () => {
  let bench: Bench;

  beforeEach(async () => {
    bench = await openBench();
  });

  afterEach(() => bench.close());

  async function write(name: string, content: string | Uint8Array): Promise<string> {
    const path = join(bench.directory, name);
    await writeFile(path, content);
    return path;
  }

  /** What was stored, in order of the partitions' offsets: bids by instrument. */
  async function bids(topic = 'quotes'): Promise<Record<string, unknown[]>> {
    const byKey: Record<string, unknown[]> = {};
    for (const { key, bid } of await bench.records(topic)) {
      byKey[key] ??= [];
      byKey[key].push(bid);
    }
    return byKey;
  }

  const text = [HEADER, ...ROWS].join('\n');

  it.each([
    ['LF', text],
    ['a last line with its end', `${text}\n`],
    ['CRLF', text.replaceAll('\n', '\r\n')],
    ['both line ends', text.replace('\n', '\r\n')],
    ['a byte order mark', `\ufeff${text}`],
    ['empty lines', `${text.replaceAll('\n', '\n\n')}\n\n`],
    ['quoted cells', text.replace('A,', '"A",').replace('2.5', '"2.5"')],
    ['gzip', gzipSync(text)],
    ['gzip in two members', Buffer.concat([gzipSync(text.slice(0, 40)), gzipSync(text.slice(40))])],
  ])('are read with %s', async (_, content) => {
    const path = await write('some.data', content);
    const summary = await bench.produce(await CsvSource.open([path], QUOTES));
    expect(summary).toMatchObject({ rows: 3, records: 3, rejected: 0 });
    expect(await bids()).toEqual({ 'x:A': [1.5, 3.5], 'x:B': [2.5] });
  });

  it('keep commas, quotes and letters of any script in quoted cells', async () => {
    const path = await write('q.csv', `${HEADER}\n"a,""b"" é€😀",1700000000,1,2\n`);
    await bench.produce(await CsvSource.open([path], QUOTES));
    expect((await bench.records('quotes')).map(({ key, instrument }) => [key, instrument])).toEqual([
      ['x:a,"b" é€😀', 'x:a,"b" é€😀'],
    ]);
  });

  it('name the line of a bad row, whatever comes before it', async () => {
    const path = await write('q.csv', `${HEADER}\r\n\r\n${ROWS[0]}\r\n\r\nA,never,1,2\r\n`);
    await bench.produce(await CsvSource.open([path], QUOTES));
    expect(await bench.records('deadletter')).toMatchObject([{ position: 5, reason: 'time' }]);
  });

  it('give each file to the first layout that is for its name', async () => {
    const layouts = [
      ...parseLayouts(layoutText('first', "file: '^one'\ntopic: ones"), 'a.yaml'),
      ...parseLayouts(layoutText('second', 'topic: others'), 'b.yaml'),
    ];
    const paths = [await write('one.csv', text), await write('two.csv', text)];
    await bench.produce(await CsvSource.open(paths, layouts));
    expect(await bids('ones')).toEqual(await bids('others'));
    expect((await bench.records('ones')).length).toBe(3);
  });

  it('are merged by event time, ties by the order of the files', async () => {
    const rows = (bid: number, times: readonly number[]) => times.map((time) => `A,${time},${bid},9`).join('\n');
    const paths = [
      await write('b.csv', `${HEADER}\n${rows(1, [10, 20, 30])}`),
      await write('a.csv', `${HEADER}\n${rows(2, [5, 20, 25, 40])}`),
      await write('none.csv', `${HEADER}\n`),
    ];
    const source = await CsvSource.open(paths, QUOTES);
    await bench.produce(source, { bounds: { maxRecords: 2, maxBytes: 1_000, maxMs: 1_000 } });
    expect(await bids()).toEqual({ 'x:A': [2, 1, 1, 2, 2, 1, 2] });
    expect(await bench.produce(source)).toMatchObject({ rows: 0, skipped: 7, done: ['b.csv', 'a.csv', 'none.csv'] });
  });

  it('give the same records for any bounds of a transaction', async () => {
    const lines = Array.from({ length: 40 }, (_, i) => `S${i % 3},${1_700_000_000 + ((i * 7) % 11)},${i},1`);
    const paths = [
      await write('a.csv', [HEADER, ...lines.slice(0, 25)].join('\n')),
      await write('b.csv', [HEADER, ...lines.slice(25)].join('\n')),
    ];
    await bench.produce(await CsvSource.open(paths, QUOTES));
    const expected = await bids();
    let topics = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 1, max: 400 }),
        async (maxRecords, maxBytes) => {
          const topic = `q${topics++}`;
          const bounds = { maxRecords, maxBytes, maxMs: 1_000 };
          await bench.produce(await CsvSource.open(paths, QUOTES, topic), { bounds });
          expect(await bids(topic)).toEqual(expected);
        },
      ),
      { numRuns: 15 },
    );
  });

  it.each([
    ['that lacks a column', 'symbol,time,bid\n', QUOTES, 'TM_LAYOUT', /fields\.ask .*'ask'/],
    ['with a column twice', 'symbol,time,bid,ask,bid\n', QUOTES, 'TM_LAYOUT', /two columns .*'bid'/],
    ['without any line', '', QUOTES, 'TM_LAYOUT', /column 'symbol'/],
    [
      'for which there is no layout',
      text,
      parseLayouts(layoutText('a', "file: '^other'"), 'a.yaml'),
      'TM_LAYOUT',
      /no layout/,
    ],
  ])('refuse one %s before anything is written', async (_, content, layouts, code, message) => {
    const path = await write('wrong.csv', content);
    const produced = CsvSource.open([path], layouts).then((source) => bench.produce(source));
    await expect(produced).rejects.toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message), where: path }),
    );
  });

  it.each([
    ['cut short', (whole: Buffer) => whole.subarray(0, whole.length - 100)],
    ['damaged in the middle', (whole: Buffer) => Buffer.from(whole).fill(0, whole.length / 2, whole.length / 2 + 9)],
  ])('are refused before anything is written when their gzip data are %s', async (_, damage) => {
    const lines = Array.from({ length: 50_000 }, (_, i) => `A,${1_700_000_000 + i},${i},1`);
    const whole = gzipSync([HEADER, ...lines].join('\n'));
    const path = await write('damaged.csv.gz', damage(whole));
    await expect(CsvSource.open([path], QUOTES)).rejects.toThrow(
      expect.objectContaining({ code: 'TM_PRODUCE_FILE', where: path }),
    );
    expect(await bench.log.listTopics()).toEqual([]);
  });

  it('that are not there are an error with their path', async () => {
    await expect(CsvSource.open(['/nowhere/x.csv'], QUOTES)).rejects.toThrow(
      expect.objectContaining({ code: 'TM_PRODUCE_FILE', where: '/nowhere/x.csv' }),
    );
  });
});
