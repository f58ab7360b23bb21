import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Condition } from '../../src/alerts/alert.ts';
import { AlertDesk } from '../../src/alerts/alertDesk.ts';
import { AlertFile } from '../../src/alerts/alertFile.ts';
import { Outgoing } from '../../src/alerts/outgoing.ts';
import { loadConfig } from '../../src/config/load.ts';

const CONFIG = { ...loadConfig({ env: {}, flags: new Map() }).alerts, retries: 0 };
const LETTERS: Condition = {
  ...{ id: 'letters', kind: 'deadLetters', title: 'dead letters', detail: 'many', value: 7, threshold: 5 },
  isFiring: true,
};
const CALM = { ...LETTERS, isFiring: false };

describe('open alerts', () => {
  let directory: string;
  let path: string;
  const warnings: string[] = [];
  /** What webhooks have got, in order; and whether they answer. */
  const got: string[] = [];
  let answers = true;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'tidemark-alerts-'));
    path = join(directory, 'alerts', 'run.json');
    warnings.length = 0;
    got.length = 0;
    answers = true;
  });

  afterEach(() => rmSync(directory, { recursive: true }));

  /** A process's desk; `end` is when it is stopped, or killed as it waits for a webhook. */
  function start({ maxRemembered = 10, names = ['alerts.url', 'alerts.slackUrl'] as const } = {}) {
    const stop = new AbortController();
    const onWarning = ({ message }: Error) => void warnings.push(message);
    const outgoing = names.map(
      (name) =>
        new Outgoing({
          ...{ webhook: { name, url: 'http://localhost' }, config: CONFIG, random: () => 1, wait: async () => {} },
          ...{ signal: stop.signal, onWarning },
          fetch: async (_url, init) => {
            if (!answers) await new Promise((_, reject) => init?.signal?.addEventListener('abort', reject));
            got.push(`${name} ${JSON.parse(String(init?.body)).text}`);
            return new Response();
          },
        }),
    );
    const file = new AlertFile(path, onWarning);
    const desk = new AlertDesk({ file, repeatMs: 1_000, maxRemembered, outgoing });
    return {
      desk,
      settled: () => Promise.all(outgoing.map((each) => each.settled())),
      end: async () => {
        stop.abort();
        await Promise.all(outgoing.map((each) => each.settled()));
      },
    };
  }

  it('are not told again after a restart, but after a while, and when they are over', async () => {
    const first = start();
    first.desk.update([LETTERS], 0);
    await first.settled();
    expect(got).toHaveLength(2);
    const second = start();
    second.desk.update([LETTERS], 999);
    await second.settled();
    expect(got).toHaveLength(2);
    second.desk.update([LETTERS], 1_000);
    await second.settled();
    expect(got).toHaveLength(4);
    const third = start();
    third.desk.update([CALM], 1_001);
    await third.settled();
    expect(got.slice(4)).toEqual([
      'alerts.url [resolved] dead letters: many',
      'alerts.slackUrl [resolved] dead letters: many',
    ]);
    const fourth = start();
    fourth.desk.update([CALM], 1_002);
    await fourth.settled();
    expect(got).toHaveLength(6);
    expect(warnings).toEqual([]);
  });

  it('that did not get through are sent by the next process, to the webhooks that are left', async () => {
    answers = false;
    const first = start();
    first.desk.update([LETTERS], 0);
    first.desk.update([CALM], 1);
    await first.end();
    answers = true;
    const second = start({ names: ['alerts.slackUrl'] as never });
    await second.settled();
    expect(got).toEqual([
      'alerts.slackUrl [firing] dead letters: many',
      'alerts.slackUrl [resolved] dead letters: many',
    ]);
    await start().settled();
    expect(got).toHaveLength(2);
  });

  it('are remembered up to the bound, the newest ones', async () => {
    const all = Array.from({ length: 5 }, (_, i) => ({ ...LETTERS, id: `${i}` }));
    const first = start();
    const bounded = start({ maxRemembered: 2 });
    bounded.desk.update(all, 0);
    await bounded.settled();
    expect(first.desk.open).toEqual([]);
    expect(start().desk.open.map(({ condition }) => condition.id)).toEqual(['3', '4']);
  });

  it.each(['', '{', '{"open":[{}],"waiting":[]}'])(
    'of a file with %j in it are unknown, which is a warning',
    async (text) => {
      const first = start();
      first.desk.update([LETTERS], 0);
      await first.settled();
      writeFileSync(path, text);
      expect(start().desk.open).toEqual([]);
      expect(warnings).toEqual([expect.stringContaining('which alerts are open cannot be remembered')]);
    },
  );

  it('lie in a file that is whole at every instant', async () => {
    const { desk, settled } = start();
    for (let i = 0; i < 20; i++) {
      desk.update([{ ...LETTERS, id: `${i}` }], i);
      expect(JSON.parse(readFileSync(path, 'utf8')).open).toHaveLength(1);
    }
    await settled();
    expect(readdirSync(join(directory, 'alerts'))).toEqual(['run.json']);
  });

  it('are told of all the same where nothing can be written', async () => {
    writeFileSync(join(directory, 'alerts'), 'a file');
    const { desk, settled } = start();
    desk.update([LETTERS], 0);
    await settled();
    expect(got).toHaveLength(2);
    expect(warnings.length).toBeGreaterThan(0);
  });
});
