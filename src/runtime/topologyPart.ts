import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Config } from '../config.ts';
import { TidemarkError } from '../errors.ts';
import type { Log } from '../log/log.ts';
import type { SchemaRegistry } from '../log/registry/registry.ts';
import type { GenerationPlan } from './generationPlan.ts';
import type { GenerationWatch } from './generationWatch.ts';
import type { Ends } from './pipeline.ts';
import { type RunnerTotals, TopologyRunner } from './topologyRunner.ts';

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
}

/** The tasks of a topology in this process, those of one generation at a time. */
export class TopologyPart {
  readonly #options: TopologyPartOptions;
  #runner: TopologyRunner | null = null;
  /** Of the generations before. */
  #earlier: RunnerTotals = { records: 0, results: 0, late: 0, rejected: 0, unassigned: 0 };

  constructor(options: TopologyPartOptions) {
    this.#options = options;
  }

  get totals(): RunnerTotals {
    return this.#runner === null ? this.#earlier : sumOf(this.#earlier, this.#runner.totals);
  }

  /** Runs until the signal, the ends, or until the generation's turn is over. */
  async run(plan: GenerationPlan, ends: Ends | null): Promise<void> {
    const { watch } = this.#options;
    const number = plan.generation.number;
    await watch.lookNow();
    const runner = await this.#open(plan);
    this.#runner = runner;
    try {
      await this.#untilOver(runner, plan, ends);
    } catch (error) {
      const isFenced = error instanceof TidemarkError && error.code === 'TM_LOG_FENCED';
      if (!isFenced || !(await this.#isTakenOver(number))) throw error;
    } finally {
      this.#earlier = this.totals;
      this.#runner = null;
      await runner.close();
    }
  }

  async #untilOver(runner: TopologyRunner, plan: GenerationPlan, ends: Ends | null): Promise<void> {
    const { signal, watch, shadow, onProgress } = this.#options;
    const bound = (await ends?.()) ?? null;
    // Where a shadow stands already, its base may have flushed meanwhile.
    if (shadow !== undefined) await runner.step(0);
    const isDone = (): boolean => bound !== null && runner.reached(bound);
    while (!signal.aborted && !isDone() && !this.#isOver(runner, plan.generation.number)) {
      await runner.step(STEP_WAIT_MS);
      await watch.look();
      onProgress();
      // A log that answers at once would keep sinks and signals waiting.
      await nextTurn();
    }
    if (shadow === undefined && watch.known.live !== plan.generation.number) return;
    if (isDone() && shadow === undefined) runner.flush();
    await runner.commit();
    onProgress();
  }

  /** A shadow ends where it has taken over; a live generation where another has become the live one. */
  #isOver(runner: TopologyRunner, number: number): boolean {
    const { watch, shadow } = this.#options;
    if (shadow === undefined) return watch.known.live !== number;
    const { handOvers, isDropped } = watch.get(number);
    return isDropped || (handOvers !== null && runner.hasTakenOver(handOvers));
  }

  /** Whether its tasks were fenced because their turn is over. A shadow is fenced by the run that goes on with it. */
  async #isTakenOver(number: number): Promise<boolean> {
    const { watch, shadow } = this.#options;
    if (shadow === undefined) return watch.isTakenOver(number);
    await watch.lookNow();
    return watch.known.live === number || watch.get(number).isDropped;
  }

  #open(plan: GenerationPlan): Promise<TopologyRunner> {
    const { config } = this.#options;
    return TopologyRunner.open({
      ...this.#options,
      ...plan,
      generation: plan.generation.number,
      maxAheadMs: config.watermark.maxAheadMs,
      topicSettings: config.log,
      readBounds: { maxRecords: config.topology.maxRecordsPerChunk, maxBytes: config.topology.maxBytesPerChunk },
      commitBounds: config.commit,
    });
  }
}

function sumOf(a: RunnerTotals, b: RunnerTotals): RunnerTotals {
  return {
    records: a.records + b.records,
    results: a.results + b.results,
    late: a.late + b.late,
    rejected: a.rejected + b.rejected,
    unassigned: a.unassigned + b.unassigned,
  };
}
