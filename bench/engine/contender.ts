import type { Outcome } from './outcome.ts';

/** One way to do a job, as the measurement drives it: chunk after chunk, the clock running during `push` and `resume` alone. */
export interface Contender {
  readonly chunks: number;
  /** Makes a chunk ready. */
  prepare(chunk: number): void;
  /** Takes that chunk in. True when what it makes come out is not all there: `resume` goes on. */
  push(chunk: number): boolean;
  resume(): boolean;
  /** Adds up the results since the last time, with the text of each or as numbers alone, and lets go of them. */
  fold(withTexts: boolean): void;
  readonly outcome: Outcome;
}

export interface Measured extends Outcome {
  readonly wallMs: number;
  /** User and system time of all threads of the process, the garbage collector's included. */
  readonly cpuMs: number;
  /** The longest that one `push` or `resume` kept the event loop. */
  readonly longestMs: number;
}

/** Asking for the processor's time takes as long as hundreds of ticks, so it is asked once for so many chunks. */
const CHUNKS_A_LAP = 8;

/** Texts leave garbage, which is collected on the clock: where speed counts, results are added up without. */
export function drive(contender: Contender, withTexts: boolean): Measured {
  let wallMs = 0;
  let cpuMicros = 0;
  let longestMs = 0;
  for (let first = 0; first < contender.chunks; first += CHUNKS_A_LAP) {
    const end = Math.min(contender.chunks, first + CHUNKS_A_LAP);
    for (let chunk = first; chunk < end; chunk++) contender.prepare(chunk);
    const cpu = process.cpuUsage();
    for (let chunk = first; chunk < end; chunk++) {
      for (let pending = true, step = 0; pending; step++) {
        const startedMs = performance.now();
        pending = step === 0 ? contender.push(chunk) : contender.resume();
        const tookMs = performance.now() - startedMs;
        wallMs += tookMs;
        longestMs = Math.max(longestMs, tookMs);
      }
    }
    const { user, system } = process.cpuUsage(cpu);
    cpuMicros += user + system;
    contender.fold(withTexts);
  }
  return { ...contender.outcome, wallMs, cpuMs: cpuMicros / 1_000, longestMs };
}
