import { beforeAll, describe, expect, it } from 'vitest';
import { queryBars, storedBars } from '../../src/query/bars.ts';
import { sourceBarsTarget } from '../../src/sinks/clickhouse/insertTarget.ts';
import { migrate } from '../../src/sinks/clickhouse/migrate.ts';
import { createOutput, serveGeneration } from '../../src/sinks/clickhouse/outputTables.ts';
import { avroSchema, type Value } from '../sinks/clickhouse/schemas.ts';
import { barsSpec, insertRows, micros, temporaryClickHouse } from '../sinks/clickhouse/support.ts';

const SCHEMA = avroSchema('source_bar');
const MINUTE = 60_000_000;
const NOON = micros('2024-08-09T12:00:00Z');

/** A minute bar, `minute` minutes after noon. */
function bar(minute: number, values: Readonly<Record<string, Value>> = {}): Readonly<Record<string, Value>> {
  return {
    ...{ instrument: 'v:A', interval: '1m', eventTime: NOON + minute * MINUTE, source: 'v', currency: null },
    ...{ open: 10, high: 12, low: 9, close: 11, volume: 0.1, adjusted: false, provisional: false, revision: 0 },
    ...{
      request: null,
      receiveTime: null,
      adjustedClose: null,
      dividend: null,
      splitFactor: null,
      capitalGain: null,
      suspect: null,
    },
    ...values,
  };
}

