import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CsvSource } from '../../src/producers/csv/csvSource.ts';
import { parseLayouts } from '../../src/producers/csv/layout.ts';
import type { ProduceSummary } from '../../src/producers/produce.ts';
import { type Bench, NOW_MS, openBench } from './support.ts';

const layoutText = `
name: ticks
schema: tick
columns: [symbol, time, price]
fields:
  instrument: symbol
  eventTime: { column: time, unit: s }
  price: price
  size: { value: 1 }
`;
const LAYOUT = parseLayouts(layoutText, 'ticks.yaml');
const START_S = NOW_MS / 1_000 - 7_200;
const SMALL = { maxRecords: 10, maxBytes: 1_000_000, maxMs: 1_000_000 };

describe('produce', () => {
  let bench: Bench;

  beforeEach(async () => {
    bench = await openBench();
  });

  afterEach(() => bench.close());

  /** A file of ticks a second apart, from so many seconds after the start; the price is the tick's number. */
  async function ticksFile(name: string, from: number, count: number, symbol = 'x:A'): Promise<string> {
    const path = join(bench.directory, name);
    const rows = Array.from({ length: count }, (_, i) => `${symbol},${START_S + from + i},${from + i}`);
    await writeFile(path, `${rows.join('\n')}\n`);
    return path;
  }

  const open = (...paths: string[]) => CsvSource.open(paths, LAYOUT);
  const prices = async (topic = 'ticks') => (await bench.records(topic)).map(({ price }) => price);
  const upTo = (count: number) => Array.from({ length: count }, (_, i) => i);

  it('makes topics and schemas that are missing, and keys records by instrument', async () => {
    await bench.produce(await open(await ticksFile('a.csv', 0, 3)), { partitions: 2 });
    const topics = await bench.log.listTopics();
    expect(topics.map(({ topic, partitions, retentionMs }) => [topic, partitions, retentionMs])).toEqual([
      ['deadletter', 2, -1],
      ['ticks', 2, -1],
    ]);
    expect((await bench.records('ticks')).map(({ key }) => key)).toEqual(['x:A', 'x:A', 'x:A']);
  });

  it('keeps the partitions of a topic that is there', async () => {
    await bench.log.createTopic('ticks', { partitions: 7, retentionMs: -1 });
    await bench.produce(await open(await ticksFile('a.csv', 0, 3)));
    expect(await bench.log.ranges('ticks')).toHaveLength(7);
  });

  it('adds nothing for the same content, by whatever name', async () => {
    const first = await bench.produce(await open(await ticksFile('a.csv', 0, 30)));
    expect(first).toMatchObject({ rows: 30, skipped: 0, done: [], complete: true });
    const second = await bench.produce(await open(await ticksFile('renamed.csv', 0, 30)));
    expect(second).toMatchObject({ rows: 0, records: 0, skipped: 30, done: ['renamed.csv'], complete: true });
    expect(await prices()).toEqual(upTo(30));
  });

  it('counts the bytes of keys and values that it writes', async () => {
    const { bytes } = await bench.produce(await open(await ticksFile('a.csv', 0, 30)), { bounds: SMALL });
    let stored = 0;
    for (const { topic } of await bench.log.listTopics()) {
      for (const { partition, begin, end } of await bench.log.ranges(topic)) {
        const reader = await bench.log.openReader([{ topic, partition, offset: begin }]);
        while (reader.position({ topic, partition }) < end) {
          const chunk = await reader.read({ maxRecords: 100, maxBytes: 1_000_000 }, 0);
          for (let i = 0; i < (chunk?.count ?? 0); i++) {
            stored += Number(chunk?.keyEnds[i]) - Number(chunk?.keyStarts[i]);
            stored += Number(chunk?.valueEnds[i]) - Number(chunk?.valueStarts[i]);
          }
        }
        await reader.close();
      }
    }
    expect(stored).toBeGreaterThan(0);
    expect(bytes).toBe(stored);
  });

  it('adds it once more when told to', async () => {
    const source = await open(await ticksFile('a.csv', 0, 30));
    await bench.produce(source);
    expect(await bench.produce(source, { again: true })).toMatchObject({ rows: 30, skipped: 0, done: [] });
    expect(await prices()).toEqual([...upTo(30), ...upTo(30)]);
    expect(await bench.produce(source)).toMatchObject({ rows: 0, skipped: 30 });
  });

  it('takes the same content with another layout, or for another topic, for another source', async () => {
    const path = await ticksFile('a.csv', 0, 30);
    await bench.produce(await open(path));
    const twoEach = parseLayouts(layoutText.replace('value: 1', 'value: 2'), 'ticks.yaml');
    expect(await bench.produce(await CsvSource.open([path], twoEach))).toMatchObject({ rows: 30, skipped: 0 });
    expect(await bench.produce(await CsvSource.open([path], LAYOUT, 'more'))).toMatchObject({ rows: 30, skipped: 0 });
    const reworded = parseLayouts(`# a comment\n${layoutText.replace('name: ticks', 'name: other')}`, 'other.yaml');
    expect(await bench.produce(await CsvSource.open([path], reworded))).toMatchObject({ rows: 0, skipped: 30 });
  });

  it('takes a file that is given twice once', async () => {
    const paths = [await ticksFile('a.csv', 0, 30), await ticksFile('b.csv', 0, 30)];
    expect(await bench.produce(await open(...paths))).toMatchObject({ rows: 30 });
  });

  it('commits what it has when it is stopped, and goes on from there', async () => {
    const source = await open(await ticksFile('a.csv', 0, 95), await ticksFile('b.csv', 1_000, 5));
    const summaries: ProduceSummary[] = [];
    for (let stops = 0; stops < 20 && summaries.at(-1)?.complete !== true; stops++) {
      const stop = new AbortController();
      summaries.push(
        await bench.produce(source, { bounds: SMALL, signal: stop.signal, onProgress: () => stop.abort() }),
      );
    }
    // The batch that was being written when it was stopped, and what was gathered meanwhile.
    expect(summaries.every(({ rows }) => rows > 0 && rows <= 20)).toBe(true);
    let rowsBefore = 0;
    for (const { rows, skipped } of summaries) {
      expect(skipped).toBe(rowsBefore);
      rowsBefore += rows;
    }
    expect(await prices()).toEqual([...upTo(95), 1_000, 1_001, 1_002, 1_003, 1_004]);
  });

  it('is fenced by a second run of the same source', async () => {
    const path = await ticksFile('a.csv', 0, 95);
    const source = await open(path);
    let second: Promise<ProduceSummary> | null = null;
    const first = bench.produce(source, {
      bounds: SMALL,
      onProgress: () => {
        second ??= bench.produce(source, { bounds: SMALL });
      },
    });
    await expect(first).rejects.toThrow(expect.objectContaining({ code: 'TM_LOG_FENCED' }));
    await second;
    expect(await prices()).toEqual(upTo(95));
  });

  describe('history', () => {
    const LATENESS_S = 301;

    it('is refused before anything is written, with how many rows would be late', async () => {
      await bench.produce(await open(await ticksFile('new.csv', 1_000, 10)));
      const source = await open(await ticksFile('old.csv', 0, 900));
      await expect(bench.produce(source)).rejects.toThrow(
        expect.objectContaining({
          code: 'TM_PRODUCE_HISTORY',
          message: expect.stringContaining(`${1_009 - LATENESS_S + 1} of 900 rows would be late`),
          hint: expect.stringMatching(/--topic.*--allow-late/),
        }),
      );
      expect(await prices()).toHaveLength(10);
      expect(await bench.produce(source, { allowLate: true })).toMatchObject({ rows: 900 });
    });

    it('is what lies at or before the highest time less disorder and lateness, in the row’s own partition', async () => {
      await bench.produce(await open(await ticksFile('new.csv', 1_000, 1)));
      expect(await bench.produce(await open(await ticksFile('near.csv', 1_000 - LATENESS_S + 1, 1)))).toMatchObject({
        rows: 1,
      });
      await expect(bench.produce(await open(await ticksFile('far.csv', 1_000 - LATENESS_S, 1)))).rejects.toThrow(
        expect.objectContaining({ code: 'TM_PRODUCE_HISTORY' }),
      );
      const elsewhere = await ticksFile('elsewhere.csv', 0, 1, 'x:C');
      await bench.produce(await open(elsewhere));
      const partitions = new Set((await bench.records('ticks')).map(({ partition }) => partition));
      expect(partitions.size).toBe(2);
    });

    it('is no matter for a file that was begun before', async () => {
      const source = await open(await ticksFile('old.csv', 0, 40));
      const stop = new AbortController();
      await bench.produce(source, { bounds: SMALL, signal: stop.signal, onProgress: () => stop.abort() });
      await bench.produce(await open(await ticksFile('new.csv', 5_000, 10)));
      expect(await bench.produce(source)).toMatchObject({ rows: 20, skipped: 20 });
      expect(await bench.produce(source, { again: true })).toMatchObject({ rows: 40 });
    });

    it('does not begin with a row far ahead of the clock', async () => {
      await bench.produce(await open(await ticksFile('future.csv', 1_000_000, 1)));
      expect(await bench.produce(await open(await ticksFile('present.csv', 0, 10)))).toMatchObject({ rows: 10 });
    });
  });
});
