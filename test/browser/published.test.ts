import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { endAll, start } from '../cli/command.ts';
import { findBrowser, launchBrowser } from '../support/browser.ts';
import { freePort } from '../support/ports.ts';
import { requirement } from '../support/requirement.ts';
import { tidemark } from '../support/tidemarkCommand.ts';

const SYMBOL = 'vendor:ABC';
const START_MS = Date.UTC(2024, 7, 8, 12);
const TIMEOUT_MS = 180_000;
const SOON = { timeout: 60_000, interval: 100 };
const LAYOUT = `
name: bars
schema: source_bar
fields:
  instrument: { value: "${SYMBOL}" }
  interval: { value: 1m }
  eventTime: { column: ms, unit: ms }
  open: open
  high: high
  low: low
  close: close
  volume: volume
  source: { value: vendor }
  revision: revision
`;

interface Drawn {
  readonly startMs: number;
  readonly close: number;
  readonly volume: number | null;
  readonly revised: boolean;
}

const executable = findBrowser();

describe.skipIf(!requirement('browser', executable !== null, 'the page in Chromium'))(
  'the page of a symbol that has published bars only',
  { timeout: TIMEOUT_MS },
  () => {
    const directory = mkdtempSync(join(tmpdir(), 'tidemark-page-'));
    const layout = join(directory, 'layout.yaml');
    const complaints: string[] = [];
    let files = 0;
    let browser: Browser;
    let page: Page;

    /** Minutes of a vendor: start, prices, volume and revision. */
    async function publish(...rows: readonly string[]): Promise<void> {
      const file = join(directory, `bars-${files++}.csv`);
      writeFileSync(file, `${['ms,open,high,low,close,volume,revision', ...rows].join('\n')}\n`);
      await tidemark(directory, ['produce', 'csv', '--layout', layout, '--allow-late', file]);
    }

    function drawn(): Promise<Drawn[]> {
      return page.evaluate('tidemark.drawn()');
    }

    async function expectDrawn(closes: readonly string[]): Promise<void> {
      const texts = async () =>
        (await drawn()).map(({ startMs, close, volume, revised }) => {
          const minute = (startMs - START_MS) / 60_000;
          return `${minute} ${close} ${volume}${revised ? ' revised' : ''}`;
        });
      await vi.waitFor(async () => expect(await texts()).toEqual(closes), SOON);
    }

    beforeAll(async () => {
      writeFileSync(layout, LAYOUT);
      const port = await freePort();
      await publish(`${START_MS},10,12,9,11,5,0`, `${START_MS + 60_000},11,13,10,12.5,,0`);
      await start(['run', '--port', String(port), '--data', directory]).shows(/API at/);
      browser = await launchBrowser(executable ?? '');
      page = await browser.newPage({ viewport: { width: 1_280, height: 800 } });
      page.setDefaultTimeout(SOON.timeout);
      page.on('pageerror', ({ message }) => complaints.push(message));
      page.on('console', (message) => {
        if (message.type() === 'error') complaints.push(message.text());
      });
      await page.goto(`http://127.0.0.1:${port}/#${SYMBOL}/1m`);
      await page.waitForSelector('#chart[data-state=ready]');
    }, TIMEOUT_MS);

    afterAll(async () => {
      await browser?.close();
      await endAll();
      rmSync(directory, { recursive: true, force: true });
    });

    it('draws them, also without a volume, and what is published and corrected live', async () => {
      await expectDrawn(['0 11 5', '1 12.5 null']);
      // One without its prices is no candle.
      await publish(`${START_MS + 120_000},12,14,11,13,7,0`, `${START_MS + 180_000},,,,13,7,0`);
      await expectDrawn(['0 11 5', '1 12.5 null', '2 13 7']);
      await publish(`${START_MS},10,12,9,11.5,6,1`);
      await expectDrawn(['0 11.5 6 revised', '1 12.5 null', '2 13 7']);
    });

    it('draws the hour that is made of them again with each', async () => {
      await page.evaluate(`location.hash = '${SYMBOL}/1h'`);
      await page.waitForSelector('#chart[data-state=ready][data-interval="1h"]');
      await expectDrawn(['0 13 20 revised']);
      await publish(`${START_MS + 240_000},12,14,11,13.5,1,0`);
      await expectDrawn(['0 13.5 21 revised']);
      expect(complaints).toEqual([]);
    });
  },
);
