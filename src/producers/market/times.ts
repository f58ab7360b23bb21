import { type RowFault, shown } from '../rowFault.ts';
import { isSoundTime } from '../timeText.ts';

/** The time, or why it is none. */
export function checkedTime(name: string, micros: number, text: string): number | RowFault {
  if (isSoundTime(micros)) return micros;
  return { reason: 'time', detail: `${name} is not a time in 1900 to 2200: ${shown(text)}` };
}
