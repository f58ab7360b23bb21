import { expect } from 'vitest';
import { type ColumnKind, differences, disorder, parseCsv } from './oracle/rows.ts';
import { type Trade, tradeBars } from './oracle/tradeBars.ts';
import type { Interval } from './oracle/tumble.ts';
import { type CommandOptions, tidemark } from './tidemarkCommand.ts';

export const TRADES = 'crypto_ticks/binance_trades_20240808-09.csv.gz';
export const TRADE_COUNT = 78_638;
export const TRADES_LAYOUT = 'examples/layouts/binance-trades.yaml';
export const BAR_INTERVALS = ['1s', '1m', '5m', '1h'] as const satisfies readonly Interval[];

const BAR_COLUMNS: Readonly<Record<string, ColumnKind>> = {
  symbol: 'text',
  start: 'time',
  end: 'time',
  open: 'decimal',
  high: 'decimal',
  low: 'decimal',
  close: 'decimal',
  volume: 'decimal',
  vwap: 'double',
  count: 'text',
};

export function produceTrades(data: string, files: readonly string[], options?: CommandOptions): Promise<string> {
  return tidemark(data, ['produce', 'csv', '--layout', TRADES_LAYOUT, ...files], options);
}

/** Runs a topology (the packaged bars unless a file is named) and the sink to the ends that the inputs have now. */
export function runToEnd(
  data: string,
  topologyFiles: readonly string[] = [],
  options?: CommandOptions,
): Promise<string> {
  return tidemark(data, ['run', ...topologyFiles, '--roles', 'topology,sink', '--until-end'], options);
}

export function barsCsv(data: string, interval: Interval, options?: CommandOptions): Promise<string> {
  return tidemark(data, ['bars', '--interval', interval, '--format', 'csv'], options);
}

/** Bars of all four intervals, as `tidemark bars` prints them. */
export async function allBarsCsv(data: string, options?: CommandOptions): Promise<Record<string, string>> {
  const printed: Record<string, string> = {};
  for (const interval of BAR_INTERVALS) printed[interval] = await barsCsv(data, interval, options);
  return printed;
}

/** Expects every bar of every interval to equal the oracle's, revision aside. */
export function expectBarsOf(trades: readonly Trade[], printed: Readonly<Record<string, string>>): void {
  for (const interval of BAR_INTERVALS) {
    const actual = parseCsv(printed[interval] ?? '');
    const expected = tradeBars(trades, interval);
    expect(differences({ expected, actual, key: ['symbol', 'start'], columns: BAR_COLUMNS }), interval).toEqual([]);
    expect(disorder(actual, ['symbol', 'start']), interval).toEqual([]);
  }
}

/** The one number that a query gives. */
export async function queryCount(data: string, sql: string, options?: CommandOptions): Promise<number> {
  const lines = (await tidemark(data, ['query', sql, '--format', 'csv'], options)).trim().split('\n');
  return Number(lines[1]);
}
