import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { TidemarkError } from '../errors.ts';
import { acquireProcessLock, type ProcessLock } from '../log/embedded/processLock.ts';
import type { MarketSeries } from '../producers/market/marketSource.ts';

/**
 * Takes what a run of a market API's producer asks for, bar series by bar series, so that no other run of this data directory
 * asks for some of the same meanwhile: each would go by what was published when it had started, and publish it twice.
 * @returns gives it all back
 * @throws TM_PRODUCE_HELD naming the process that holds one of them
 */
export function lockSeries(directory: string, series: readonly MarketSeries[]): () => void {
  const locks: ProcessLock[] = [];
  const release = (): void => {
    for (const lock of locks) lock.release();
  };
  const names = series.flatMap(({ interval, instruments }) => instruments.map((name) => `${name} ${interval}`));
  for (const name of new Set(names)) {
    const digest = createHash('sha256').update(name).digest('hex').slice(0, 32);
    const lock = acquireProcessLock(join(directory, 'locks', `series.${digest}`));
    if ('release' in lock) {
      locks.push(lock);
      continue;
    }
    release();
    throw new TidemarkError('TM_PRODUCE_HELD', `process ${lock.heldBy} is asking for ${name} already`, {
      where: directory,
      hint: 'wait for its end, or stop it: the same command goes on from there; nothing was asked for',
    });
  }
  return release;
}
