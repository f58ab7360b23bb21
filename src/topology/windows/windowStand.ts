import { formatIsoMicros } from '../../core/time.ts';
import { NO_WATERMARK } from '../elements.ts';

/** When a window completes and expires, and how a watermark stands to that. */
export interface WindowStand {
  readonly startMicros: number;
  readonly endMicros: number;
  /** `open` until the watermark reaches its last instant; `complete` while late records are still taken; then `expired`. */
  readonly state: 'open' | 'complete' | 'expired';
  readonly completesAtMicros: number;
  readonly expiresAtMicros: number;
  /** How far the watermark is behind completion: 0 from then on, infinite before the first watermark. */
  readonly missingMicros: number;
}

const MICROS_PER_SECOND = 1_000_000;

/** How a window stands at a watermark: complete at `end - 1`, expired when the allowed lateness has passed as well. */
export function standOf(
  { start, end }: { readonly start: number; readonly end: number },
  latenessMicros: number,
  watermark: number,
): WindowStand {
  const completesAtMicros = end - 1;
  const expiresAtMicros = completesAtMicros + latenessMicros;
  const kept = watermark >= expiresAtMicros ? 'expired' : 'complete';
  return {
    startMicros: start,
    endMicros: end,
    state: watermark < completesAtMicros ? 'open' : kept,
    completesAtMicros,
    expiresAtMicros,
    missingMicros: Math.max(0, completesAtMicros - watermark),
  };
}

/** The same in words. */
export function standText(
  { key, interval }: { readonly key: string; readonly interval: string },
  stand: WindowStand,
  watermark: number,
): string {
  const { startMicros, endMicros, state, completesAtMicros, expiresAtMicros, missingMicros } = stand;
  const name = `The ${interval} window [${timeText(startMicros)}, ${timeText(endMicros)}) of ${key}`;
  const at = timeText(watermark);
  if (state === 'expired') {
    return `${name} has expired: the watermark (${at}) has reached ${timeText(expiresAtMicros)}, and records for it are late.`;
  }
  if (state === 'complete') {
    const until = timeText(expiresAtMicros);
    return `${name} is complete, and takes late records until the watermark (${at}) reaches ${until}.`;
  }
  const missing = watermark === NO_WATERMARK ? 'there is none yet' : `${at} now, ${secondsText(missingMicros)} behind`;
  return `${name} is open: it is complete when the watermark reaches ${timeText(completesAtMicros)} (${missing}).`;
}

/** An event time as it is shown; the watermark of inputs that have ended is beyond all. */
export function timeText(tsMicros: number): string {
  if (tsMicros === NO_WATERMARK) return 'none yet';
  return tsMicros > Number.MAX_SAFE_INTEGER ? 'the end of time' : formatIsoMicros(tsMicros);
}

export function secondsText(micros: number): string {
  return `${micros / MICROS_PER_SECOND} s`;
}
