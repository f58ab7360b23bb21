import { join } from 'node:path';
import { Validator } from '@seriousme/openapi-schema-validator';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ServedApi } from '../../src/api/serve.ts';
import { runPipeline } from '../../src/runtime/run.ts';
import { run } from '../cli/command.ts';
import { appendTicks } from '../support/tickStore.ts';
import { configOf, openStores, serve, temporaryData } from './served.ts';

const TIMEOUT_MS = 120_000;
const SYMBOLS = ['test:A', 'test:B', 'te\'st:\\C"%\n,D'];
const FIRST_MICROS = 1_723_123_200_000_000;
const HEADER = 'symbol,start,end,open,high,low,close,volume,vwap,count,revision';

/** A tick a second and symbol, for ten minutes; one comes an hour too late. */
const TICKS = [
  ...Array.from({ length: 1_800 }, (_, i) => ({
    instrument: SYMBOLS[i % 3] as string,
    eventTime: FIRST_MICROS + 3_600_000_000 + Math.floor(i / 3) * 1_000_000,
    price: 100 + (i % 7) / 10,
    size: 0.1,
    sequence: i,
  })),
  { instrument: 'test:A', eventTime: FIRST_MICROS, price: 1, size: 1, sequence: 1_800 },
];

interface BarRow {
  readonly symbol: string;
  readonly start: string;
}

