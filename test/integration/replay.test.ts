import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { killRepeatedly, seededRandom } from '../support/killing.ts';
import { contentsOf, withLog } from '../support/logContents.ts';
import { type RunningCommand, startTidemark, tidemark } from '../support/tidemarkCommand.ts';

const TIMEOUT_MS = 300_000;
const POLL_MS = 100;
const KILLS = 5;
const START = '2026-01-05T09:00:00Z';
const MINUTES = 4;
const HOURS = 2;
/** One tick in fifty is late. */
const SIMULATE = ['produce', 'simulate', '--fast', '--start', START, '--late-fraction', '0.02'];
const RUN = ['run', '--roles', 'topology,sink'];
/** Small bounds, so that there are many commits. */
const env = {
  TIDEMARK_TOPOLOGY_MAX_RECORDS_PER_CHUNK: '250',
  TIDEMARK_COMMIT_MAX_RECORDS: '250',
  TIDEMARK_SINK_BATCH_ROWS: '500',
};

let data = '';
let children: RunningCommand[] = [];
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'tidemark-replay-'));
  children = [];
});
afterEach(async () => {
  for (const child of children) child.killHard();
  await Promise.all(children.map((child) => child.result));
  rmSync(data, { recursive: true });
});

interface Difference {
  readonly generation: number;
  readonly base: number;
  readonly behind: number;
  readonly intervals: readonly Record<'same' | 'changed' | 'missing' | 'added' | 'moving', number>[];
  readonly windows: readonly { readonly symbol: string; readonly what: string; readonly start: string; end: string }[];
}

async function diff(...args: readonly string[]): Promise<Difference> {
  return JSON.parse(await tidemark(data, ['replay', 'diff', ...args, '--json']));
}

function sumOf({ intervals }: Difference, kind: keyof Difference['intervals'][number]): number {
  return intervals.reduce((sum, row) => sum + row[kind], 0);
}

function expectNone(difference: Difference): void {
  expect(difference).toMatchObject({ behind: 0, windows: [] });
  expect(sumOf(difference, 'same')).toBeGreaterThan(100);
  for (const kind of ['changed', 'missing', 'added', 'moving'] as const) expect(sumOf(difference, kind)).toBe(0);
}

/** What users see: bars with their revisions, and the late ledger. */
async function seen(): Promise<string[]> {
  const late = 'SELECT symbol, partition, offset, intervals, missedAll FROM late ORDER BY partition, offset';
  return [
    await tidemark(data, ['bars', '--interval', '1s', '--format', 'csv']),
    await tidemark(data, ['bars', '--interval', '1m', '--format', 'csv']),
    await tidemark(data, ['query', late, '--format', 'csv']),
  ];
}

/** The packaged topology without one instrument. */
function topologyWithout(symbol: string): string {
  const file = join(data, 'without.ts');
  writeFileSync(
    file,
    `import { aggregate, bounded, count, filter, keyBy, latestByKey, ohlcv, rollup, topology, tumbling, watermark, window } from 'tidemark';
    export default topology({ name: 'bars', version: 2, inputs: { ticks: 'ticks' },
      params: { outOfOrdernessMs: 1_000, allowedLatenessMs: 300_000 },
      tables: { bars: { views: [latestByKey(), rollup('1d')] } },
      build: ({ ticks }, p) => ({ bars: ticks.pipe(
        watermark(bounded(p.outOfOrdernessMs)),
        filter((tick) => tick.instrument !== ${JSON.stringify(symbol)}),
        keyBy('instrument'),
        window([tumbling('1s'), tumbling('1m'), tumbling('5m'), tumbling('1h')], { allowedLatenessMs: p.allowedLatenessMs }),
        aggregate({ ...ohlcv('price', 'size'), count: count() }),
      ) }) });`,
  );
  return file;
}

async function firstSymbol(): Promise<string> {
  const rows = await tidemark(data, ['query', 'SELECT min(symbol) AS symbol FROM bars', '--format', 'ndjson']);
  return JSON.parse(rows).symbol;
}

async function countOf(condition: string): Promise<number> {
  const sql = `SELECT toUInt32(count()) AS n FROM bars WHERE ${condition}`;
  return JSON.parse(await tidemark(data, ['query', sql, '--format', 'ndjson'])).n;
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
}

