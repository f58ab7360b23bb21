import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openEmbeddedLog } from '../../src/log/embedded/embeddedLog.ts';
import { openEmbeddedRegistry } from '../../src/log/registry/embeddedRegistry.ts';
import { append, framedTick, GOOD_ROW, writeLetters } from '../producers/deadletters/support.ts';
import { tidemark } from '../support/tidemarkCommand.ts';

const TEST_TIMEOUT_MS = 240_000;
const HOUR_MS = 3_600_000;
const HOUR_MICROS = HOUR_MS * 1_000;
/** When the log took the records: two hours before the event time of one of them. */
const APPENDED_MS = GOOD_ROW.eventTime / 1_000;
const RUN = ['run', '--roles', 'topology,sink', '--until-end'];
const COUNTS = `SELECT
  (SELECT count() FROM ticks) AS ticks,
  (SELECT sum(ticks) FROM daily_summary) AS daily,
  (SELECT sum(ticks) FROM tick_counts) AS counted,
  (SELECT max(price) FROM latest_prices) AS latest,
  (SELECT sum(count) FROM bars FINAL WHERE interval = '1m') AS bars,
  (SELECT groupArray((source, reason, state)) FROM dead_letters) AS letters`;

/** Writes two ticks into a log whose clock stands still; the second is two hours ahead of it. */
async function writeTicks(data: string): Promise<void> {
  const directory = join(data, 'log');
  const log = await openEmbeddedLog({ directory, now: () => APPENDED_MS });
  const registry = await openEmbeddedRegistry({ directory });
  await writeLetters(log, registry, []);
  const id = await registry.latestId('ticks-value');
  const ticks = [framedTick(id), framedTick(id, { eventTime: GOOD_ROW.eventTime + 2 * HOUR_MICROS, price: 99 })];
  await append(log, 'ticks', 0, GOOD_ROW.instrument, ticks);
  await registry.close();
  await log.close();
}

describe('a tick too far ahead', () => {
  let data: string;

  beforeEach(async () => {
    data = await mkdtemp(join(tmpdir(), 'tidemark-ahead-'));
  });

  afterEach(() => rm(data, { recursive: true, force: true }));

  async function counts(): Promise<unknown> {
    await tidemark(data, RUN);
    return JSON.parse(await tidemark(data, ['query', COUNTS, '--format', 'ndjson']));
  }

  it('is in no table until it is released, and then in each once', { timeout: TEST_TIMEOUT_MS }, async () => {
    await writeTicks(data);
    const letter = ['ticks/0', 'ahead'];
    expect(await counts()).toEqual({
      ticks: 1,
      daily: 1,
      counted: 1,
      latest: 12.5,
      bars: 1,
      letters: [[...letter, 'open']],
    });
    expect(await tidemark(data, ['deadletter', 'release', '--reason', 'ahead'])).toBe('released 1\n');
    expect(await counts()).toEqual({
      ticks: 2,
      daily: 2,
      counted: 2,
      latest: 99,
      bars: 2,
      letters: [[...letter, 'released']],
    });
  });
});
