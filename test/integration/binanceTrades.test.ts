import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { contentsOf } from '../support/logContents.ts';
import { dataFile, haveDataFiles, readLines } from '../support/oracle/files.ts';
import { parseCsv } from '../support/oracle/rows.ts';
import { readTrades, type Trade } from '../support/oracle/tradeBars.ts';
import { requirement } from '../support/requirement.ts';
import {
  allBarsCsv,
  expectBarsOf,
  produceTrades,
  queryCount,
  runToEnd,
  TRADE_COUNT,
  TRADES,
} from '../support/tradeRuns.ts';

const STEP_TIMEOUT_MS = 180_000;

const available = requirement('data', haveDataFiles(), 'bars of the real Binance trades');

describe.skipIf(!available)('bars of 78,638 real trades, a quarter of them out of order', () => {
  let directory: string;
  let trades: Trade[];

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tidemark-binance-'));
    trades = readTrades(dataFile(TRADES));
  });

  afterAll(async () => {
    await rm(directory, { recursive: true, force: true });
  });

  it('equal an exact computation, and neither a second produce nor a second run changes anything', {
    timeout: STEP_TIMEOUT_MS,
  }, async () => {
    const data = join(directory, 'whole');
    await produceTrades(data, [dataFile(TRADES)]);
    await runToEnd(data);

    const bars = await allBarsCsv(data);
    expect(trades).toHaveLength(TRADE_COUNT);
    expectBarsOf(trades, bars);
    const revisions = Object.values(bars).flatMap((csv) => parseCsv(csv).map((bar) => bar.revision));
    expect(new Set(revisions)).toEqual(new Set(['0']));
    expect(await queryCount(data, 'SELECT count() FROM ticks')).toBe(TRADE_COUNT);
    expect(await queryCount(data, 'SELECT count() FROM late')).toBe(0);

    const topics = async () => [
      await contentsOf(data, 'ticks'),
      await contentsOf(data, 'bars'),
      await contentsOf(data, 'bars.late'),
    ];
    const before = await topics();
    await runToEnd(data);
    expect(await topics()).toEqual(before);
    await produceTrades(data, [dataFile(TRADES)]);
    await runToEnd(data);
    expect(await topics()).toEqual(before);
    expect(await allBarsCsv(data)).toEqual(bars);
    expect(await queryCount(data, 'SELECT count() FROM ticks')).toBe(TRADE_COUNT);
  });

  it('are the same where the file comes in two halves with a run after each', {
    timeout: STEP_TIMEOUT_MS,
  }, async () => {
    const data = join(directory, 'halves');
    const [header, ...lines] = readLines(dataFile(TRADES));
    const middle = Math.floor(lines.length / 2);
    const plain = join(directory, 'first.csv');
    const zipped = join(directory, 'second.csv.gz');
    await writeFile(plain, `${[header, ...lines.slice(0, middle)].join('\n')}\n`);
    await writeFile(zipped, gzipSync([header, ...lines.slice(middle)].join('\n')));

    await produceTrades(data, [plain]);
    await runToEnd(data);
    expectBarsOf(trades.slice(0, middle), await allBarsCsv(data));
    await produceTrades(data, [zipped]);
    await runToEnd(data);

    expectBarsOf(trades, await allBarsCsv(data));
    expect(await queryCount(data, 'SELECT count() FROM ticks')).toBe(TRADE_COUNT);
    expect(await queryCount(data, 'SELECT count() FROM late')).toBe(0);
  });
});
