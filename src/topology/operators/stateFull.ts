import { TidemarkError } from '../../errors.ts';

/** Nothing is dropped for want of room: the task stops, and its position stays. */
export function stateFull(operator: string, bound: string, most: number): TidemarkError {
  return new TidemarkError('TM_STATE_FULL', `${operator}(...) would keep more than ${most} (${bound})`, {
    hint: `Raise ${bound}, or lower how long it keeps things: the bound of the watermark, the skew of the inputs, the ages.`,
  });
}
