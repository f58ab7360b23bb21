import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Receiver, startReceiver } from '../alerts/receiver.ts';
import { startVendor, type VendorServer } from '../producers/market/vendorServer.ts';
import { freePort } from '../support/ports.ts';
import { type RunningCommand, startTidemark, tidemark } from '../support/tidemarkCommand.ts';

const TIMEOUT_MS = 240_000;
const SOON = { timeout: 60_000, interval: 100 };
const KEY = 'SECRETKEY1234567';
const FIELDS = '{ instrument: symbol, eventTime: { column: ms, unit: ms }, price: price, size: qty }';
const ROWS = 'symbol,ms,price,qty\nt:A,1767603600000,10,1\n';
const WRONG = 'symbol,price\nt:A,1\n';

interface Run {
  readonly id: string;
  readonly job: string;
  readonly state: string;
}

describe('alerts of scheduled jobs', { timeout: TIMEOUT_MS }, () => {
  const directory = mkdtempSync(join(tmpdir(), 'tidemark-schedule-alerts-'));
  const data = join(directory, 'data');
  const schedule = join(directory, 'jobs.yaml');
  const schedulers: RunningCommand[] = [];
  let receiver: Receiver;
  let vendor: VendorServer;
  let env: Readonly<Record<string, string>>;

  beforeAll(async () => {
    // It fails at first, so that it is asked again.
    receiver = await startReceiver((count) => (count === 1 ? 503 : 200));
    vendor = await startVendor(() => ({
      body: JSON.stringify({
        'Error Message': `the parameter apikey is invalid: we have detected your API key as ${KEY}`,
      }),
    }));
    env = {
      TIDEMARK_SCHEDULE_POLL_MS: '50',
      TIDEMARK_ALERTS_URL: receiver.url,
      // Nobody listens there.
      TIDEMARK_ALERTS_SLACK_URL: `http://127.0.0.1:${await freePort()}/a-secret-path`,
      TIDEMARK_ALERTS_RETRIES: '2',
      TIDEMARK_ALERTS_BACKOFF_MS: '10',
      TIDEMARK_ALPHAVANTAGE_KEY: KEY,
      TIDEMARK_ALPHAVANTAGE_URL: `${vendor.url}/query`,
    };
    const path = (name: string) => join(directory, name);
    const job = (name: string, ...command: readonly string[]) =>
      `  ${name}: { command: ${JSON.stringify(command)}, when: { file: ${path(`${name}.csv`)} } }\n`;
    writeFileSync(path('layout.yaml'), `name: ticks\nschema: tick\nfields: ${FIELDS}\n`);
    const rows = job('rows', 'produce', 'csv', '--allow-late', '--layout', path('layout.yaml'), path('rows.csv'));
    const bars = job('bars', 'produce', 'alphavantage', '--symbols', 'IBM', '--interval', '1d');
    writeFileSync(schedule, `jobs:\n${rows}${bars}${job('topics', 'topics')}`);
  });

  afterAll(async () => {
    for (const scheduler of schedulers) scheduler.killHard();
    await Promise.all(schedulers.map(({ result }) => result));
    await receiver.close();
    await vendor.close();
    rmSync(directory, { recursive: true, force: true });
  });

  function start(): RunningCommand {
    const scheduler = startTidemark(data, ['schedule', schedule], { env });
    schedulers.push(scheduler);
    return scheduler;
  }

  /** Writes the file that a job waits for, and gives the run once it has ended. */
  async function runs(job: string, text: string, state: 'done' | 'failed'): Promise<Run> {
    const ended = async () => {
      const list = JSON.parse(await tidemark(data, ['runs', 'list', '--job', job, '--json'])) as Run[];
      return list.filter((run) => run.state === state);
    };
    const before = (await ended()).length;
    writeFileSync(join(directory, `${job}.csv`), text);
    await expect.poll(async () => (await ended()).length, SOON).toBe(before + 1);
    return (await ended())[0] as Run;
  }

  const bodies = () => receiver.received.map(({ body }) => body);

  it('are sent again to a webhook that fails, and a webhook that is away holds up no job', async () => {
    start();
    const failed = await runs('rows', WRONG, 'failed');
    await runs('topics', 'now', 'done');
    await expect.poll(() => bodies().length, SOON).toBe(2);
    expect(bodies()[1]).toEqual(bodies()[0]);
    expect(bodies()[1]).toMatchObject({ kind: 'failedRun', state: 'firing', title: 'job rows' });
    expect(bodies()[1]?.detail).toMatch(new RegExp(`^its run ${failed.id} failed: TM_[A-Z_]+: .+`));
  });

  it('tell no key, and no address of a webhook', async () => {
    const failed = await runs('bars', 'now', 'failed');
    await expect.poll(() => bodies().length, SOON).toBe(3);
    expect(bodies()[2]?.detail).toContain(`${failed.id} failed: TM_SOURCE`);
    expect(JSON.stringify(bodies())).not.toMatch(new RegExp(`${KEY}|a-secret-path`));
  });

  it('are not told again after kill -9, and are told to be over by the next process', async () => {
    const [first] = schedulers;
    first?.killHard();
    const { stderr } = (await first?.result) ?? { stderr: '' };
    expect(stderr).toContain('TM_ALERT_FAILED');
    expect(stderr).not.toMatch(new RegExp(`${KEY}|a-secret-path`));
    const next = start();
    await runs('rows', `${WRONG}t:A,2\n`, 'failed');
    const done = await runs('rows', ROWS, 'done');
    await expect.poll(() => bodies().length, SOON).toBe(4);
    expect(bodies()[3]).toMatchObject({ state: 'resolved', detail: `its run ${done.id} was done` });
    next.stop();
    expect((await next.result).status).toBe(0);
    expect(bodies()).toHaveLength(4);
  });
});
