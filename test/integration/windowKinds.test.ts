import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { openStores, serve, temporaryData } from '../api/served.ts';
import { parseCsv } from '../support/oracle/rows.ts';
import { tidemark } from '../support/tidemarkCommand.ts';
import { queryCount, runToEnd } from '../support/tradeRuns.ts';

/** A dozen commands, each a process of its own. */
const SEVERAL_COMMANDS_MS = 240_000;

/** The shortest first. */
const INTERVALS = ['session/30s', 'back/1m', 'global/1m', 'global/2'];

const LAYOUT = `
name: few-trades
schema: tick
fields:
  instrument: { template: "test:{symbol}" }
  eventTime: { column: ms, unit: ms }
  price: price
  size: qty
`;

const TOPOLOGY = `
import { aggregate, bounded, count, globally, keyBy, latestByKey, ohlcv, session, sliding, topology, watermark, window } from 'tidemark';
const windows = [session('30s'), sliding('60s'), globally({ everyCount: 2 }), globally({ everyMs: 60_000 })];
export default topology({ name: 'bars', version: 1, inputs: { ticks: 'ticks' }, build: ({ ticks }) => ({
  bars: ticks.pipe(
    watermark(bounded(0)),
    keyBy('instrument'),
    window(windows, { allowedLatenessMs: 600_000 }),
    aggregate({ ...ohlcv('price', 'size'), count: count() }),
  ),
}), tables: { bars: { views: [latestByKey()] } } });
`;

const MIDNIGHT_MS = Date.UTC(2024, 7, 9);
/** The bounds of global windows. */
const ALL_TIME = ['1900-01-01T00:00:00.000Z', '2255-06-05T23:47:34.740991Z'];

/** The instant so many seconds after midnight. */
function at(seconds: number): string {
  return new Date(MIDNIGHT_MS + seconds * 1_000).toISOString();
}

describe('windows of every kind, stored', () => {
  const data = temporaryData();
  let beforeLate: unknown;

  function file(name: string, text: string): string {
    writeFileSync(join(data, name), text);
    return join(data, name);
  }

  function produce(name: string, seconds: readonly number[], ...options: string[]): Promise<string> {
    const rows = seconds.map((second) => `A,${MIDNIGHT_MS + second * 1_000},${second},1\n`);
    const trades = file(name, `symbol,ms,price,qty\n${rows.join('')}`);
    return tidemark(data, ['produce', 'csv', '--layout', file('layout.yaml', LAYOUT), trades, ...options]);
  }

  async function bars(interval: string) {
    const rows = parseCsv(await tidemark(data, ['bars', '--interval', interval, '--format', 'csv']));
    return rows.map(({ start, end, open, close, count, revision }) => [start, end, open, close, count, revision]);
  }

  beforeAll(async () => {
    const topology = file('bars.ts', TOPOLOGY);
    await produce('first.csv', [0, 50, 200]);
    await runToEnd(data, [topology]);
    beforeLate = await bars('session/30s');
    await produce('late.csv', [25], '--allow-late');
    await runToEnd(data, [topology]);
  }, SEVERAL_COMMANDS_MS);

  // seconds      0    25   30   50        80     200
  // sessions     [---------)    [---------)      [---    the first two are complete, and stored
  // late tick         25                                 is a gap away from both: [0,80), which takes them back
  it(
    'sessions that a late tick has merged are one, and gone',
    async () => {
      expect(beforeLate).toEqual([
        [at(0), at(30), '0', '0', '1', '0'],
        [at(50), at(80), '50', '50', '1', '0'],
        [at(200), at(230), '200', '200', '1', '0'],
      ]);
      expect(await bars('session/30000ms')).toEqual([
        [at(0), at(80), '0', '50', '3', '1'],
        [at(200), at(230), '200', '200', '1', '0'],
      ]);
      const sessions = "WHERE interval = 'session/30s'";
      expect(await queryCount(data, `SELECT count() FROM bars ${sessions}`)).toBe(2);
      expect(await queryCount(data, `SELECT count() FROM bars__g1 ${sessions} AND deleted = 1`)).toBe(2);
    },
    SEVERAL_COMMANDS_MS,
  );

  it(
    'look-backs and global windows are read by their intervals',
    async () => {
      const lookBacks = await bars('back/60s');
      // A look back ends a microsecond after its tick, which is its close.
      expect(lookBacks.map(([, end, , close, count, revision]) => [end, close, count, revision])).toEqual([
        [at(0).replace('Z', '001Z'), '0', '1', '0'],
        [at(25).replace('Z', '001Z'), '25', '2', '0'],
        [at(50).replace('Z', '001Z'), '50', '3', '1'],
        [at(200).replace('Z', '001Z'), '200', '1', '0'],
      ]);
      expect(await bars('global/2')).toEqual([[...ALL_TIME, '0', '200', '4', '2']]);
      expect(await bars('global/60s')).toEqual([[...ALL_TIME, '0', '200', '4', '1']]);
      const latest = 'SELECT interval, count FROM bars_latest ORDER BY interval';
      expect(await tidemark(data, ['query', latest, '--format', 'csv'])).toBe(
        'interval,count\nback/1m,1\nglobal/1m,4\nglobal/2,4\nsession/30s,1\n',
      );
    },
    SEVERAL_COMMANDS_MS,
  );

  it(
    'the API serves them as the command line does',
    async () => {
      const { url } = await serve(await openStores(data));
      const body = async (path: string) => (await fetch(url + path)).text();
      for (const interval of INTERVALS) {
        const printed = await tidemark(data, ['bars', '--interval', interval, '--format', 'csv']);
        expect(await body(`/v1/bars?interval=${interval}&format=csv`), interval).toBe(printed);
      }
      expect((await body('/v1/symbols')).match(/(?<="interval":")[^"]*/g)).toEqual(INTERVALS);
      expect(JSON.parse(await body('/v1/latest?interval=global/2'))).toMatchObject({
        bars: [{ interval: 'global/2', start: ALL_TIME[0], end: ALL_TIME[1], count: 4, revision: 2 }],
      });
    },
    SEVERAL_COMMANDS_MS,
  );
});
