import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CsvSource } from '../../../src/producers/csv/csvSource.ts';
import { parseLayouts } from '../../../src/producers/csv/layout.ts';
import { type Bench, openBench, type StoredRecord } from '../support.ts';

const TICKS = parseLayouts(
  `
name: ticks
schema: tick
fields:
  instrument: { template: 'x:{symbol}' }
  eventTime: { column: time, unit: ms }
  price: price
  size: size
  side: side
  sequence: id
  receiveTime: { column: received, unit: ms }
`,
  'ticks.yaml',
);
const HEADER = 'symbol,time,price,size,side,id,received';
const GOOD = 'A,1723161255342,61837.63000000,0.02,buy,7,1723161255343';
const MAX_PAYLOAD_BYTES = 65_536;

/** A row that differs from a good one in one column. */
function row(column: string, text: string): string {
  const cells = GOOD.split(',');
  cells[HEADER.split(',').indexOf(column)] = text;
  return cells.join(',');
}

describe('rows that cannot be used', () => {
  let bench: Bench;
  let files = 0;

  beforeAll(async () => {
    bench = await openBench();
  });

  afterAll(() => bench.close());

  /** Produces a file of one line between two good rows into a topic of its own. */
  async function produceLine(line: string): Promise<{ file: string; ticks: StoredRecord[]; letters: StoredRecord[] }> {
    const file = `file${files++}.csv`;
    const path = join(bench.directory, file);
    await writeFile(path, [HEADER, GOOD, line, GOOD, ''].join('\n'));
    const topic = file.replace('.csv', '');
    await bench.produce(await CsvSource.open([path], TICKS, topic));
    const letters = (await bench.records('deadletter')).filter(({ source }) => source === file);
    return { file, ticks: await bench.records(topic), letters };
  }

  it.each([
    ['number', row('price', 'abc'), 'price is not a number: "abc"'],
    ['columns', row('price', '1,5'), '8 columns instead of 7'],
    ['number', row('size', 'NaN'), 'size is not a number: "NaN"'],
    ['number', row('size', 'Infinity'), 'size is not a number: "Infinity"'],
    ['number', row('id', '1.5'), 'sequence is not a whole number below 2^53: "1.5"'],
    ['number', row('id', '9007199254740993'), 'sequence is not a whole number below 2^53'],
    ['digits', row('price', '1234567890.123456'), 'price has 16 significant digits'],
    ['range', row('size', '0.0000000000000000001'), 'size has more than 18 decimals'],
    ['range', row('size', '1e-400'), 'size has more than 18 decimals'],
    ['range', row('size', '1e18'), 'size is not below 10^18'],
    ['range', row('size', '1e999'), 'size is not below 10^18'],
    ['time', row('time', ''), 'eventTime is empty'],
    ['time', row('time', 'noon'), 'eventTime is not a time in 1900 to 2200: "noon"'],
    ['time', row('time', '1723161255342000'), 'eventTime is not a time'],
    ['time', row('time', '-2208988800001'), 'eventTime is not a time'],
    ['time', row('received', 'soon'), 'receiveTime is not a time'],
    ['negative', row('price', '-0.01'), 'price is negative: "-0.01"'],
    ['negative', row('size', '-1'), 'size is negative'],
    ['columns', 'A,1723161255342,1', '3 columns instead of 7'],
    ['columns', `${GOOD},more`, '8 columns instead of 7'],
    ['columns', GOOD.replace('A', '"A'), 'Quote Not Closed'],
    ['missing', row('symbol', ''), 'instrument is empty'],
    ['missing', row('price', ''), 'price is empty'],
    ['value', row('side', 'hold'), 'side is none of buy, sell: "hold"'],
  ])('go to deadletter as %s: %s', async (reason, line, detail) => {
    const { file, ticks, letters } = await produceLine(line);
    expect(letters).toHaveLength(1);
    expect(letters[0]).toMatchObject({
      source: file,
      key: file,
      position: 3,
      topic: file.replace('.csv', ''),
      reason,
      detail: expect.stringContaining(detail),
      payload: Buffer.from(line),
    });
    expect(ticks).toHaveLength(2);
  });

  it.each([
    ['zero size', row('size', '0')],
    ['15 digits and zeros around them', row('price', '0012345.6789012345000')],
    ['18 decimals', row('size', '0.000000000000000001')],
    ['an exponent', row('size', '1.5E-7')],
    ['minus zero', row('size', '-0.00')],
    ['no side, id and receive time', 'A,1723161255342,1,1,,,'],
    ['the first instant of 1900', row('time', '-2208988800000')],
  ])('do not include %s', async (_, line) => {
    const { ticks, letters } = await produceLine(line);
    expect(letters).toEqual([]);
    expect(ticks).toHaveLength(3);
  });

  it('are counted, and never stop the run', async () => {
    const path = join(bench.directory, 'many.csv');
    const lines = Array.from({ length: 3_000 }, (_, i) => (i % 3 === 0 ? row('price', `x${i}`) : GOOD));
    await writeFile(path, [HEADER, ...lines].join('\n'));
    const bounds = { maxRecords: 100, maxBytes: 1_000_000, maxMs: 1_000_000 };
    const summary = await bench.produce(await CsvSource.open([path], TICKS, 'many'), { bounds });
    expect(summary).toMatchObject({ rows: 3_000, records: 2_000, rejected: 1_000, skipped: 0 });
    const letters = (await bench.records('deadletter')).filter(({ topic }) => topic === 'many');
    expect(letters.map(({ position }) => position)).toEqual(Array.from({ length: 1_000 }, (_, i) => 2 + 3 * i));
  });

  it('are cut in their dead letter when they are long', async () => {
    const { letters } = await produceLine(row('symbol', `${'A'.repeat(100_000)},`));
    expect(letters[0]).toMatchObject({ reason: 'columns', position: 3 });
    expect(letters[0]?.payload).toHaveLength(MAX_PAYLOAD_BYTES);
  });

  it('include a line longer than any row, which is not held in memory', async () => {
    const { letters, ticks } = await produceLine(row('symbol', 'A'.repeat(3_000_000)));
    expect(letters[0]).toMatchObject({ reason: 'columns', position: 3, detail: expect.stringContaining('characters') });
    expect(ticks).toHaveLength(2);
  });

  it('of a source bar are not those with many digits, which stay as the source sent them', async () => {
    const layouts = parseLayouts(
      `{name: b, schema: source_bar, columns: [t, o, v], fields: {instrument: {value: 'x:y'}, interval: {value: 1d},
        eventTime: {column: t, format: iso}, open: o, volume: v, source: {value: z}}}`,
      'bars.yaml',
    );
    const path = join(bench.directory, 'bars.csv');
    await writeFile(path, '2024-01-02,103.72000122070312,1\n2024-01-03,-1,2\n2024-01-04,,3\n');
    await bench.produce(await CsvSource.open([path], layouts));
    expect(await bench.records('source_bars')).toMatchObject([
      {
        open: 103.72000122070312,
        close: null,
        adjusted: false,
        provisional: false,
        revision: 0,
        eventTime: 1704153600000000,
      },
      { open: null, volume: 3 },
    ]);
    const letters = (await bench.records('deadletter')).filter(({ source }) => source === 'bars.csv');
    expect(letters).toMatchObject([{ reason: 'negative', position: 2 }]);
  });
});
