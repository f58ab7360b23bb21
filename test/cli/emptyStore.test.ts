import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { endAll, run } from './command.ts';

let parent: string;
let data: string;
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'tidemark-empty-'));
  data = join(parent, 'store');
});
afterEach(async () => {
  await endAll();
  rmSync(parent, { recursive: true, force: true });
});

describe('on a data directory that does not exist', () => {
  it.each(['topics', 'status'])('%s says so and makes nothing', async (name) => {
    const { status, stderr } = await run([name, '--data', data]);
    expect(stderr).toContain(`no topics in ${data}`);
    expect(status).toBe(0);
    expect(existsSync(data)).toBe(false);
  });

  it('topics gives an empty JSON list', async () => {
    const { status, stdout } = await run(['topics', '--data', data, '--json']);
    expect(JSON.parse(stdout)).toEqual([]);
    expect(status).toBe(0);
  });

  it('finds its directory by variable, and a flag before it', async () => {
    const env = { TIDEMARK_DATA_DIRECTORY: join(parent, 'other') };
    expect((await run(['topics'], { env })).stderr).toContain(join(parent, 'other'));
    expect((await run(['topics', '--data', data], { env })).stderr).toContain(data);
  });
});
