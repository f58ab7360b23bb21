import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { openClickHouse } from '../../src/sinks/clickhouse/connect.ts';
import { endAll, type Started, start } from '../cli/command.ts';
import { findBrowser, launchBrowser } from '../support/browser.ts';
import { freePort } from '../support/ports.ts';
import { requirement } from '../support/requirement.ts';
import { tidemark } from '../support/tidemarkCommand.ts';

const SYMBOL = 'binance-spot:BTCUSDT';
const OTHER = 'binance-spot:ETHUSDT';
const START_MS = Date.UTC(2024, 7, 8, 12);
const KEY = 'a-key-of-this-test-only';
const TICK_EVERY_MS = 250;
/** A machine under load starts commands slowly. */
const TIMEOUT_MS = 180_000;
const SOON = { timeout: 60_000, interval: 100 };

interface Drawn {
  readonly startMs: number;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  readonly volume: number;
  readonly revised: boolean;
}

interface ApiBar extends Omit<Drawn, 'startMs' | 'revised'> {
  readonly start: string;
  readonly revision: number;
}

interface TestTrade {
  readonly ms: number;
  readonly symbol: string;
  readonly price: number;
}

const executable = findBrowser();

describe.skipIf(!requirement('browser', executable !== null, 'the page in Chromium'))(
  'the page',
  { timeout: TIMEOUT_MS },
  () => {
    const directory = mkdtempSync(join(tmpdir(), 'tidemark-page-'));
    const complaints: string[] = [];
    let files = 0;
    let port = 0;
    let server: Started;
    let browser: Browser;
    let page: Page;

    const url = () => `http://127.0.0.1:${port}`;

    async function serve(): Promise<void> {
      // On a busy machine the wall clock could close windows between two commands, which are revised then.
      const env = { TIDEMARK_TOPOLOGY_WALL_CLOCK_AFTER_MS: '0' };
      server = start(['run', '--port', String(port), '--data', directory], { env });
      await server.shows(/API at/);
    }

    async function produce(trades: readonly TestTrade[], ...flags: string[]): Promise<void> {
      files++;
      const file = join(directory, `trades-${files}.csv`);
      const rows = trades.map(({ ms, symbol, price }, i) => {
        const id = files * 1_000_000 + i;
        return `${ms}000000,spot,${symbol},${ms},${ms},${id},${price},0.5,true,`;
      });
      const header = 'recv_ns,market,symbol,event_ms,trade_ms,trade_id,price,qty,buyer_is_maker,order_type';
      writeFileSync(file, `${[header, ...rows].join('\n')}\n`);
      await tidemark(directory, ['produce', 'csv', '--layout', 'examples/layouts/binance-trades.yaml', file, ...flags]);
    }

    function drawn(): Promise<Drawn[]> {
      // The page's hook gives what the chart itself holds.
      return page.evaluate('tidemark.drawn()');
    }

    async function apiBars(symbol: string, interval: string): Promise<Drawn[]> {
      const query = new URLSearchParams({ symbol, interval });
      const rows = (await (await fetch(`${url()}/v1/bars?${query}`)).json()) as ApiBar[];
      return rows.map(({ start, open, high, low, close, volume, revision }) => {
        return { startMs: Date.parse(start), open, high, low, close, volume, revised: revision > 0 };
      });
    }

    async function expectSameAsApi(symbol: string, interval: string): Promise<void> {
      await vi.waitFor(async () => {
        const bars = await drawn();
        expect(bars.length).toBeGreaterThan(0);
        expect(bars).toEqual(await apiBars(symbol, interval));
      }, SOON);
    }

    beforeAll(async () => {
      port = await freePort();
      await produce(tradesBetween(0, 120_000));
      await serve();
      browser = await launchBrowser(executable ?? '');
      page = await browser.newPage({ viewport: { width: 1_280, height: 800 } });
      page.setDefaultTimeout(SOON.timeout);
      page.on('pageerror', ({ message }) => complaints.push(message));
      page.on('console', (message) => {
        // That a request failed is what an outage looks like.
        if (message.type() === 'error' && !/Failed to load|ERR_/.test(message.text())) complaints.push(message.text());
      });
      await page.goto(`${url()}/#${SYMBOL}/1s`);
      await page.waitForSelector('#chart[data-state=ready]');
    }, TIMEOUT_MS);

    afterAll(async () => {
      await browser?.close();
      await endAll();
      rmSync(directory, { recursive: true, force: true });
    });

    it("draws the API's bars", async () => {
      await expectSameAsApi(SYMBOL, '1s');
      expect(await page.getAttribute('#chart', 'data-interval')).toBe('1s');
      await vi.waitFor(async () => expect(await page.locator('#pipeline li').count()).toBe(4), SOON);
      expect(await page.textContent('#live')).toBe('Live');
    });

    it('draws a bar that comes live', async () => {
      const before = (await drawn()).length;
      await produce(tradesBetween(120_000, 130_000));
      await vi.waitFor(async () => expect((await drawn()).length).toBeGreaterThan(before + 5), SOON);
      await expectSameAsApi(SYMBOL, '1s');
    });

    it('draws a revised bar again, marks it, and names its revision', async () => {
      const lateMs = START_MS + 125_100;
      await produce([{ ms: lateMs, symbol: 'BTCUSDT', price: 99_999 }], '--allow-late');
      await vi.waitFor(async () => {
        const bar = (await drawn()).find(({ startMs }) => startMs === START_MS + 125_000);
        expect(bar).toMatchObject({ high: 99_999, revised: true });
      }, SOON);
      expect(await page.textContent('tr.revised')).toContain('12:02:05');
      expect(await page.textContent('tr.revised td:last-child')).toBe('1');
      expect(await page.getAttribute('#chart', 'data-revised')).toBe('1');
      await expectSameAsApi(SYMBOL, '1s');
    });

    it('lists in the ledger what came too late for its window', async () => {
      await produce(tradesBetween(900_000, 902_000));
      await produce([{ ms: START_MS + 126_100, symbol: 'BTCUSDT', price: 1 }], '--allow-late');
      await vi.waitFor(async () => expect(await page.textContent('#late tr')).toContain('12:02:06.100'), SOON);
      expect(await page.textContent('#late tr')).toContain('1s 1m');
    });

    it('finds symbols and intervals by the keyboard', async () => {
      await page.keyboard.press('2');
      await page.waitForSelector('#chart[data-state=ready][data-interval="1m"]');
      await expectSameAsApi(SYMBOL, '1m');
      await page.keyboard.press('/');
      await page.keyboard.type('eth');
      await page.keyboard.press('Enter');
      await page.waitForSelector(`#chart[data-state=ready][data-symbol="${OTHER}"]`);
      await expectSameAsApi(OTHER, '1m');
      expect(new URL(page.url()).hash).toBe(`#${OTHER}/1m`);
      await page.keyboard.press('1');
      await page.waitForSelector('#chart[data-state=ready][data-interval="1s"]');
    });

    it('shows an outage of the API, and goes on after it without losing a bar', async () => {
      expect(await page.isVisible('#banner')).toBe(false);
      server.child.kill('SIGKILL');
      await server.ended;
      await page.waitForSelector('#banner:not([hidden])');
      expect(await page.textContent('#live')).toBe('Disconnected');
      await produce(tradesBetween(902_000, 910_000));
      await serve();
      await page.waitForSelector('#banner', { state: 'hidden' });
      await vi.waitFor(async () => {
        expect((await drawn()).at(-1)?.startMs).toBeGreaterThan(START_MS + 905_000);
      }, SOON);
      await expectSameAsApi(OTHER, '1s');
    });

    it('asks for the key of an API that wants one', async () => {
      const guardedPort = String(await freePort());
      const roles = ['--roles', 'api', '--port', guardedPort];
      await start(['run', ...roles, '--data', directory], { env: { TIDEMARK_API_KEY: KEY } }).shows(/API at/);
      const visitor = await browser.newPage();
      await visitor.goto(`http://127.0.0.1:${guardedPort}/`);
      await visitor.fill('#key-text', KEY);
      await visitor.keyboard.press('Enter');
      await visitor.waitForSelector('#chart[data-state=ready]');
      await visitor.waitForSelector('#banner', { state: 'hidden' });
      expect(await visitor.isVisible('#key')).toBe(false);
      await visitor.close();
    });

    it('shows no number of one symbol beside the name of another, while that is loaded', async () => {
      await page.keyboard.press('1');
      await expectSameAsApi(OTHER, '1s');
      let answer = (): void => {};
      const asked = new Promise<void>((resolve) => {
        answer = resolve;
      });
      await page.route('**/v1/bars?*', async (route) => {
        await asked;
        await route.continue();
      });
      await page.evaluate(`location.hash = '${SYMBOL}/1s'`);
      await page.waitForSelector('#chart[data-state=loading]');
      expect(await page.textContent('#name')).toBe('BTCUSDT');
      expect(await page.textContent('#close')).toBe('–');
      expect(await page.textContent('#legend')).toBe('');
      expect(await page.locator('#bars tr').count()).toBe(0);
      answer();
      await page.waitForSelector('#chart[data-state=ready]');
      await page.unroute('**/v1/bars?*');
      await expectSameAsApi(SYMBOL, '1s');
    });

    it('draws all bars again when another generation is served', async () => {
      const before = await drawn();
      const { clickhouse } = loadConfig({ env: {} });
      const store = await openClickHouse({ ...clickhouse, directory });
      await store.command('CREATE TABLE bars__g2 AS bars__g1');
      await store.command('INSERT INTO bars__g2 SELECT * REPLACE (high + 1000 AS high) FROM bars__g1 FINAL');
      await store.command("INSERT INTO served (topology, generation, version) VALUES ('bars', 2, 2)");
      await store.close();
      await vi.waitFor(async () => {
        expect((await drawn()).map(({ high }) => high)).toEqual(before.map(({ high }) => high + 1_000));
      }, SOON);
      await expectSameAsApi(SYMBOL, '1s');
      await page.waitForSelector('#live[data-state=live]');
    });

    it('fits a phone, has both themes, and breaks none of its own rules', async () => {
      await page.setViewportSize({ width: 360, height: 740 });
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360);
      const ground = () => page.evaluate('getComputedStyle(document.body).backgroundColor');
      const light = await ground();
      await page.click('#theme');
      expect(await ground()).not.toBe(light);
      // Among them what the content security policy refuses.
      expect(complaints).toEqual([]);
    });
  },
);

/** Trades of two symbols, the same for the same times. */
function tradesBetween(fromMs: number, toMs: number): TestTrade[] {
  const trades: TestTrade[] = [];
  for (let ms = fromMs; ms < toMs; ms += TICK_EVERY_MS) {
    const step = ms / TICK_EVERY_MS;
    trades.push({ ms: START_MS + ms, symbol: 'BTCUSDT', price: 60_000 + ((step * 37) % 101) / 4 });
    trades.push({ ms: START_MS + ms, symbol: 'ETHUSDT', price: 2_600 + ((step * 53) % 97) / 100 });
  }
  return trades;
}
