import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { endAll, run, start } from './command.ts';

const TIMEOUT_MS = 180_000;
const SUMMARY = /^ticks (\d+), bars (\d+), late (\d+)\n$/;

let data: string;
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'tidemark-demo-'));
});
afterEach(async () => {
  await endAll();
  rmSync(data, { recursive: true, force: true });
});

function countsOf(summary: string): { ticks: number; bars: number; late: number } {
  const [, ticks, bars, late] = SUMMARY.exec(summary) ?? [];
  return { ticks: Number(ticks), bars: Number(bars), late: Number(late) };
}

async function json(...args: string[]): Promise<unknown> {
  const { stdout, stderr, status } = await run([...args, '--json', '--data', data]);
  if (status !== 0) throw new Error(`${args[0]} ended with ${status}: ${stderr}`);
  return JSON.parse(stdout);
}

const COUNTS =
  'SELECT (SELECT count() FROM ticks) AS ticks, (SELECT count() FROM bars) AS bars, (SELECT count() FROM late) AS late';

describe('demo', { timeout: TIMEOUT_MS }, () => {
  it('ends by itself with a summary of what ClickHouse holds, and all that came is processed and stored', async () => {
    const { status, stdout, stderr } = await run(['demo', '--data', data], { env: { DEMO_SECONDS: '4' } });
    expect(stderr).toContain('npx tidemark bars --interval 1s');
    expect(stderr).toMatch(/\d s: ticks \d+ .*watermark lag/);
    expect(stdout).toMatch(SUMMARY);
    expect(status).toBe(0);

    const counts = countsOf(stdout);
    expect(counts.ticks).toBeGreaterThan(1_000);
    expect(counts.bars).toBeGreaterThan(0);
    expect(await json('query', COUNTS)).toEqual([counts]);
    const topics = (await json('topics')) as { topic: string; records: number }[];
    const produced = topics.filter(({ topic }) => topic === 'ticks').reduce((sum, { records }) => sum + records, 0);
    expect(produced).toBe(counts.ticks);
  });

  it('lets every other command work beside it; stops cleanly at Ctrl-C; goes on at the next start', async () => {
    const first = start(['demo', '--data', data, '--rate', '1000']);
    await first.shows(/in ClickHouse \d{3,} ticks and [1-9]/);
    const status = (await json('status')) as {
      ownerPid: number;
      tasks: { topology: string; watermarkTime: string }[];
      sink: { topic: string }[];
    };
    expect(status.ownerPid).toBe(first.child.pid);
    expect(status.tasks[0]).toMatchObject({ topology: 'bars', watermarkTime: expect.stringMatching(/^20/) });
    expect(new Set(status.sink.map(({ topic }) => topic))).toContain('bars');
    const [bar] = (await json('bars', '--interval', '1s')) as { symbol: string }[];
    expect(bar?.symbol).toMatch(/^sim:/);
    expect(await json('query', 'SELECT count() > 0 AS some FROM ticks')).toEqual([{ some: 1 }]);
    expect(await json('topics')).toContainEqual(expect.objectContaining({ topic: 'bars.control', partition: 0 }));
    const beside = start(['run', '--data', data]);
    await beside.shows(/process \d+ runs the sink of bars/);
    await beside.shows(/this process has 2 of 4 partitions of topology bars: \d, \d/);

    first.child.kill('SIGINT');
    const stopped = await first.ended;
    expect(stopped.stderr).not.toMatch(/error|at .*\.ts:/);
    expect(stopped.stdout).toMatch(SUMMARY);
    expect(stopped.status).toBe(0);
    beside.child.kill('SIGTERM');
    expect((await beside.ended).status).toBe(0);

    const second = await run(['demo', '--seconds', '2', '--rate', '1000', '--data', data]);
    expect(second.status).toBe(0);
    const before = countsOf(stopped.stdout);
    const after = countsOf(second.stdout);
    expect(after.ticks).toBeGreaterThan(before.ticks);
    expect(after.bars).toBeGreaterThan(before.bars);
    // A simulation that goes on does not repeat a tick.
    expect(await json('query', 'SELECT count() - uniqExact(sequence) AS repeated FROM ticks')).toEqual([
      { repeated: 0 },
    ]);
  });

  it('plays a recording in place of the simulation: every trade that is in it', async () => {
    const env = { DEMO_SECONDS: '3', DEMO_SOURCE: 'recording' };
    const { status, stdout, stderr } = await run(['demo', '--rate', '500', '--data', data], { env });
    expect(stderr).toContain('plays a recording of 240 s in 3 s (--speed 80)');
    expect({ status, stderr }).toMatchObject({ status: 0 });
    expect(countsOf(stdout)).toMatchObject({ ticks: 1_500, late: 0 });
    const bars = (await json('bars', '--interval', '1m')) as { symbol: string; count: number }[];
    expect(bars.length).toBeGreaterThan(0);
    expect(new Set(bars.map(({ symbol }) => symbol.replace(/\d+/, '')))).toEqual(new Set(['coinbase:SYM-USD']));
  });

  it.each([
    [['--seconds', '0'], {}, "option '--seconds <n>' argument '0' is invalid"],
    [[], { DEMO_SOURCE: 'thin air' }, "option '--source <source>' value 'thin air' from env 'DEMO_SOURCE' is invalid"],
    [[], { DEMO_SECONDS: 'soon' }, '"soon" is not a whole number above zero (DEMO_SECONDS)'],
  ])('refuses %j %j', async (args, env, message) => {
    const { status, stderr } = await run(['demo', ...args, '--data', data], { env });
    expect(stderr).toContain(`error TM_USAGE: ${message}`);
    expect(status).toBe(2);
  });
});
