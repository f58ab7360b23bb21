import { generationTopic } from '../core/output.ts';
import { TidemarkError } from '../errors.ts';
import type { GenerationWatch } from '../runtime/generationWatch.ts';
import { leaseHolder } from '../runtime/lease.ts';
import { tasksBehind } from '../runtime/positions.ts';
import { resultsSinkGroup } from '../runtime/sinks.ts';
import { endsOf, type ReplayOptions, shadowPipeline, withReplay } from './replayParts.ts';
import { startReplay, type WantedReplay } from './start.ts';

/** How a replay ended: where the served generation stands, as the served one itself, or because it was stopped. */
export type ReplayEnd = 'caught up' | 'served' | 'stopped';

/**
 * Computes a new generation of a topology, or goes on with one that was begun. With a live run beside it, it follows that
 * until the swap; without one, or with `untilEnd`, it ends where the served generation stands.
 *
 * @throws what `startReplay` throws, TM_REPLAY_NOTHING when it was dropped meanwhile
 */
export async function runReplay(
  options: ReplayOptions,
  wanted: WantedReplay,
  untilEnd: boolean,
): Promise<{ readonly generation: number; readonly end: ReplayEnd }> {
  return withReplay(options, async (parts) => {
    const { generation, isResumed } = await startReplay(parts, wanted);
    const { watch, topology } = parts;
    await watch.lookNow();
    const base = watch.get(generation).base ?? generation;
    const ends = await endsOf(parts, base, watch.get(generation));
    const left = await tasksBehind(parts.log, generationTopic(topology, generation), ends);
    options.onBegin(generation, isResumed, left);
    const pipeline = shadowPipeline(options, parts, generation);
    // A live run has the sink of its results.
    const lease = resultsSinkGroup(generationTopic(topology, base));
    const isBounded = untilEnd || leaseHolder(options.config.data.directory, lease) === null;
    await (isBounded ? pipeline.runTo(ends) : pipeline.runLive());
    await watch.lookNow();
    return { generation, end: endOf(watch, generation, isBounded) };
  });
}

function endOf(watch: GenerationWatch, generation: number, isBounded: boolean): ReplayEnd {
  if (watch.get(generation).isDropped) {
    throw new TidemarkError('TM_REPLAY_NOTHING', `generation ${generation} was dropped`, {
      hint: '`tidemark replay start` begins a new one.',
    });
  }
  if (watch.known.live === generation) return 'served';
  return isBounded ? 'caught up' : 'stopped';
}
