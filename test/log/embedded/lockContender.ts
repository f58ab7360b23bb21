/**
 * Child of the lock's test: for every path that comes as a line, tries to take its lock and answers `path took` or
 * `path <pid of the holder>`. It holds what it took until it is killed.
 */
import { createInterface } from 'node:readline';
import { acquireProcessLock } from '../../../src/log/embedded/processLock.ts';

for await (const path of createInterface({ input: process.stdin })) {
  const result = acquireProcessLock(path);
  process.stdout.write(`${path} ${'heldBy' in result ? result.heldBy : 'took'}\n`);
}
