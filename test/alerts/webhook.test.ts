import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import type { Alert } from '../../src/alerts/alert.ts';
import { AlertDesk } from '../../src/alerts/alertDesk.ts';
import { AlertFile } from '../../src/alerts/alertFile.ts';
import { FailedRuns } from '../../src/alerts/failedRuns.ts';
import { Outgoing } from '../../src/alerts/outgoing.ts';
import { sendAlert, type WebhookParts } from '../../src/alerts/webhook.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { TidemarkError } from '../../src/errors.ts';
import { type Receiver, startReceiver } from './receiver.ts';

const ALERT: Alert = {
  ...{ id: 'letters', kind: 'deadLetters', title: 'dead letters', detail: 'many', value: 7, threshold: 5 },
  ...{ state: 'firing', sinceMs: 0, atMs: 60_000 },
};
const NEVER = new AbortController().signal;

describe('an alert', () => {
  const receivers: Receiver[] = [];
  const waits: number[] = [];

  afterEach(async () => {
    waits.length = 0;
    for (const receiver of receivers.splice(0)) await receiver.close();
  });

  async function receive(answer?: Parameters<typeof startReceiver>[0]): Promise<Receiver> {
    const receiver = await startReceiver(answer);
    receivers.push(receiver);
    return receiver;
  }

  function parts(config: Partial<WebhookParts['config']> = {}): WebhookParts {
    const configured = loadConfig({ env: {}, flags: new Map() }).alerts;
    return {
      fetch,
      wait: async (ms) => {
        waits.push(ms);
      },
      random: () => 1,
      config: { ...configured, retries: 3, backoffMs: 100, maxBackoffMs: 250, ...config },
    };
  }

  const send = ({ url }: Receiver, options = parts(), name: 'alerts.url' | 'alerts.slackUrl' = 'alerts.url') =>
    sendAlert({ name, url }, ALERT, options, NEVER);

  it('goes to a webhook as JSON, and to Slack as its words', async () => {
    const receiver = await receive();
    await send(receiver);
    await send(receiver, parts(), 'alerts.slackUrl');
    expect(receiver.received.map(({ body }) => body)).toEqual([
      expect.objectContaining({
        id: 'letters',
        state: 'firing',
        at: '1970-01-01T00:01:00.000Z',
        value: 7,
        threshold: 5,
      }),
      { text: '[firing] dead letters: many' },
    ]);
    expect(receiver.received[0]?.headers['content-type']).toBe('application/json');
  });

  it.each([429, 500, 503])('is sent again after status %i, at growing distances', async (status) => {
    const receiver = await receive((count) => (count < 4 ? status : 200));
    await send(receiver);
    expect(receiver.received).toHaveLength(4);
    expect(waits).toEqual([100, 200, 250]);
  });

  it('is sent again where there is no answer in time', async () => {
    const receiver = await receive((count) => (count === 1 ? null : 200));
    await send(receiver, parts({ timeoutMs: 2_000 }));
    expect(receiver.received).toHaveLength(2);
  });

  it.each([301, 400, 404, 410])('is not sent again after status %i', async (status) => {
    const receiver = await receive(() => status);
    await expect(send(receiver)).rejects.toMatchObject({
      code: 'TM_ALERT_FAILED',
      message: `an alert did not get through: it answered with status ${status}`,
    });
    expect(receiver.received).toHaveLength(1);
  });

  it('is given up in the end, and the error does not tell the address', async () => {
    const receiver = await receive();
    await receiver.close();
    const error = await send(receiver).catch((thrown: TidemarkError) => thrown);
    expect(error).toMatchObject({ code: 'TM_ALERT_FAILED', where: 'alerts.url' });
    expect(JSON.stringify({ ...error }) + String(error)).not.toMatch(/secret|127\.0\.0\.1/);
    expect(waits).toHaveLength(3);
  });

  it('holds nobody up, and the oldest is dropped when too many wait', async () => {
    const receiver = await receive(() => null);
    const warnings: string[] = [];
    const stop = new AbortController();
    const outgoing = new Outgoing({
      ...parts({ maxWaiting: 2 }),
      webhook: { name: 'alerts.url', url: receiver.url },
      onWarning: ({ message }) => warnings.push(message),
      signal: stop.signal,
    });
    for (let i = 0; i < 5; i++) outgoing.add({ ...ALERT, id: `${i}` });
    expect(warnings).toHaveLength(2);
    expect(warnings[0]).toContain('more than 2 wait');
    stop.abort();
    await outgoing.settled();
    expect(warnings).toHaveLength(2);
  });

  it('that is lost is a warning, and the next one is sent', async () => {
    const receiver = await receive((count) => (count === 1 ? 404 : 200));
    const warnings: string[] = [];
    const outgoing = new Outgoing({
      ...parts(),
      webhook: { name: 'alerts.url', url: receiver.url },
      onWarning: ({ code }) => warnings.push(code),
      signal: NEVER,
    });
    for (const id of ['1', '2']) outgoing.add({ ...ALERT, id });
    await outgoing.settled();
    outgoing.add({ ...ALERT, id: '3' });
    await outgoing.settled();
    expect(warnings).toEqual(['TM_ALERT_FAILED']);
    expect(receiver.received.map(({ body }) => body.id)).toEqual(['1', '2', '3']);
  });

  it('tells of a job once its last attempt has failed, or it broke off, until a run is done', async () => {
    const receiver = await receive();
    const options = { ...parts(), onWarning: () => {}, signal: NEVER };
    const outgoing = new Outgoing({ ...options, webhook: { name: 'alerts.slackUrl', url: receiver.url } });
    const attempts = new Map([['fetch', 2]]);
    const directory = mkdtempSync(join(tmpdir(), 'tidemark-alerts-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const deskOf = (job: string) => {
      const file = new AlertFile(join(directory, job), () => {});
      return new AlertDesk({ file, repeatMs: 1_000, maxRemembered: 10, outgoing: [outgoing] });
    };
    const failed = new FailedRuns({ deskOf, attempts, now: () => 0 });
    const run = (job: string, state: 'running' | 'done' | 'failed' | 'interrupted', attempt = 1) => {
      const error = state === 'failed' ? { errorCode: 'TM_X', error: 'no' } : { errorCode: null, error: null };
      failed.onRun({ id: `${job}-1`, job, state, attempt, ...error });
    };
    run('fetch', 'done');
    run('fetch', 'running');
    run('fetch', 'failed', 1);
    run('other', 'interrupted');
    run('fetch', 'failed', 2);
    run('fetch', 'failed', 2);
    run('fetch', 'done');
    await outgoing.settled();
    expect(receiver.received.map(({ body }) => body.text)).toEqual([
      '[firing] job other: its run other-1 was interrupted',
      '[firing] job fetch: its run fetch-1 failed: TM_X: no',
      '[resolved] job fetch: its run fetch-1 was done',
    ]);
  });
});
