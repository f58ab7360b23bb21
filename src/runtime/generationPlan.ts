import { isDeepStrictEqual } from 'node:util';
import { generationTopic, type OutputSpec } from '../core/output.ts';
import { ALL_TIME, type TimeRange } from '../core/timeRange.ts';
import type { RepartitionTopic } from '../topology/stages/carried.ts';
import type { ParamValue, Topology } from '../topology/topology.ts';
import type { Base } from './baseFollower.ts';
import type { Generation } from './generations.ts';
import type { GenerationWatch } from './generationWatch.ts';
import type { History } from './history.ts';
import { planTopology, type TopologyPlan } from './topologyPlan.ts';
import { paramsOver } from './topologySource.ts';
import { controlTopic } from './topologyTopics.ts';

/** Results of an earlier generation that belong to a later one too: those that no range since has computed anew. */
export interface TakenOver {
  readonly generation: number;
  /** The group that wrote them. */
  readonly run: string;
  readonly outputs: readonly OutputSpec[];
  readonly repartitions: readonly RepartitionTopic[];
  /** Of the generations since. */
  readonly outside: readonly TimeRange[];
}

/** One generation of a topology, as its tasks and its sink see it. */
export interface GenerationPlan extends TopologyPlan {
  readonly topology: Topology;
  readonly generation: Generation;
  /** The group of its tasks; also what its topics' names begin with. */
  readonly run: string;
  readonly params: Readonly<Record<string, ParamValue>>;
  readonly takenOver: readonly TakenOver[];
  /** For a generation that is not the first. */
  readonly replay?: ReplayPlan;
}

/** What a generation that is not the first replays. */
export interface ReplayPlan {
  readonly range: TimeRange;
  /** What it reads before its input; null for nothing. */
  readonly history: History | null;
  /** Whether its base has not read the same. */
  readonly isHistoryNew: boolean;
  readonly base: Base;
}

/**
 * Plans a generation.
 * @param set parameters as text, over those that the generation was started with
 * @throws TM_TOPOLOGY, TM_USAGE
 */
export function planGeneration(
  topology: Topology,
  set: Readonly<Record<string, string>>,
  watch: GenerationWatch,
  number: number,
): GenerationPlan {
  const generation = watch.get(number);
  const params = paramsOver(topology, set, generation.params ?? {});
  const { base, range, history, starts } = generation;
  return {
    ...planTopology(topology, params, number),
    topology,
    generation,
    run: generationTopic(topology.name, number),
    params,
    takenOver: takenOverBy(generation, topology, params, watch),
    ...(base === null
      ? {}
      : {
          replay: {
            range,
            history,
            isHistoryNew: !isDeepStrictEqual(history, watch.get(base).history),
            base: {
              controlTopic: controlTopic(generationTopic(topology.name, base)),
              starts,
              handOvers: () => watch.get(number).handOvers,
            },
          },
        }),
  };
}

function takenOverBy(
  generation: Generation,
  topology: Topology,
  params: Readonly<Record<string, ParamValue>>,
  watch: GenerationWatch,
): readonly TakenOver[] {
  const taken: TakenOver[] = [];
  const outside: TimeRange[] = [];
  for (let { base, range } = generation; base !== null && !isAllTime(range); { base, range } = watch.get(base)) {
    outside.push(range);
    const { outputs, repartitions } = planTopology(topology, params, base);
    const run = generationTopic(topology.name, base);
    taken.push({ generation: base, run, outputs, repartitions, outside: [...outside] });
  }
  return taken;
}

function isAllTime({ fromMicros, toMicros }: TimeRange): boolean {
  return fromMicros === ALL_TIME.fromMicros && toMicros === ALL_TIME.toMicros;
}
