import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Config } from '../config.ts';
import { TidemarkError } from '../errors.ts';
import type { Log, PartitionRange } from '../log/log.ts';
import type { SchemaRegistry } from '../log/registry/registry.ts';
import type { GenerationPlan } from './generationPlan.ts';
import type { GenerationWatch } from './generationWatch.ts';
import { OwnedTasks, type TopologyShare } from './ownedTasks.ts';
import { NOTHING, type RunnerTotals, sumOf } from './topologyRunner.ts';
import type { TopologyTopics } from './topologyTopics.ts';

/** How long a step waits for records before it looks whether a commit is due. */
const STEP_WAIT_MS = 50;

export interface TopologyPartOptions {
  readonly log: Log;
  readonly registry: SchemaRegistry;
  readonly watch: GenerationWatch;
  readonly shadow?: number;
  readonly config: Config;
  readonly signal: AbortSignal;
  readonly now: () => number;
  readonly onProgress: () => void;
  readonly onCommit?: (durationMs: number) => void;
  readonly onShare?: (share: TopologyShare) => void;
  readonly onWarning?: (warning: TidemarkError) => void;
}

/** The tasks of a topology that this process has, those of one generation at a time. */
export class TopologyPart {
  readonly #options: TopologyPartOptions;
  #tasks: OwnedTasks | null = null;
  /** Of the generations before. */
  #earlier = NOTHING;

  constructor(options: TopologyPartOptions) {
    this.#options = options;
  }

  get totals(): RunnerTotals {
    return this.#tasks === null ? this.#earlier : sumOf(this.#earlier, this.#tasks.totals);
  }

  /** Runs until the signal, the ends, or until the generation's turn is over. Tells each time that it has come on. */
  async run(
    plan: GenerationPlan,
    topics: TopologyTopics,
    bound: readonly PartitionRange[] | null,
    cameOn: () => void,
  ): Promise<void> {
    const { watch, config } = this.#options;
    await watch.lookNow();
    const options = {
      ...this.#options,
      ...plan,
      generation: plan.generation.number,
      maxAheadMs: config.watermark.maxAheadMs,
      topics,
      readBounds: { maxRecords: config.topology.maxRecordsPerChunk, maxBytes: config.topology.maxBytesPerChunk },
      commitBounds: config.commit,
      mergeBounds: config.topology,
      idleTimeoutMs: config.topology.idleTimeoutMs,
      wallClockBounds: config.topology,
      maxRereadRecords: config.snapshot.maxRereadRecords,
      isTurnOver: () => this.#isTurnOver(plan.generation.number),
    };
    const tasks = await OwnedTasks.join(options, plan.inputs[0]?.topic ?? '');
    this.#tasks = tasks;
    try {
      await this.#untilOver(tasks, plan.generation.number, bound, cameOn);
    } catch (error) {
      const isFenced = error instanceof TidemarkError && error.code === 'TM_LOG_FENCED';
      if (!isFenced || !(await this.#isTurnOver(plan.generation.number))) throw error;
    } finally {
      this.#earlier = this.totals;
      this.#tasks = null;
      await tasks.close();
    }
  }

  async #untilOver(
    tasks: OwnedTasks,
    number: number,
    bound: readonly PartitionRange[] | null,
    cameOn: () => void,
  ): Promise<void> {
    const { signal, watch, shadow, onProgress } = this.#options;
    const isDone = async (): Promise<boolean> => bound !== null && (await tasks.reached(bound));
    while (!signal.aborted && !this.#isOver(tasks, number) && !(await isDone())) {
      await tasks.step(STEP_WAIT_MS, bound);
      await watch.look();
      cameOn();
      onProgress();
      // A log that answers at once would keep sinks and signals waiting.
      await nextTurn();
    }
    // What is not committed when another generation is live already is that one's to do.
    if (shadow === undefined && watch.known.live !== number) return;
    await tasks.finish();
    onProgress();
  }

  /** A shadow ends where it has taken over; a live generation where another has become the live one. */
  #isOver(tasks: OwnedTasks, number: number): boolean {
    const { watch, shadow } = this.#options;
    if (shadow === undefined) return watch.known.live !== number;
    const { handOvers, isDropped } = watch.get(number);
    return isDropped || (handOvers !== null && tasks.hasTakenOver(handOvers));
  }

  /** A shadow is fenced by the run that goes on with it, a live generation by the swap. */
  async #isTurnOver(number: number): Promise<boolean> {
    const { watch, shadow } = this.#options;
    await watch.lookNow();
    if (shadow === undefined) return watch.known.live !== number;
    return watch.known.live === number || watch.get(number).isDropped;
  }
}