describe('a replay', { timeout: TIMEOUT_MS }, () => {
  it('of a run with disorder and late ticks, killed over and over, differs in nothing, and serves the same', async () => {
    const count = 100 * 60 * MINUTES;
    const goOn = async (to: number): Promise<void> => {
      await tidemark(data, [...SIMULATE, '--rate', '100', '--count', String(to)]);
      await tidemark(data, [...RUN, '--until-end'], { env });
    };
    for (const part of [0.4, 1]) await goOn(count * part);
    const before = await seen();
    expect(before[2]?.split('\n').length).toBeGreaterThan(50);
    const kills = await withLog(data, (log) =>
      killRepeatedly({
        progress: async () => (await log.committed('bars__g2')).reduce((sum, { offset }) => sum + offset, 0),
        end: count,
        start: () => startTidemark(data, ['replay', 'start'], { env }),
        kills: KILLS,
        random: seededRandom(7),
      }),
    );
    expect(kills).toHaveLength(KILLS);
    await tidemark(data, ['replay', 'start'], { env });
    expectNone(await diff());
    await tidemark(data, ['replay', 'swap'], { env });
    expect(await seen()).toEqual(before);
    for (const end of ['', '.late']) {
      expect(await contentsOf(data, `bars__g2${end}`)).toEqual(await contentsOf(data, `bars${end}`));
    }
    await tidemark(data, ['replay', 'rollback']);
    expect(await seen()).toEqual(before);
    await goOn(1.2 * count);
    expect(await seen()).not.toEqual(before);
    await tidemark(data, ['replay', 'start'], { env });
    const difference = await diff();
    expect(difference).toMatchObject({ generation: 3, base: 1 });
    expectNone(difference);
  });

  it('of a changed topology shows just its change, and in a range only what reaches into it', async () => {
    const count = 3 * 3_600 * HOURS;
    await tidemark(data, [...SIMULATE, '--rate', '3', '--count', String(count)]);
    await tidemark(data, [...RUN, '--until-end'], { env });
    const symbol = await firstSymbol();
    const file = topologyWithout(symbol);
    const all = await countOf('1');
    const own = await countOf(`symbol = '${symbol}'`);
    await tidemark(data, ['replay', 'start', file]);
    const whole = await diff(file, '--limit', '100000');
    expect([sumOf(whole, 'missing'), sumOf(whole, 'same')]).toEqual([own, all - own]);
    expect([sumOf(whole, 'changed'), sumOf(whole, 'added')]).toEqual([0, 0]);
    expect(new Set(whole.windows.map((window) => `${window.what} ${window.symbol}`))).toEqual(
      new Set([`missing ${symbol}`]),
    );
    await tidemark(data, ['replay', 'drop', file]);

    const range = ['--from', '2026-01-05T10:22:30Z', '--to', '2026-01-05T10:31:00Z'];
    const { stderr } = await startTidemark(data, ['replay', 'start', file, ...range]).result;
    expect(Number(/: (\d+) records to read/.exec(stderr)?.[1])).toBeLessThan(0.6 * count);
    const inRange = `symbol = '${symbol}' AND start < '2026-01-05 10:31:00' AND end > '2026-01-05 10:22:30'`;
    const cut = await countOf(inRange);
    const part = await diff(file, '--limit', '100000');
    expect([part.behind, sumOf(part, 'missing'), sumOf(part, 'same')]).toEqual([0, cut, all - cut]);
    expect(cut).toBeGreaterThan(30);
    await tidemark(data, ['replay', 'swap', file]);
    expect([await countOf(inRange), await countOf('1')]).toEqual([0, all - cut]);
  });

  it('follows live until it is swapped in, and live goes on with it', async () => {
    const live = startTidemark(data, RUN, { env });
    const simulation = startTidemark(data, [
      ...['produce', 'simulate', '--start', START, '--rate', '500', '--seconds', '240', '--late-fraction', '0.02'],
    ]);
    children.push(live, simulation);
    await until(async () => (await tidemark(data, ['bars', '--interval', '1s', '--format', 'csv'])).length > 1_000);
    const replay = startTidemark(data, ['replay', 'start'], { env });
    children.push(replay);
    const state = async (generation: number): Promise<{ state: string; behind: number } | undefined> => {
      const all: { generation: number; state: string; behind: number }[] = JSON.parse(
        await tidemark(data, ['replay', 'status', '--json']),
      );
      return all.find((each) => each.generation === generation);
    };
    await until(async () => ((await state(2))?.behind ?? 1_000_000) < 2_000);
    // Both go on meanwhile: only what is of the same input is compared.
    const difference = await diff();
    expect(difference).toMatchObject({ generation: 2, base: 1, behind: 0, windows: [] });
    expect(sumOf(difference, 'same')).toBeGreaterThan(100);
    expect(replay.running()).toBe(true);
    await tidemark(data, ['replay', 'swap'], { env });
    expect(await state(2)).toMatchObject({ state: 'live' });
    const { stdout, stderr } = await replay.result;
    expect(stdout, stderr).toContain('is served');
    expect(simulation.running()).toBe(true);
    simulation.stop();
    expect(await simulation.result).toMatchObject({ status: 0 });
    live.stop();
    expect(await live.result).toMatchObject({ status: 0 });
    await tidemark(data, [...RUN, '--until-end'], { env });
    await tidemark(data, ['replay', 'start'], { env });
    const afterwards = await diff();
    expect(afterwards).toMatchObject({ generation: 3, base: 2 });
    expectNone(afterwards);
  });

  it('needs something to replay, to compare, to swap or to take back, and says so', async () => {
    for (const command of ['start', 'diff', 'swap', 'rollback', 'drop']) {
      const { status, stderr } = await startTidemark(data, ['replay', command]).result;
      expect([status, stderr]).toEqual([1, expect.stringContaining('error TM_REPLAY_NOTHING')]);
    }
    const wrong: readonly (readonly [args: readonly string[], code: string])[] = [
      [['start', '--from', 'soon'], 'TM_USAGE'],
      [['start', '--from', '2026-01-02', '--to', '2026-01-01'], 'TM_REPLAY_RANGE'],
      [['start', '--topology', 'other'], 'TM_USAGE'],
      [['diff', '--limit', 'all'], 'TM_USAGE'],
    ];
    for (const [args, code] of wrong) {
      const { stderr } = await startTidemark(data, ['replay', ...args]).result;
      expect(stderr).toContain(`error ${code}`);
    }
  });
});
