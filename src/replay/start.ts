import { generationTopic } from '../core/output.ts';
import { ALL_TIME, type TimeRange } from '../core/timeRange.ts';
import { TidemarkError } from '../errors.ts';
import { type Generation, type Generations, readGenerations, recordDecision } from '../runtime/generations.ts';
import type { History } from '../runtime/history.ts';
import { planTopology } from '../runtime/topologyPlan.ts';
import { controlTopic } from '../runtime/topologyTopics.ts';
import type { AssembledInput } from '../topology/assemble.ts';
import { lowestStartAcross } from '../topology/windows/definition.ts';
import { definitionOf, expiredAt, reachOf } from './definition.ts';
import { historyOf } from './history.ts';
import { nothing, type ReplayParts } from './replayParts.ts';
import { checkSameResults } from './sameResults.ts';
import { warmUpStarts } from './warmUp.ts';

/** What a replay is to compute. */
export interface WantedReplay {
  readonly range: TimeRange;
  /** The topic to read before the input; null for none, and without it what the one that is replayed has read. */
  readonly history?: string | null;
}

export interface StartedReplay {
  readonly generation: number;
  /** True when the replay was begun before and goes on. */
  readonly isResumed: boolean;
}

/**
 * Begins a new generation of a topology, or finds the one that was begun with the same definition, range and history.
 *
 * @throws TM_REPLAY_NOTHING when there is nothing to replay, TM_REPLAY_EXISTS when another replay is under way,
 *   TM_REPLAY_RANGE when the range cannot be computed anew, TM_REPLAY_HISTORY when a topic cannot be the history
 */
export async function startReplay(parts: ReplayParts, wanted: WantedReplay): Promise<StartedReplay> {
  const { range } = wanted;
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
      if (!isSame(parts, generations, pending, wanted)) throw underWay(parts, pending);
      return { generation: pending.number, isResumed: true };
    }
    const generation = await newGeneration(parts, generations, wanted);
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

async function newGeneration(parts: ReplayParts, generations: Generations, wanted: WantedReplay): Promise<Generation> {
  const { log, registry, topology, definition } = parts;
  const { all, live } = generations;
  const { range } = wanted;
  const base = generationTopic(topology, live);
  if ((await log.committed(base)).length === 0) {
    throw nothing(parts, `topology ${topology} has computed nothing yet that could be replayed`);
  }
  const input = onlyInput(parts, live);
  const number = Math.max(...all.map((generation) => generation.number)) + 1;
  const replayed = generationOf(generations, live);
  const { params, windows, fingerprint } = definitionOf(parts, replayed?.params ?? {}, number);
  const isWhole = range.fromMicros === ALL_TIME.fromMicros && range.toMicros === ALL_TIME.toMicros;
  if (!isWhole) await checkSameResults(parts, planTopology(definition, params, live).outputs);
  const known = replayed?.history ?? null;
  const history = await historyWanted(parts, input, wanted.history, known);
  const needed = {
    fromMicros: Math.min(...windows.map((set) => lowestStartAcross(set, range.fromMicros))),
    expiredAtMicros: expiredAt(windows, range),
    reachMicros: reachOf(windows),
  };
  const reads = { log, registry, controlTopic: controlTopic(base), input: input.topic, history };
  // Of another history nothing was computed that could be begun from.
  const starts = await warmUpStarts(reads, history === known ? needed : null);
  return { number, base: live, range, fingerprint, params, history, starts, handOvers: null, isDropped: false };
}

async function historyWanted(
  parts: ReplayParts,
  input: AssembledInput,
  wanted: WantedReplay['history'],
  known: History | null,
): Promise<History | null> {
  if (wanted === undefined) return known;
  return wanted === null ? null : historyOf(parts, input, wanted);
}

function onlyInput({ topology, definition }: ReplayParts, generation: number): AssembledInput {
  const { inputs, repartitions } = planTopology(definition, definition.params, generation);
  const [input, ...others] = inputs;
  if (input !== undefined && others.length === 0 && repartitions.length === 0) return input;
  throw new TidemarkError('TM_REPLAY_INPUTS', 'a topology of several inputs or stages cannot be replayed yet', {
    where: `topology ${topology}`,
    hint: 'Run it under another name: that computes its history anew, beside this one.',
  });
}

function generationOf({ all }: Generations, number: number | null): Generation | undefined {
  return all.find((generation) => generation.number === number);
}

function isSame(parts: ReplayParts, generations: Generations, pending: Generation, wanted: WantedReplay): boolean {
  const { number, params, fingerprint, range, base, history } = pending;
  const replayed = generationOf(generations, base)?.history?.topic ?? null;
  return (
    definitionOf(parts, params ?? {}, number).fingerprint === fingerprint &&
    range.fromMicros === wanted.range.fromMicros &&
    range.toMicros === wanted.range.toMicros &&
    (history?.topic ?? null) === (wanted.history === undefined ? replayed : wanted.history)
  );
}

function underWay({ topology }: ReplayParts, { number }: Generation): TidemarkError {
  return new TidemarkError('TM_REPLAY_EXISTS', `generation ${number} of ${topology} is another replay under way`, {
    where: `topology ${topology}`,
    hint: 'Swap or drop it first (`tidemark replay swap`, `tidemark replay drop`); with its own range, history and definition it goes on.',
  });
}
