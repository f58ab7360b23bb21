import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { WindowStatus } from '../../src/runtime/windowStatus.ts';
import { startTidemark, tidemark } from '../support/tidemarkCommand.ts';

/** A dozen commands, each a process of its own. */
const SEVERAL_COMMANDS_MS = 180_000;
const VENUE_VOLUME = 'examples/topologies/venue-volume.ts';

let data = '';
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'tidemark-repartition-'));
});
afterEach(() => {
  rmSync(data, { recursive: true });
});

async function numbers(sql: string): Promise<Readonly<Record<string, number>>> {
  return JSON.parse(await tidemark(data, ['query', sql, '--format', 'ndjson'])) as Readonly<Record<string, number>>;
}

function simulate(count: number, start: string): Promise<string> {
  return tidemark(data, ['produce', 'simulate', '--fast', '--count', String(count), '--start', start]);
}

describe('a topology that keys its rows anew, run to the end', () => {
  it(
    'counts every trade of a venue once, over several runs, and tells why a window has not closed',
    async () => {
      await simulate(4_000, '2026-01-05T09:00:00Z');
      await tidemark(data, ['run', VENUE_VOLUME, '--until-end']);
      await simulate(3_000, '2026-01-05T09:02:00Z');
      const { stderr } = await startTidemark(data, ['run', VENUE_VOLUME, '--until-end']).result;
      expect(stderr).toContain('3000 records');
      const counted = await numbers(`SELECT toUInt32(sum(trades)) AS n FROM venue_volume WHERE interval = '1m'`);
      const missed = await numbers(`SELECT toUInt32(count()) AS n FROM late WHERE position(intervals, '1m') > 0`);
      expect((counted.n ?? 0) + (missed.n ?? 0)).toBe(7_000);
      const args = ['status', VENUE_VOLUME, '--explain', 'sim', '--interval', '1h', '--at', '2026-01-05T09:00:00Z'];
      const status = JSON.parse(await tidemark(data, [...args, '--json'])) as WindowStatus;
      expect(status).toMatchObject({ task: 'venue_volume', window: { state: 'open' } });
      expect(status.watermark).toBeGreaterThan(Date.parse('2026-01-05T09:01:30Z') * 1_000);
      // The task of the window waits for all upstream tasks, each of which has said that it has nothing more.
      const ticks = status.inputs.filter(({ topic }) => topic === 'ticks');
      expect(ticks.map(({ partition, lag, isIdle }) => [partition, lag, isIdle])).toEqual([
        [0, 0, true],
        [1, 0, true],
        [2, 0, true],
        [3, 0, true],
      ]);
      const replay = await startTidemark(data, ['replay', 'start', VENUE_VOLUME]).result;
      expect(replay.stderr).toContain('error TM_REPLAY_INPUTS');
    },
    SEVERAL_COMMANDS_MS,
  );
});
