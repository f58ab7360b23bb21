import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { deadLetterCondition } from '../../src/alerts/conditions.ts';
import { watchAlerts } from '../../src/alerts/watch.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { Log } from '../../src/log/log.ts';
import { LETTER, writeLetters } from '../producers/deadletters/support.ts';
import { type Bench, NOW_MS, openBench } from '../producers/support.ts';
import { startReceiver } from './receiver.ts';

const CONFIG = { ...loadConfig({ env: {}, flags: new Map() }).alerts, deadLetters: 2, deadLettersWindowMs: 60_000 };

describe('dead letters', () => {
  let bench: Bench;

  beforeEach(async () => {
    bench = await openBench();
  });

  afterEach(() => bench.close());

  const write = (count: number, partition = 0) =>
    writeLetters(
      bench.log,
      bench.registry,
      Array.from({ length: count }, (_, position) => ({ ...LETTER, position })),
      partition,
    );

  it.each([
    [0, 0, false, 0],
    [2, 0, false, 2],
    [3, 0, true, 3],
    [2, 5, true, 3],
  ])('%i and %i in two partitions: more than two is %s', async (first, second, isFiring, value) => {
    await write(first);
    await write(second, 1);
    expect(await deadLetterCondition(bench.log, CONFIG, NOW_MS)).toMatchObject({ isFiring, value });
  });

  it('are counted for as long as they are of late', async () => {
    expect(await deadLetterCondition(bench.log, CONFIG, NOW_MS)).toMatchObject({ isFiring: false });
    await write(3);
    expect(await deadLetterCondition(bench.log, CONFIG, NOW_MS + 60_000)).toMatchObject({ isFiring: true });
    expect(await deadLetterCondition(bench.log, CONFIG, NOW_MS + 60_001)).toMatchObject({ isFiring: false, value: 0 });
  });

  it('are told to both webhooks when they begin and when they are over, through a log that is away', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'tidemark-alerts-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const [webhook, slack] = [await startReceiver(), await startReceiver()];
    const stop = new AbortController();
    const warnings: string[] = [];
    let look = 0;
    await write(3);
    await watchAlerts({
      config: { ...CONFIG, url: webhook.url, slackUrl: slack.url },
      file: join(directory, 'run.json'),
      openLog: async () => {
        if (look < 2) throw new Error('it is away');
        return new Proxy(bench.log, {
          get: (log: Log, name) => (name === 'close' ? async () => {} : bound(log, name)),
        });
      },
      signal: stop.signal,
      fetch,
      random: () => 1,
      // Four looks at the log; by the last the letters are old.
      now: () => (look < 5 ? NOW_MS : NOW_MS + 60_001),
      wait: async () => {
        look++;
        if (look < 6) return;
        await expect.poll(() => slack.received.length + webhook.received.length).toBe(4);
        stop.abort();
      },
      onWarning: ({ message }) => warnings.push(message),
    });
    expect(warnings).toEqual(['alerts cannot look at the log: it is away']);
    expect(webhook.received.map(({ body }) => [body.kind, body.state])).toEqual([
      ['deadLetters', 'firing'],
      ['deadLetters', 'resolved'],
    ]);
    expect(slack.received.map(({ body }) => body.text)).toEqual([
      '[firing] dead letters: more than 2 dead letters in the last 60 s',
      '[resolved] dead letters: at most 2 dead letters in the last 60 s',
    ]);
    await webhook.close();
    await slack.close();
  });
});

function bound(log: Log, name: string | symbol): unknown {
  const value: unknown = Reflect.get(log, name, log);
  return typeof value === 'function' ? value.bind(log) : value;
}