describe('published bars', async () => {
  const clickhouse = await temporaryClickHouse();
  let offset = 0;

  async function publish(rows: readonly Readonly<Record<string, Value>>[], isHistory = false): Promise<void> {
    await insertRows(clickhouse, sourceBarsTarget(SCHEMA, isHistory), SCHEMA, rows, { firstOffset: offset });
    offset += rows.length;
  }

  async function served(interval: string, query: Readonly<Record<string, unknown>> = {}): Promise<string[]> {
    const { pieces } = await queryBars({
      ...{ clickhouse, topology: 'bars', output: 'bars', interval, format: 'csv', symbol: 'v:A' },
      ...query,
    });
    let text = '';
    for await (const piece of pieces) text += piece;
    return text.trimEnd().split('\n').slice(1);
  }

  /** The series of a symbol that are served, from when to when. */
  async function seriesOf(symbol: string): Promise<string[]> {
    const rows = await clickhouse.rows<{ text: string }>(
      "SELECT concat(interval, ' ', toString(adjusted), ' ', formatDateTime(first, '%F %R'), ' ', formatDateTime(last, '%F %R')) " +
        'AS text FROM published_series WHERE symbol = {symbol:String} ORDER BY text',
      { parameters: { symbol } },
    );
    return rows.map(({ text }) => text);
  }

  beforeAll(async () => {
    expect(await storedBars(clickhouse, 'bars')).toEqual({ generation: null, hasPublished: false });
    await migrate(clickhouse);
    expect(await storedBars(clickhouse, 'bars')).toEqual({ generation: null, hasPublished: false });
  });

  it('are served as they were published, and in hours and days made of the minutes', async () => {
    await publish([bar(-1, { open: 3, low: 2, volume: 0.2 }), bar(0, { open: null, close: 11.5 }), bar(1), bar(1_440)]);
    expect(await served('1m')).toEqual([
      'v:A,2024-08-09T11:59:00.000Z,2024-08-09T12:00:00.000Z,3,12,2,11,0.2,,1,0',
      'v:A,2024-08-09T12:00:00.000Z,2024-08-09T12:01:00.000Z,,12,9,11.5,0.1,,1,0',
      'v:A,2024-08-09T12:01:00.000Z,2024-08-09T12:02:00.000Z,10,12,9,11,0.1,,1,0',
      'v:A,2024-08-10T12:00:00.000Z,2024-08-10T12:01:00.000Z,10,12,9,11,0.1,,1,0',
    ]);
    expect(await served('1h')).toEqual([
      'v:A,2024-08-09T11:00:00.000Z,2024-08-09T12:00:00.000Z,3,12,2,11,0.2,,1,0',
      'v:A,2024-08-09T12:00:00.000Z,2024-08-09T13:00:00.000Z,10,12,9,11,0.2,,2,0',
      'v:A,2024-08-10T12:00:00.000Z,2024-08-10T13:00:00.000Z,10,12,9,11,0.1,,1,0',
    ]);
    expect(await served('1d')).toEqual([
      'v:A,2024-08-09T00:00:00.000Z,2024-08-10T00:00:00.000Z,3,12,2,11,0.4,,3,0',
      'v:A,2024-08-10T00:00:00.000Z,2024-08-11T00:00:00.000Z,10,12,9,11,0.1,,1,0',
    ]);
  });

  it('show a correction in the minute, its hour and its day, with a higher revision each, and nowhere else', async () => {
    const correction = bar(1, { high: 10.5, close: 10.25, volume: 0.3, revision: 1 });
    const before = [await served('1m'), await served('1h'), await served('1d')].flat();
    // The same record twice, as after a crash of the sink.
    await publish([correction]);
    offset--;
    await publish([correction]);
    const after = [await served('1m'), await served('1h'), await served('1d')].flat();
    expect(after.filter((line) => !before.includes(line))).toEqual([
      'v:A,2024-08-09T12:01:00.000Z,2024-08-09T12:02:00.000Z,10,10.5,9,10.25,0.3,,1,1',
      'v:A,2024-08-09T12:00:00.000Z,2024-08-09T13:00:00.000Z,10,12,9,10.25,0.4,,2,1',
      'v:A,2024-08-09T00:00:00.000Z,2024-08-10T00:00:00.000Z,3,12,2,10.25,0.6,,3,1',
    ]);
    expect(after).toHaveLength(before.length);
  });

  it('come of both topics, whose records may lie at the same places', async () => {
    offset = 0;
    await publish([bar(-1, { open: 4, revision: 1 })], true);
    expect((await served('1m'))[0]).toBe('v:A,2024-08-09T11:59:00.000Z,2024-08-09T12:00:00.000Z,4,12,9,11,0.1,,1,1');
    expect(await clickhouse.rows('SELECT count() AS n, sum(history) AS h FROM source_bars')).toEqual([{ n: 6, h: 1 }]);
    offset = 100;
  });

  it('of hours and days that the source published are these, not made ones', async () => {
    const hour = { instrument: 'v:H', interval: '1h', eventTime: NOON + 30 * MINUTE, close: 11 };
    await publish([bar(0, { instrument: 'v:H' }), bar(0, hour)]);
    expect(await served('1h', { symbol: 'v:H' })).toEqual([
      'v:H,2024-08-09T12:30:00.000Z,2024-08-09T13:30:00.000Z,10,12,9,11,0.1,,1,0',
    ]);
    expect(await served('1d', { symbol: 'v:H' })).toHaveLength(1);
  });

  it('are unadjusted where there are adjusted ones too', async () => {
    const day = { instrument: 'v:D', interval: '1d' };
    await publish([bar(0, { ...day, adjusted: true, close: 5 }), bar(0, day), bar(-1_440, { ...day, adjusted: true })]);
    expect(await served('1d', { symbol: 'v:D' })).toEqual([
      'v:D,2024-08-09T12:00:00.000Z,2024-08-10T12:00:00.000Z,10,12,9,11,0.1,,1,0',
    ]);
  });

  it('are the unadjusted ones also where the adjusted ones came first, and the made hours and days with them', async () => {
    const symbol = 'v:L';
    const adjusted = { instrument: symbol, adjusted: true, close: 5 };
    await publish([bar(0, adjusted), bar(1, adjusted), bar(1_440, adjusted)]);
    expect(await served('1d', { symbol })).toEqual([
      'v:L,2024-08-09T00:00:00.000Z,2024-08-10T00:00:00.000Z,10,12,9,5,0.2,,2,0',
      'v:L,2024-08-10T00:00:00.000Z,2024-08-11T00:00:00.000Z,10,12,9,5,0.1,,1,0',
    ]);
    expect(await seriesOf(symbol)).toEqual([
      '1d true 2024-08-09 00:00 2024-08-10 00:00',
      '1h true 2024-08-09 12:00 2024-08-10 12:00',
      '1m true 2024-08-09 12:00 2024-08-10 12:00',
    ]);
    await publish([bar(3, { instrument: symbol })]);
    expect(await served('1m', { symbol })).toEqual([
      'v:L,2024-08-09T12:03:00.000Z,2024-08-09T12:04:00.000Z,10,12,9,11,0.1,,1,0',
    ]);
    expect(await served('1h', { symbol })).toEqual([
      'v:L,2024-08-09T12:00:00.000Z,2024-08-09T13:00:00.000Z,10,12,9,11,0.1,,1,0',
    ]);
    expect(await served('1d', { symbol })).toHaveLength(1);
    // However the parts of the series lie, and once they are merged.
    const series = [
      '1d false 2024-08-09 00:00 2024-08-09 00:00',
      '1h false 2024-08-09 12:00 2024-08-09 12:00',
      '1m false 2024-08-09 12:03 2024-08-09 12:03',
    ];
    expect(await seriesOf(symbol)).toEqual(series);
    await clickhouse.command('OPTIMIZE TABLE source_bar_series_state FINAL');
    expect(await seriesOf(symbol)).toEqual(series);
  });

  it('say whether they are provisional until they are settled, and an older revision that is stored later does nothing', async () => {
    const minute = (values: Readonly<Record<string, Value>>) => bar(0, { instrument: 'v:P', ...values });
    const states = () =>
      clickhouse.rows(
        "SELECT interval, provisional, revision, close FROM published_bars WHERE symbol = 'v:P' ORDER BY interval",
      );
    const all = (provisional: boolean, revision: number, close: number) =>
      ['1d', '1h', '1m'].map((interval) => ({ interval, provisional, revision, close }));
    await publish([minute({ provisional: true, close: 10 })]);
    expect(await states()).toEqual(all(true, 0, 10));
    await publish([minute({ provisional: false, close: 10, revision: 1 })]);
    expect(await states()).toEqual(all(false, 1, 10));
    await publish([minute({ close: 9.5, revision: 2 })], true);
    await publish([minute({ provisional: true, close: 10 })]);
    expect(await states()).toEqual(all(false, 2, 9.5));
  });

  it('have volumes of any size, digit by digit', async () => {
    const volumes = [1e-7, 123_456_789.123456, 1e17, 0];
    await publish(volumes.map((volume, minute) => bar(minute, { instrument: 'v:V', volume })));
    expect((await served('1m', { symbol: 'v:V' })).map((line) => line.split(',')[7])).toEqual([
      ...['0.0000001', '123456789.123456', '100000000000000000', '0'],
    ]);
  });

  it.each([
    ['1w', '2024-08-16T12:00:00.000Z'],
    ['3mo', '2024-11-09T12:00:00.000Z'],
    ['90m', '2024-08-09T13:30:00.000Z'],
  ])('of %s end where they do', async (interval, end) => {
    const symbol = `v:${interval}`;
    await publish([bar(0, { instrument: symbol, interval })]);
    expect((await served(interval, { symbol }))[0]?.split(',')[2]).toBe(end);
  });

  it('fill in where the topology has no bar, and are bounded and limited with its bars', async () => {
    const spec = barsSpec();
    const target = await createOutput(clickhouse, spec);
    await serveGeneration(clickhouse, [spec], 0);
    const own = (instrument: string, minute: number) => ({
      ...{ instrument, interval: '1m', start: NOON + minute * MINUTE, end: NOON + (minute + 1) * MINUTE },
      ...{ revision: 7, final: true, deleted: false, open: 1, high: 1, low: 1, close: 1, count: 1, vwap: 1 },
      ...{ volume: 1n, notional: 1n },
    });
    await insertRows(clickhouse, target, spec.schema, [own('v:A', 1), own('v:A', 2), own('v:B', 0)]);
    const starts = async (query: Readonly<Record<string, unknown>>) =>
      (await served('1m', { symbol: undefined, ...query }))
        .map((line) => line.split(','))
        .filter(([symbol]) => symbol === 'v:A' || symbol === 'v:B')
        .map(([symbol, start, ...rest]) => `${symbol} ${start?.slice(8, 16)} ${rest.at(-1)}`);
    const all = [
      'v:A 09T11:59 1',
      'v:A 09T12:00 0',
      'v:A 09T12:01 7',
      'v:A 09T12:02 7',
      'v:A 10T12:00 0',
      'v:B 09T12:00 7',
    ];
    expect(await starts({})).toEqual(all);
    expect(await starts({ limit: 3 })).toEqual(all.slice(0, 3));
    expect(await starts({ fromMicros: NOON, toMicros: NOON + 2 * MINUTE })).toEqual([all[1], all[2], all[5]]);
    const after = { symbol: 'v:A', start: NOON + MINUTE, end: NOON + 2 * MINUTE };
    expect(await starts({ after })).toEqual(all.slice(3));
  });

  it('are looked for where there are any of the symbol and interval only', async () => {
    const hasPublished = async (query: Readonly<Record<string, string>>) =>
      (await storedBars(clickhouse, 'bars', query)).hasPublished;
    expect(await hasPublished({})).toBe(true);
    expect(await hasPublished({ interval: '1m', symbol: 'v:A' })).toBe(true);
    // Made of the minutes.
    expect(await hasPublished({ interval: '1h', symbol: 'v:A' })).toBe(true);
    expect(await hasPublished({ interval: '1m', symbol: 'v:B' })).toBe(false);
    expect(await hasPublished({ interval: '1m', symbol: 'v:D' })).toBe(false);
    expect(await hasPublished({ interval: '1d', symbol: 'v:D' })).toBe(true);
  });

  it('are told of where an interval is asked for that nobody has', async () => {
    const { hint } = await queryBars({ clickhouse, topology: 'bars', output: 'bars', interval: '7m', format: 'csv' });
    expect(hint).toBe('No bars of interval 7m are stored; there are: 1d, 1h, 1m, 1w, 3mo, 90m.');
  });
});
