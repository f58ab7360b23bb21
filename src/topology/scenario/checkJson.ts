import { TidemarkError } from '../../errors.ts';

/** Lists and objects within one another; deeper ones would overflow the stack of whatever walks them. */
const MAX_DEPTH = 500;

/**
 * Checks that what JSON.parse has made can be walked, and written as JSON again: it takes 1e400 for infinity.
 *
 * @throws TM_SCENARIO for a number that no double holds, and for lists and objects nested too deep
 */
export function checkJson(json: unknown, depth = 0): void {
  if (typeof json === 'number' && !Number.isFinite(json)) {
    throw new TidemarkError('TM_SCENARIO', 'the scenario has a number that is out of the range of doubles');
  }
  if (typeof json !== 'object' || json === null) return;
  if (depth === MAX_DEPTH) {
    throw new TidemarkError('TM_SCENARIO', `the scenario has lists and objects nested deeper than ${MAX_DEPTH}`);
  }
  for (const member of Object.values(json)) checkJson(member, depth + 1);
}