describe('the API', { timeout: TIMEOUT_MS }, async () => {
  const data = temporaryData();
  const stores = await openStores(data);
  let api: ServedApi;
  beforeAll(async () => {
    await appendTicks(join(data, 'log'), 2, TICKS, ({ instrument }) => SYMBOLS.indexOf(instrument) % 2);
    await runPipeline({
      set: {},
      roles: new Set(['topology', 'sink']),
      untilEnd: true,
      config: configOf(data),
      signal: new AbortController().signal,
      now: Date.now,
      onProgress: () => {},
      onWaiting: () => {},
    });
    api = await serve(stores);
  }, TIMEOUT_MS);
  afterAll(() => api.close());

  const text = async (path: string, headers: Record<string, string> = {}): Promise<string> => {
    const response = await fetch(api.url + path, { headers });
    expect(response.status, `${path}: ${response.statusText}`).toBe(200);
    return response.text();
  };
  const json = async <T>(path: string): Promise<T> => JSON.parse(await text(path)) as T;

  it('gives the CSV that the command line prints, byte for byte', async () => {
    for (const flags of [
      ['--interval', '1m'],
      ['--interval', '60s', '--symbol', 'test:A'],
      ['--interval', '1s', '--from', '2024-08-08T14:22:00Z', '--to', '1723127100'],
    ]) {
      const { stdout } = await run(['bars', ...flags, '--format', 'csv', '--data', data]);
      const query = new URLSearchParams({ format: 'csv' });
      for (let i = 0; i < flags.length; i += 2) query.set(flags[i]?.slice(2) ?? '', flags[i + 1] ?? '');
      expect(await text(`/v1/bars?${query}`)).toBe(stdout);
      expect(stdout.split('\n').length).toBeGreaterThan(5);
    }
  });

  it.each([
    ['application/json', 'application/json; charset=utf-8'],
    ['text/csv', 'text/csv; charset=utf-8; header=present'],
    ['application/x-ndjson', 'application/x-ndjson; charset=utf-8'],
    ['text/html, text/csv;q=0.5, application/json;q=0.4', 'text/csv; charset=utf-8; header=present'],
    ['text/html', 'application/json; charset=utf-8'],
    ['*/*', 'application/json; charset=utf-8'],
  ])('answers Accept: %s with %s', async (accept, type) => {
    const response = await fetch(`${api.url}/v1/bars?interval=1h`, { headers: { accept } });
    expect(response.headers.get('content-type')).toBe(type);
    await response.text();
  });

  it('gives the same bars in JSON, CSV and NDJSON, whatever Accept says beside format', async () => {
    const rows = await json<BarRow[]>('/v1/bars?interval=1m');
    const lines = (await text('/v1/bars?interval=1m&format=ndjson', { accept: 'text/csv' })).trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toEqual(rows);
    expect(Object.keys(rows[0] ?? {}).join(',')).toBe(HEADER);
    expect(rows.length).toBe(30);
  });

  it.each(['json', 'csv', 'ndjson'])('gives pages whose bars are those of the whole, in %s', async (format) => {
    const whole = await json<BarRow[]>('/v1/bars?interval=1m');
    const paged: string[] = [];
    let next: string | null = `/v1/bars?interval=1m&limit=7&format=${format}`;
    let pages = 0;
    for (; next !== null; pages++) {
      const response: Response = await fetch(api.url + next);
      const body = await response.text();
      if (format === 'json') paged.push(...(JSON.parse(body) as BarRow[]).map(placeOf));
      if (format === 'ndjson')
        paged.push(
          ...body
            .trimEnd()
            .split('\n')
            .map((line) => placeOf(JSON.parse(line))),
        );
      if (format === 'csv') paged.push(...Array<string>((body.match(/\.000Z,.*\.000Z,/g) ?? []).length).fill(''));
      next = /^<(.*)>; rel="next"$/.exec(response.headers.get('link') ?? '')?.[1] ?? null;
    }
    expect(pages).toBe(Math.ceil(whole.length / 7));
    if (format === 'csv') expect(paged.length).toBe(whole.length);
    else expect(paged).toEqual(whole.map(placeOf));
  });

  it('takes a symbol as a value, whatever is in it', async () => {
    for (const symbol of [...SYMBOLS, "x' OR 1=1 --", '{interval:String}', '\\', "\\'", '\t', '\u0000', '%', '']) {
      if (symbol === '') continue;
      const rows = await json<BarRow[]>(`/v1/bars?interval=1m&symbol=${encodeURIComponent(symbol)}`);
      expect(rows.every((row) => row.symbol === symbol)).toBe(true);
      expect(rows.length > 0).toBe(SYMBOLS.includes(symbol));
    }
  });

  it('bounds a range: from inclusive, to exclusive', async () => {
    const starts = async (range: string) =>
      (await json<BarRow[]>(`/v1/bars?interval=1m&symbol=test:B&${range}`)).map(({ start }) => start);
    const minute = (m: number) => `2024-08-08T14:2${m}:00.000Z`;
    expect(await starts(`from=${minute(2)}&to=${minute(4)}`)).toEqual([minute(2), minute(3)]);
    expect(await starts('from=1723126920&to=1723127040000')).toEqual([minute(2), minute(3)]);
    expect(await starts(`from=${minute(4)}&to=${minute(2)}`)).toEqual([]);
  });

  it('lists the symbols with their intervals, the shortest first', async () => {
    const symbols =
      await json<{ symbol: string; intervals: { interval: string; first: string; last: string }[] }[]>('/v1/symbols');
    expect(symbols.map(({ symbol }) => symbol)).toEqual([...SYMBOLS].sort());
    expect(symbols.find(({ symbol }) => symbol === 'test:B')?.intervals).toEqual([
      { interval: '1s', first: '2024-08-08T14:20:00.000Z', last: '2024-08-08T14:29:59.000Z' },
      { interval: '1m', first: '2024-08-08T14:20:00.000Z', last: '2024-08-08T14:29:00.000Z' },
      { interval: '5m', first: '2024-08-08T14:20:00.000Z', last: '2024-08-08T14:25:00.000Z' },
      { interval: '1h', first: '2024-08-08T14:00:00.000Z', last: '2024-08-08T14:00:00.000Z' },
    ]);
  });

  it('gives the latest bar of each interval, and the latest price', async () => {
    const { bars, prices } = await json<{ bars: Record<string, unknown>[]; prices: unknown[] }>(
      '/v1/latest?symbol=test:B',
    );
    expect(bars.map(({ interval, start }) => `${interval} ${start}`)).toEqual([
      '1h 2024-08-08T14:00:00.000Z',
      '1m 2024-08-08T14:29:00.000Z',
      '1s 2024-08-08T14:29:59.000Z',
      '5m 2024-08-08T14:25:00.000Z',
    ]);
    expect(bars[0]).toMatchObject({ volume: 60, count: 600, revision: 0 });
    expect(prices).toEqual([{ symbol: 'test:B', time: '2024-08-08T14:29:59.000Z', price: 100.6, size: 0.1 }]);
    expect((await json<{ bars: unknown[] }>('/v1/latest?interval=60s')).bars.length).toBe(3);
  });

  it('gives the late ledger', async () => {
    const [late, ...others] = await json<Record<string, unknown>[]>('/v1/late');
    expect(others).toEqual([]);
    expect(late).toMatchObject({
      symbol: 'test:A',
      eventTime: '2024-08-08T13:20:00.000Z',
      topic: 'ticks',
      partition: 0,
      watermark: '2024-08-08T14:29:57.999999Z',
      missedAll: true,
    });
    expect(await json('/v1/late?symbol=test:B')).toEqual([]);
    expect(await json('/v1/late?from=2024-08-08T13:20:00.000001Z')).toEqual([]);
    expect((await json<unknown[]>('/v1/late?to=2024-08-08T13:20:00.000001Z&limit=1')).length).toBe(1);
  });

  it('is well and ready', async () => {
    expect(await json('/healthz')).toEqual({ status: 'ok' });
    expect(await json('/readyz')).toEqual({ status: 'ready' });
  });

  it('has metrics that parse, with the counts of the log', async () => {
    const values = new Map<string, number>();
    for (const line of (await text('/metrics')).trimEnd().split('\n')) {
      if (line === '') continue;
      expect(line).toMatch(/^(# (HELP|TYPE) tidemark_\w+ .+|tidemark_\w+(\{(\w+="[^"]*",?)*\})? -?[0-9.e+-]+)$/);
      const [, name, value] = /^(tidemark_\w+)(?:\{.*\})? (\S+)$/.exec(line) ?? [];
      if (name !== undefined) values.set(name, (values.get(name) ?? 0) + Number(value));
    }
    expect(values.get('tidemark_ticks_total')).toBe(TICKS.length);
    expect(values.get('tidemark_late_total')).toBe(1);
    expect(values.get('tidemark_rejected_total')).toBe(0);
    expect(values.get('tidemark_results_total')).toBeGreaterThan(1_800);
    expect(values.get('tidemark_lag_records')).toBe(0);
    expect(values.get('tidemark_watermark_seconds')).toBeGreaterThan(1_723_000_000);
    expect(values.has('tidemark_commit_seconds_count')).toBe(true);
  });

  it('describes itself in a valid OpenAPI document, each answer with its schema', async () => {
    const document = await json<{ paths: Record<string, Record<string, Operation>> }>('/docs/json');
    const { valid, errors } = await new Validator().validate(document);
    expect(errors ?? []).toEqual([]);
    expect(valid).toBe(true);
    const paths = [
      '/healthz',
      '/metrics',
      '/readyz',
      '/v1/bars',
      '/v1/late',
      '/v1/latest',
      '/v1/stream',
      '/v1/symbols',
    ];
    expect(Object.keys(document.paths)).toEqual(expect.arrayContaining(paths));
    for (const path of paths) {
      const { summary, responses } = document.paths[path]?.get ?? { responses: {} };
      expect(summary, path).toMatch(/\w/);
      for (const [status, { description, content }] of Object.entries(responses)) {
        expect(description, `${path} ${status}`).toMatch(/\w/);
        expect(
          Object.values(content).every(({ schema }) => schema !== undefined),
          `${path} ${status}`,
        ).toBe(true);
      }
    }
    expect((await text('/docs')).toLowerCase()).toContain('swagger');
  });
});

interface Operation {
  readonly summary?: string;
  readonly responses: Record<string, { description: string; content: Record<string, { schema?: unknown }> }>;
}

function placeOf({ symbol, start }: BarRow): string {
  return `${symbol} ${start}`;
}
