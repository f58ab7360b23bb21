import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Receiver, startReceiver } from '../alerts/receiver.ts';
import { endAll, run, start } from './command.ts';

const TIMEOUT_MS = 120_000;
const POLL_MS = 60_000;

describe('tidemark alerts', { timeout: TIMEOUT_MS }, () => {
  const directory = mkdtempSync(join(tmpdir(), 'tidemark-alerts-'));
  let receiver: Receiver;

  beforeAll(async () => {
    receiver = await startReceiver((count) => (count === 3 ? 404 : 200));
  });

  afterAll(async () => {
    await endAll();
    await receiver.close();
    rmSync(directory, { recursive: true, force: true });
  });

  it('test says that there is no webhook', async () => {
    const { status, stderr } = await run(['alerts', 'test']);
    expect([status, stderr]).toEqual([2, expect.stringContaining('TM_USAGE')]);
  });

  it('test sends one to each webhook, and fails with those that do not take it', async () => {
    const env = { TIDEMARK_ALERTS_URL: receiver.url, TIDEMARK_ALERTS_SLACK_URL: receiver.url };
    const good = await run(['alerts', 'test'], { env });
    expect([good.status, good.stdout]).toEqual([0, 'alerts.url: taken\nalerts.slackUrl: taken\n']);
    expect(receiver.received.map(({ body }) => body.text)).toEqual(
      Array.from({ length: 2 }, () => '[firing] test: alerts of this Tidemark get through'),
    );
    const bad = await run(['alerts', 'test'], { env });
    expect([bad.status, bad.stdout]).toEqual([1, 'alerts.slackUrl: taken\n']);
    expect(bad.stderr).toContain('TM_ALERT_FAILED');
    expect(bad.stderr).not.toContain('a-secret-path');
  });

  it('are sent while a run goes on', async () => {
    const data = join(directory, 'data');
    const rows = join(directory, 'rows.csv');
    const layout = join(directory, 'layout.yaml');
    writeFileSync(rows, 'symbol,time,price\nx:A,1723161600000,10\nx:A,1723161601000,ten\n');
    const fields = '{ instrument: symbol, eventTime: { column: time, unit: ms }, price: price, size: { value: 1 } }';
    writeFileSync(layout, `name: ticks\nschema: tick\nfields: ${fields}\n`);
    const before = receiver.received.length;
    const env = {
      TIDEMARK_ALERTS_URL: receiver.url,
      TIDEMARK_ALERTS_DEAD_LETTERS: '0',
      TIDEMARK_ALERTS_EVERY_MS: '100',
    };
    const running = start(['run', '--port', '0', '--data', data], { env });
    await running.shows(/API at/);
    expect((await run(['produce', 'csv', '--layout', layout, rows, '--data', data])).status).toBe(0);
    await expect.poll(() => receiver.received.length, { timeout: POLL_MS }).toBe(before + 1);
    expect(receiver.received.at(-1)?.body).toMatchObject({ kind: 'deadLetters', state: 'firing', value: 1 });
    running.child.kill('SIGINT');
    expect((await running.ended).status).toBe(0);
    expect(receiver.received).toHaveLength(before + 1);
  });
});
