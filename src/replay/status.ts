import { generationTopic } from '../core/output.ts';
import type { Generation } from '../runtime/generations.ts';
import { tasksBehind } from '../runtime/positions.ts';
import { endsOf, type ReplayOptions, type ReplayParts, withReplay } from './replayParts.ts';

export interface GenerationStatus {
  readonly generation: number;
  /** Live is the one that is served; one that was live before can be rolled back to. */
  readonly state: 'live' | 'replaying' | 'earlier' | 'dropped';
  readonly base: number | null;
  /** Windows that share an instant with `[from, to)` were computed anew; null for no bound. */
  readonly fromMicros: number | null;
  readonly toMicros: number | null;
  /** The topic that it reads before its input; null for none. */
  readonly history: string | null;
  /** Records that it has yet to read to come to where its base stands; null when it does not follow. */
  readonly behind: number | null;
}

/** The generations of a topology. */
export async function replayStatus(options: ReplayOptions): Promise<readonly GenerationStatus[]> {
  return withReplay(options, async (parts) => {
    const { all } = parts.watch.known;
    return Promise.all(all.map((generation) => statusOf(parts, generation)));
  });
}

async function statusOf(parts: ReplayParts, generation: Generation): Promise<GenerationStatus> {
  const { number, base, range, history } = generation;
  const state = stateOf(generation, parts.watch.known.live);
  const behind = async (of: number): Promise<number> =>
    tasksBehind(parts.log, generationTopic(parts.topology, number), await endsOf(parts, of, generation));
  return {
    generation: number,
    state,
    base,
    fromMicros: Number.isFinite(range.fromMicros) ? range.fromMicros : null,
    toMicros: Number.isFinite(range.toMicros) ? range.toMicros : null,
    history: history?.topic ?? null,
    behind: state === 'replaying' && base !== null ? await behind(base) : null,
  };
}

function stateOf({ number, handOvers, base, isDropped }: Generation, live: number): GenerationStatus['state'] {
  if (number === live) return 'live';
  if (isDropped) return 'dropped';
  return base !== null && handOvers === null ? 'replaying' : 'earlier';
}
