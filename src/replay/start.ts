import { generationTopic } from '../core/output.ts';
import { ALL_TIME, type TimeRange } from '../core/timeRange.ts';
import { TidemarkError } from '../errors.ts';
import { type Generation, type Generations, readGenerations, recordDecision } from '../runtime/generations.ts';
import { planTopology } from '../runtime/topologyPlan.ts';
import { controlTopic } from '../runtime/topologyTopics.ts';
import { lowestStartAcross } from '../topology/windows/definition.ts';
import { definitionOf, expiredAt, reachOf } from './definition.ts';
import { nothing, type ReplayParts } from './replayParts.ts';
import { checkSameResults } from './sameResults.ts';
import { warmUpStarts } from './warmUp.ts';

export interface StartedReplay {
  readonly generation: number;
  /** True when the replay was begun before and goes on. */
  readonly isResumed: boolean;
}

/**
 * Begins a new generation of a topology, or finds the one that was begun with the same definition and range.
 *
 * @throws TM_REPLAY_NOTHING when there is nothing to replay, TM_REPLAY_EXISTS when another replay is under way,
 *   TM_REPLAY_RANGE when the range cannot be computed anew
 */
export async function startReplay(parts: ReplayParts, range: TimeRange): Promise<StartedReplay> {
  if (range.fromMicros >= range.toMicros) {
    throw new TidemarkError('TM_REPLAY_RANGE', 'the range is empty', {
      where: '--from, --to',
      hint: '--from is before --to.',
    });
  }
  // Whoever starts a replay at the same time is fenced.
  const writer = await parts.log.openWriter(`replay.${parts.topology}`);
  try {
    const generations = await readGenerations(parts);
    const pending = pendingReplay(generations);
    if (pending !== null) {
      if (!isSame(parts, pending, range)) throw underWay(parts, pending);
      return { generation: pending.number, isResumed: true };
    }
    const generation = await newGeneration(parts, generations, range);
    await recordDecision(parts, writer, generation, { kind: 'started', starts: generation.starts });
    return { generation: generation.number, isResumed: false };
  } finally {
    await writer.close();
  }
}

/** The replay that was begun and neither swapped nor dropped. */
export function pendingReplay({ all }: Generations): Generation | null {
  return all.find(({ base, handOvers, isDropped }) => base !== null && handOvers === null && !isDropped) ?? null;
}

async function newGeneration(parts: ReplayParts, { all, live }: Generations, range: TimeRange): Promise<Generation> {
  const { log, registry, topology, definition } = parts;
  const base = generationTopic(topology, live);
  if ((await log.committed(base)).length === 0) {
    throw nothing(parts, `topology ${topology} has computed nothing yet that could be replayed`);
  }
  const { inputs, repartitions } = planTopology(definition, definition.params, live);
  if (inputs.length > 1 || repartitions.length > 0) {
    throw new TidemarkError('TM_REPLAY_INPUTS', 'a topology of several inputs or stages cannot be replayed yet', {
      where: `topology ${topology}`,
      hint: 'Run it under another name: that computes its history anew, beside this one.',
    });
  }
  const number = Math.max(...all.map((generation) => generation.number)) + 1;
  const recorded = all.find((generation) => generation.number === live)?.params ?? {};
  const { params, input, windows, fingerprint } = definitionOf(parts, recorded, number);
  const isWhole = range.fromMicros === ALL_TIME.fromMicros && range.toMicros === ALL_TIME.toMicros;
  if (!isWhole) await checkSameResults(parts, planTopology(definition, params, live).outputs);
  const needed = {
    fromMicros: Math.min(...windows.map((set) => lowestStartAcross(set, range.fromMicros))),
    expiredAtMicros: expiredAt(windows, range),
    reachMicros: reachOf(windows),
  };
  const starts = await warmUpStarts({ log, registry, controlTopic: controlTopic(base), input }, needed);
  return { number, base: live, range, fingerprint, params, starts, handOvers: null, isDropped: false };
}

function isSame(parts: ReplayParts, { number, params, fingerprint, range }: Generation, wanted: TimeRange): boolean {
  return (
    definitionOf(parts, params ?? {}, number).fingerprint === fingerprint &&
    range.fromMicros === wanted.fromMicros &&
    range.toMicros === wanted.toMicros
  );
}

function underWay({ topology }: ReplayParts, { number }: Generation): TidemarkError {
  return new TidemarkError('TM_REPLAY_EXISTS', `generation ${number} of ${topology} is another replay under way`, {
    where: `topology ${topology}`,
    hint: 'Swap or drop it first (`tidemark replay swap`, `tidemark replay drop`); with its own range and definition it goes on.',
  });
}
