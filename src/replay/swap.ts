import { setTimeout as sleep } from 'node:timers/promises';
import { generationTopic } from '../core/output.ts';
import { TidemarkError } from '../errors.ts';
import { planGeneration } from '../runtime/generationPlan.ts';
import type { Generation } from '../runtime/generations.ts';
import { tasksBehind } from '../runtime/positions.ts';
import type { ClickHouse } from '../sinks/clickhouse/connect.ts';
import { servedGeneration, serveGeneration } from '../sinks/clickhouse/outputTables.ts';
import { committedTasks, recordDrop, recordSwap } from './decisions.ts';
import { checkDefinition } from './definition.ts';
import {
  endsOf,
  nothing,
  type ReplayOptions,
  type ReplayParts,
  shadowPipeline,
  withClickHouse,
  withReplay,
} from './replayParts.ts';
import { pendingReplay } from './start.ts';
import { checkWarmUp } from './warmUpCheck.ts';

/** How long the process that goes on with a swapped generation may take to store what belongs to it. */
const SERVED_WITHIN_MS = 60_000;
const POLL_MS = 100;

/**
 * Makes the replayed generation the live and served one, at the position that both have reached. A swap that broke off
 * after it was recorded is brought to its end.
 *
 * @throws TM_REPLAY_NOTHING, TM_REPLAY_RANGE, TM_TOPOLOGY_CHANGED when the topology is not the one that was replayed
 */
export async function swapReplay(options: ReplayOptions): Promise<number> {
  return withReplay(options, async (parts) => {
    const { watch } = parts;
    const pending = pendingReplay(watch.known) ?? (await unserved(options, parts));
    const { number, base, fingerprint } = pending;
    checkDefinition(parts, pending, fingerprint);
    if (pending.handOvers === null) {
      const ends = await endsOf(parts, base ?? number, pending);
      const left = await tasksBehind(parts.log, generationTopic(parts.topology, number), ends);
      options.onBegin(number, true, left);
      await shadowPipeline(options, parts, number).runTo(ends);
      await checkWarmUp(parts, pending);
      await recordSwap(parts, pending);
      await watch.lookNow();
    }
    const { inputs } = planGeneration(parts.definition, parts.set, watch, number);
    const ends = watch.get(number).handOvers?.map(({ position }, partition) => ({
      topic: inputs[0]?.topic ?? '',
      partition,
      begin: pending.starts[partition]?.position ?? 0,
      end: position,
    }));
    await shadowPipeline(options, parts, number).runTo(ends ?? []);
    await withClickHouse(options.config, (clickhouse) => untilServed(options, clickhouse, parts, number));
    return number;
  });
}

/**
 * Takes back the last swap: the generation before is served again as it was then, and live goes on with it from there. The
 * one that was served is dropped.
 *
 * @throws TM_REPLAY_NOTHING, TM_TOPOLOGY_CHANGED when the topology is not that of the generation before
 */
export async function rollBack(
  options: Pick<ReplayOptions, 'topologyFile' | 'name' | 'set' | 'config' | 'now'>,
): Promise<number> {
  return withReplay(options, async (parts) => {
    const { watch } = parts;
    const live = watch.get(watch.known.live);
    if (live.base === null) throw nothing(parts, 'the first generation is served: there is none before it');
    const before = watch.get(live.base);
    const tasks = await committedTasks(parts.log, generationTopic(parts.topology, live.base));
    for (const { mark } of tasks.values()) checkDefinition(parts, before, mark.fingerprint);
    const { outputs } = planGeneration(parts.definition, parts.set, watch, live.base);
    await recordDrop(parts, live);
    await watch.lookNow();
    await withClickHouse(options.config, (clickhouse) => serveGeneration(clickhouse, outputs, watch.known.swaps));
    return live.base;
  });
}

/** The live generation, where the swap that made it so did not come to its end. */
async function unserved({ config }: ReplayOptions, parts: ReplayParts): Promise<Generation> {
  const { watch, topology } = parts;
  const live = watch.get(watch.known.live);
  const isServed = async (): Promise<boolean> =>
    (await withClickHouse(config, (clickhouse) => servedGeneration(clickhouse, topology))) === live.number;
  if (live.base !== null && !(await isServed())) return live;
  throw nothing(parts, 'no replay is under way that could be swapped in');
}

async function untilServed(
  { now, signal }: ReplayOptions,
  clickhouse: ClickHouse,
  { topology }: ReplayParts,
  generation: number,
): Promise<void> {
  const deadline = now() + SERVED_WITHIN_MS;
  while ((await servedGeneration(clickhouse, topology)) !== generation) {
    if (now() >= deadline || signal.aborted) {
      throw new TidemarkError('TM_INTERRUPTED', `generation ${generation} is live, and not served yet`, {
        hint: 'It is served as soon as `tidemark run` has stored what belongs to it; the same command waits on.',
      });
    }
    await sleep(POLL_MS);
  }
}
