import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { InputStatus, WindowStatus } from '../../src/runtime/windowStatus.ts';
import { startTidemark, tidemark } from '../support/tidemarkCommand.ts';

/** A few commands, each a process of its own. */
const SEVERAL_COMMANDS_MS = 120_000;
const MINUTE = 60_000_000;
const KEY = 'binance-spot:BTCUSDT';

/** A session, and hopping windows with gaps, over two inputs. */
const QUOTED = `
import { aggregate, asOfJoin, bounded, count, hopping, keyBy, session, topology, watermark, window } from 'tidemark';
export default topology({
  name: 'quoted',
  version: 1,
  inputs: { ticks: 'ticks', quotes: 'quotes' },
  build: ({ ticks, quotes }) => ({
    quoted: asOfJoin(
      ticks.pipe(watermark(bounded(0)), keyBy('instrument')),
      quotes.pipe(watermark(bounded(0)), keyBy('instrument')),
      { take: { bid: 'bid' }, maxAgeMs: 1_000 },
    ).pipe(keyBy('instrument'), window([session('10s'), hopping('1m', '1h')]), aggregate({ n: count() })),
  }),
});`;

let data = '';
let file = '';
let watermark = 0;
beforeAll(async () => {
  data = mkdtempSync(join(tmpdir(), 'tidemark-status-'));
  file = join(data, 'quoted.ts');
  writeFileSync(file, QUOTED);
  await tidemark(data, ['produce', 'simulate', '--fast', '--count', '2000', '--start', '2026-01-05T09:00:00Z']);
  await tidemark(data, ['run', '--roles', 'topology', '--until-end']);
  await tidemark(data, ['run', file, '--roles', 'topology', '--until-end']);
  watermark = (await explained(['--interval', '1m', '--at', '2026-01-05T09:00:00Z'])).watermark ?? Number.NaN;
}, SEVERAL_COMMANDS_MS);
afterAll(() => {
  rmSync(data, { recursive: true });
});

async function explained(args: readonly string[]): Promise<WindowStatus> {
  return JSON.parse(await tidemark(data, ['status', ...args, '--explain', KEY, '--json'])) as WindowStatus;
}

/** The status of the window that begins some minutes from the one at the watermark. */
function windowAt(minutes: number): Promise<WindowStatus> {
  const start = Math.floor(watermark / MINUTE) * MINUTE + minutes * MINUTE;
  return explained(['--interval', '1m', '--at', String(start)]);
}

describe('status --explain', () => {
  it(
    'tells from the log alone how a window stands, and what it waits for',
    async () => {
      const open = await windowAt(0);
      expect(open).toMatchObject({ task: 'bars', window: { state: 'open' } });
      const { completesAtMicros = 0, missingMicros } = open.window ?? {};
      expect(missingMicros).toBe(completesAtMicros - watermark);
      const [ticks] = open.inputs;
      expect(ticks).toMatchObject({ topic: 'ticks', partition: open.partition, lag: 0, isIdle: false });
      expect(ticks?.position).toBeGreaterThan(0);
      expect(ticks?.lastRecordMs).not.toBeNull();
      expect(ticks?.neededMicros).toBe(completesAtMicros + 1_000_001);
      expect(open.text).toContain('0 records pending. The window needs a record of ');
      expect((await windowAt(-2)).window?.state).toBe('complete');
      const expired = await windowAt(-10);
      expect(expired.window?.state).toBe('expired');
      expect(expired.text).toContain('has expired');
    },
    SEVERAL_COMMANDS_MS,
  );

  it(
    'tells which input is recorded as idle; of sessions, when one would complete',
    async () => {
      const at = String(watermark + 5_000_000);
      const inSession = await explained([file, '--interval', 'session/10s', '--at', at]);
      expect(inSession).toMatchObject({ task: 'quoted', window: null });
      expect(inSession.text).toContain('is complete when the watermark reaches');
      const idle = ({ topic, isIdle }: InputStatus) => [topic, isIdle];
      expect(Object.fromEntries(inSession.inputs.map(idle))).toMatchObject({ quotes: true });
      expect(inSession.text).toContain('read to offset 0; 0 records pending. It is recorded as idle');
      const inGap = await explained([file, '--interval', '1m/1h', '--at', '2026-01-05T08:30:00Z']);
      expect(inGap.text).toContain('it lies in the gap between two');
    },
    SEVERAL_COMMANDS_MS,
  );

  it.each([
    ['an interval that there is not', ['--interval', '2m', '--at', '0'], 'It has: 1s, 1m, 5m, 1h.'],
    ['no instant', ['--interval', '1m', '--at', 'soon'], 'is not an instant'],
    ['half a question', ['--interval', '1m'], 'named by its key, its interval and a time'],
    [
      'a topology that has not run',
      ['examples/topologies/mid-bars.ts', '--interval', '1m', '--at', '0'],
      'has not run',
    ],
  ])('refuses %s with status 2', async (_, args, message) => {
    const { status, stderr } = await startTidemark(data, ['status', ...args, '--explain', KEY]).result;
    expect(stderr).toContain('error TM_USAGE');
    expect(stderr).toContain(message);
    expect(status).toBe(2);
  });
});
