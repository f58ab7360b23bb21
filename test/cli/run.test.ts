import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startTidemark, tidemark } from '../support/tidemarkCommand.ts';

/** A dozen commands, each a process of its own. */
const SEVERAL_COMMANDS_MS = 180_000;
const SIMULATE = ['produce', 'simulate', '--fast', '--count', '5000', '--start', '2026-01-05T09:00:00Z'];
const BARS = ['bars', '--interval', '1s', '--format', 'csv'];

let data = '';
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'tidemark-run-'));
});
afterEach(() => {
  rmSync(data, { recursive: true });
});

describe('run --until-end', () => {
  it(
    'fills a ClickHouse again that was deleted',
    async () => {
      await tidemark(data, SIMULATE);
      await tidemark(data, ['run', '--until-end']);
      const bars = await tidemark(data, BARS);
      expect(bars.split('\n').length).toBeGreaterThan(5);
      rmSync(join(data, 'clickhouse'), { recursive: true });
      await tidemark(data, ['run', '--until-end']);
      expect(await tidemark(data, BARS)).toBe(bars);
      expect(await tidemark(data, ['query', 'SELECT count() AS n FROM ticks', '--format', 'ndjson'])).toBe(
        '{"n":5000}\n',
      );
    },
    SEVERAL_COMMANDS_MS,
  );

  it(
    'refuses a topology whose output is of another, or named as a table of its own',
    async () => {
      await tidemark(data, SIMULATE);
      await tidemark(data, ['run', '--until-end']);
      for (const [output, code] of [
        ['bars', 'TM_TABLE_DIFFERS'],
        ['served', 'TM_TOPOLOGY'],
      ] as const) {
        const file = join(data, `${output}.ts`);
        const text = `
          import { aggregate, bounded, count, keyBy, topology, tumbling, watermark, window } from 'tidemark';
          export default topology({ name: 'mine', version: 1, inputs: { ticks: 'ticks' }, build: ({ ticks }) => ({
            ${output}: ticks.pipe(watermark(bounded(0)), keyBy('instrument'), window([tumbling('1m')]), aggregate({ n: count() })),
          }) });`;
        writeFileSync(file, text);
        const { status, stderr } = await startTidemark(data, ['run', file, '--until-end']).result;
        expect(stderr).toContain(`error ${code}`);
        expect(status).toBeGreaterThan(0);
      }
      expect((await tidemark(data, BARS)).split('\n').length).toBeGreaterThan(5);
    },
    SEVERAL_COMMANDS_MS,
  );
});
