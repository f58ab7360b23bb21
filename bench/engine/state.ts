import { setImmediate as turn } from 'node:timers/promises';
import { CASES, type Case } from './cases.ts';
import { Engine } from './engine.ts';
import { CHUNK_RECORDS, type Ticks } from './workload.ts';

/** Times the minutes a whole number of chunks: the ticks that open windows and those that fill them do not share one. */
const KEYS = 12.5 * CHUNK_RECORDS;
const MINUTES = 10;
const MICROS_PER_MINUTE = 60_000_000;
const MICROS_PER_DAY = 86_400_000_000;
const FIRST_MICROS = Date.UTC(2024, 0, 2) * 1_000;
/** Long enough that no window closes before all are open. */
const HOUR_MS = 3_600_000;

export interface StateFigures {
  readonly windows: number;
  readonly bytesPerWindow: number;
  /** What the heap has grown by after as many ticks more into the same windows. */
  readonly growthPerTick: number;
  /** The longest that closing all of them at once kept the event loop. */
  readonly longestMs: number;
  readonly closingMs: number;
}

/** Opens a million windows, fills them once more, and closes all of them by one tick. */
export async function measureState(keys = KEYS): Promise<StateFigures> {
  const job: Case = { ...CASES.tumbling, keys, outOfOrdernessMs: HOUR_MS };
  const engine = new Engine(job, { ticks: ticksOf(keys), quotes: null });
  const windows = keys * MINUTES;
  const last = engine.chunks - 1;
  const empty = used();
  for (let chunk = 0; chunk < last / 2; chunk++) engine.push(chunk);
  const open = used();
  for (let chunk = last / 2; chunk < last; chunk++) engine.push(chunk);
  const filled = used();
  let longestMs = 0;
  let closingMs = 0;
  for (let pending = true, step = 0; pending; step++) {
    const startedMs = performance.now();
    pending = step === 0 ? engine.push(last) : engine.resume();
    const tookMs = performance.now() - startedMs;
    longestMs = Math.max(longestMs, tookMs);
    closingMs += tookMs;
    engine.fold(false);
    await turn();
  }
  if (engine.outcome.rows !== windows) throw new Error(`${engine.outcome.rows} windows closed, not ${windows}`);
  const growthPerTick = (filled - open) / windows;
  return { windows, bytesPerWindow: (open - empty) / windows, growthPerTick, longestMs, closingMs };
}

/** Bytes of the heap and of typed arrays that are still needed. */
function used(): number {
  if (globalThis.gc === undefined) throw new Error('run Node with --expose-gc');
  globalThis.gc();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** Two ticks of each key in each of the minutes, the second ones after all the first, and one tick a day later. */
function ticksOf(keys: number): Ticks {
  const windows = keys * MINUTES;
  const count = 2 * windows + 1;
  const minute = (i: number) => Math.floor((i % windows) / keys);
  const micros = (i: number) => FIRST_MICROS + minute(i) * MICROS_PER_MINUTE + Math.floor(i / windows);
  const timesMicros = Float64Array.from({ length: count }, (_, i) => micros(i));
  timesMicros[count - 1] = FIRST_MICROS + MICROS_PER_DAY;
  return {
    count,
    instruments: Array.from({ length: keys }, (_, key) => `bench-spot:S${key}`),
    instrument: Int32Array.from({ length: count }, (_, i) => i % keys),
    timesMicros,
    price: Float64Array.from({ length: count }, (_, i) => 100 + (i % 1_000) / 100),
    size: Float64Array.from({ length: count }, (_, i) => 1 + (i % 100) / 10),
    sequence: Float64Array.from({ length: count }, (_, i) => i),
  };
}
