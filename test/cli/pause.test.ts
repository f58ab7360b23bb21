import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { pause } from '../../src/cli/pause.ts';

it('pauses of more than 24 days are no shorter: a timer of more than 31 bits fires at once, and the runtime warns of it', async () => {
  const warnings: string[] = [];
  const warn = ({ name }: Error): number => warnings.push(name);
  process.on('warning', warn);
  const stop = new AbortController();
  let isOver = false;
  const paused = pause(400 * 86_400_000, stop.signal).then(() => {
    isOver = true;
  });
  await nextTurn();
  expect([warnings, isOver]).toEqual([[], false]);
  stop.abort();
  await paused;
  process.off('warning', warn);
});
