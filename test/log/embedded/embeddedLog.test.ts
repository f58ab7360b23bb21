import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedLog } from '../../../src/log/embedded/embeddedLog.ts';
import { logContract } from '../contract.ts';

logContract('the embedded log', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'tidemark-log-'));
  const log = await openEmbeddedLog({ directory, now: Date.now });
  return {
    log,
    close: async () => {
      await log.close();
      rmSync(directory, { recursive: true });
    },
  };
});
