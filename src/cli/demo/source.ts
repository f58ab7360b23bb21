import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openRecordings } from '../../producers/recordings/recording.ts';
import { RecordingSource } from '../../producers/recordings/recordingSource.ts';
import { Simulator } from '../../producers/simulator/simulator.ts';
import type { Source } from '../../producers/source.ts';
import { StoredTrades } from '../../producers/venues/storedTrades.ts';
import type { Context } from '../context.ts';
import { pause } from '../pause.ts';
import { RECORDED_SECONDS, writeDemoRecording } from './demoRecording.ts';

export const TICKS = 'ticks';
const QUOTES = 'quotes';

/** What the demo is to show. */
export interface DemoTicks {
  readonly source: 'simulation' | 'recording';
  readonly symbols: number;
  /** Ticks per second. */
  readonly rate: number;
  readonly seed: number;
  /** How long ticks come; null until it is stopped. */
  readonly seconds: number | null;
}

/** How long a recording is played where the demo has no end. */
const PLAYED_SECONDS = 60;
/** Trades in a recording, which lie in memory while it is made. */
const MAX_RECORDED = 500_000;

/** Ticks of a simulation as they come, or of a recording that is made now. Closing removes what was made. */
export async function openDemoSource(
  context: Context,
  ticks: DemoTicks,
): Promise<{ readonly source: Source; readonly close: () => Promise<void> }> {
  if (ticks.source === 'simulation') return { source: simulation(context, ticks), close: async () => {} };
  const directory = await mkdtemp(join(tmpdir(), 'tidemark-demo-'));
  const close = (): Promise<void> => rm(directory, { recursive: true, force: true });
  try {
    return { source: await recording(context, ticks, directory), close };
  } catch (error) {
    await close();
    throw error;
  }
}

function simulation({ config }: Context, { symbols, rate, seed, seconds }: DemoTicks): Simulator {
  const { outOfOrdernessMs, allowedLatenessMs } = config.watermark;
  return new Simulator({
    market: {
      seed,
      symbols,
      ticksPerSecond: rate,
      burst: 5,
      disorderMs: 0.8 * outOfOrdernessMs,
      lateFraction: 0.001,
      lateAfterMs: outOfOrdernessMs,
      tooLateAfterMs: outOfOrdernessMs + allowedLatenessMs,
      duplicateFraction: 0,
    },
    topic: TICKS,
    paced: true,
    startMicros: null,
    count: Number.POSITIVE_INFINITY,
    maxRunMs: (seconds ?? Number.POSITIVE_INFINITY) * 1_000,
    wait: pause,
  });
}

async function recording(
  { config, err }: Context,
  { symbols, rate, seed, seconds }: DemoTicks,
  directory: string,
): Promise<RecordingSource> {
  const { rememberedTrades, ...bounds } = config.recording;
  const playedSeconds = Math.min(seconds ?? PLAYED_SECONDS, RECORDED_SECONDS);
  const count = Math.min(rate * playedSeconds, MAX_RECORDED);
  const files = await writeDemoRecording({ directory, bounds, symbols, count, seed, endMs: Date.now() });
  const speed = RECORDED_SECONDS / playedSeconds;
  err.write(`plays a recording of ${RECORDED_SECONDS} s in ${playedSeconds} s (--speed ${Number(speed.toFixed(2))})\n`);
  return new RecordingSource(await openRecordings(files), {
    ...{ topic: TICKS, quotesTopic: QUOTES, speed, rememberedTrades, wait: pause },
    // The recording is a new one.
    storedTrades: async () => StoredTrades.NONE,
    onLeftOut: () => {},
  });
}
