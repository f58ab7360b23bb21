import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTidemark, tidemark } from '../support/tidemarkCommand.ts';

const TEST_TIMEOUT_MS = 240_000;
const QUICK = { env: { TIDEMARK_SCHEDULE_POLL_MS: '50', TIDEMARK_SCHEDULE_GRACE_MS: '500' } };
const POLL_MS = 100;
const LAYOUT = `
name: few-ticks
schema: tick
fields:
  instrument: { template: "test:{symbol}" }
  eventTime: { column: ms, unit: ms }
  price: price
  size: qty
`;
const ROWS = 'symbol,ms,price,qty\nA,1767603600000,10,1\nA,1767603601000,11,2\nA,nonsense,12,3\n';

interface Shown {
  readonly id: string;
  readonly job: string;
  readonly attempt: number;
  readonly state: string;
  readonly bytes: number;
}

describe('tidemark schedule', () => {
  let directory: string;
  let data: string;

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'tidemark-schedule-'));
    data = join(directory, 'data');
    mkdirSync(data);
  });

  afterAll(() => rmSync(directory, { recursive: true }));

  function file(name: string, text: string): string {
    writeFileSync(join(directory, name), text);
    return join(directory, name);
  }

  /** A job for each csv file, and one after the first. */
  function schedule(...names: string[]): string {
    const layout = file('layout.yaml', LAYOUT);
    const jobs = names.map((name) => {
      const path = join(directory, `${name}.csv`);
      const command = JSON.stringify(['produce', 'csv', '--allow-late', '--layout', layout, path]);
      return `  ${name}: { command: ${command}, when: { file: ${path} } }\n`;
    });
    return file('jobs.yaml', `jobs:\n${jobs.join('')}  check: { command: [topics], after: ${names[0]} }\n`);
  }

  async function runs(...args: string[]): Promise<Shown[]> {
    return JSON.parse(await tidemark(data, ['runs', 'list', '--json', ...args])) as Shown[];
  }

  async function until(isThere: (list: readonly Shown[]) => boolean, running: () => boolean): Promise<void> {
    while (running() && !isThere(await runs())) await pause(POLL_MS);
  }

  it('runs jobs as their data arrives, writes each run, and can run one again', {
    timeout: TEST_TIMEOUT_MS,
  }, async () => {
    const jobs = schedule('one', 'two');
    const scheduler = startTidemark(data, ['schedule', jobs], QUICK);
    file('one.csv', ROWS);
    await until((list) => list.some(({ job, state }) => job === 'check' && state === 'done'), scheduler.running);
    file('two.csv', 'symbol,price\nA,1\n');
    await until((list) => list.some(({ job, state }) => job === 'two' && state === 'failed'), scheduler.running);
    scheduler.stop();
    const { status, stderr } = await scheduler.result;
    expect(status, stderr).toBe(0);

    const list = await runs();
    expect(list.map(({ job, state }) => [job, state])).toEqual([
      ['two', 'failed'],
      ['check', 'done'],
      ['one', 'done'],
    ]);
    expect(list[2]).toMatchObject({
      rowsRead: 3,
      rowsWritten: 2,
      rejected: 1,
      skipped: 0,
      errorCode: null,
      attempt: 1,
    });
    expect(list[2]?.bytes).toBeGreaterThan(0);
    expect(list[0]).toMatchObject({ errorCode: expect.stringMatching(/^TM_/), rowsWritten: 0 });
    expect(stderr).toMatch(/one: done, 2 rows written\n/);
    expect(await runs('--job', 'one', '--limit', '1')).toHaveLength(1);

    const id = list[0]?.id ?? '';
    const again = await startTidemark(data, ['runs', 'retry', id]).result;
    expect(again.status).toBe(1);
    expect(again.stderr).toContain('TM_JOB_FAILED');
    file('two.csv', ROWS.replaceAll('A,', 'B,'));
    await tidemark(data, ['runs', 'retry', id]);
    const attempts = JSON.parse(await tidemark(data, ['runs', 'show', id, '--json'])) as Shown[];
    expect(attempts.map(({ attempt, state }) => [attempt, state])).toEqual([
      [1, 'failed'],
      [2, 'failed'],
      [3, 'done'],
    ]);
    expect(await tidemark(data, ['runs', 'show', id])).toContain('rowsWritten  2');
    expect(await tidemark(data, ['runs', 'list'])).toMatch(/^id +job +attempt +state/);
    const csv = await tidemark(data, [
      'query',
      'SELECT job, count() FROM runs GROUP BY job ORDER BY job',
      '--format',
      'csv',
    ]);
    expect(csv).toContain('two,3');
  });

  it('holds the timeout of its job in a run that is run once more', { timeout: TEST_TIMEOUT_MS }, async () => {
    const own = join(directory, 'timeout');
    const trigger = file('trigger', 'now');
    const command = JSON.stringify(['run', '--roles', 'topology', '--data', join(directory, 'endless')]);
    const jobs = file(
      'endless.yaml',
      `jobs: { e: { command: ${command}, when: { file: ${trigger} }, timeoutSeconds: 3 } }`,
    );
    const list = async () => JSON.parse(await tidemark(own, ['runs', 'list', '--json'])) as Shown[];
    const scheduler = startTidemark(own, ['schedule', jobs], QUICK);
    while (scheduler.running() && !(await list()).some(({ state }) => state === 'failed')) await pause(POLL_MS);
    scheduler.stop();
    await scheduler.result;
    const [first] = await list();
    expect(first).toMatchObject({ errorCode: 'TM_JOB_TIMEOUT', timeoutMs: 3_000 });
    const { status, stderr } = await startTidemark(own, ['runs', 'retry', first?.id ?? ''], QUICK).result;
    expect(status).toBe(1);
    expect(stderr).toContain('TM_JOB_TIMEOUT');
    expect((await list())[0]).toMatchObject({ attempt: 2, errorCode: 'TM_JOB_TIMEOUT', timeoutMs: 3_000 });
  });

  it('shows a run that kill -9 broke off as interrupted, and does not forget its work', {
    timeout: TEST_TIMEOUT_MS,
  }, async () => {
    const many = Array.from({ length: 600_000 }, (_, i) => `C,${1767603600000 + i},10,1\n`);
    const jobs = schedule('many');
    file('many.csv', `symbol,ms,price,qty\n${many.join('')}`);
    const scheduler = startTidemark(data, ['schedule', jobs], QUICK);
    await until((list) => list.some(({ job, state }) => job === 'many' && state === 'running'), scheduler.running);
    scheduler.killHard();
    await scheduler.result;
    // What it had started ends by itself.
    while (commandsWith(join(directory, 'many.csv')) > 0) await pause(POLL_MS);
    expect((await runs('--job', 'many'))[0]?.state).toBe('running');
    file('many.csv', ROWS.replaceAll('A,', 'D,'));
    const next = startTidemark(data, ['schedule', jobs], QUICK);
    await until((list) => list.some(({ job, state }) => job === 'many' && state === 'done'), next.running);
    next.stop();
    await next.result;
    expect((await runs('--job', 'many')).map(({ state }) => state)).toEqual(['done', 'interrupted']);
  });

  it('says what runs next, and refuses what it cannot do', { timeout: TEST_TIMEOUT_MS }, async () => {
    const jobs = file(
      'clock.yaml',
      "jobs: { a: { command: [topics], cron: '0 7 * * *' }, b: { command: [runs, list], after: a } }",
    );
    expect(await tidemark(data, ['schedule', jobs, '--dry-run'])).toMatch(
      /^a +\d{4}-\d\d-\d\dT07:00:00\.000Z +- +- +topics$/m,
    );
    const missing = await startTidemark(data, ['schedule', join(directory, 'none.yaml')]).result;
    expect([missing.status, missing.stderr]).toEqual([2, expect.stringContaining('TM_SCHEDULE')]);
    const mistaken = file('mistaken.yaml', "jobs: { a: { command: [prodcue, csv], cron: '0 7 * * *' } }");
    const refused = await startTidemark(data, ['schedule', mistaken, '--dry-run']).result;
    expect([refused.status, refused.stderr]).toEqual([2, expect.stringContaining('Did you mean produce?')]);
    expect((await startTidemark(data, ['runs', 'list', '--job', 'nobody']).result).stderr).toContain(
      'no runs of the job nobody',
    );
    const unknown = await startTidemark(data, ['runs', 'show', 'nothing']).result;
    expect([unknown.status, unknown.stderr]).toEqual([1, expect.stringContaining('TM_RUN_UNKNOWN')]);
  });
});

/** Processes whose command line has a text in it. */
function commandsWith(text: string): number {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(text);
    } catch {
      return false; // It has ended since.
    }
  }).length;
}
