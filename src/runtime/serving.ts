import type { Log, PartitionRange, Position } from '../log/log.ts';
import type { ClickHouse } from '../sinks/clickhouse/connect.ts';
import { serveGeneration } from '../sinks/clickhouse/outputTables.ts';
import { hasTakenOver } from './baseFollower.ts';
import type { GenerationPlan } from './generationPlan.ts';
import type { HandOver } from './generations.ts';
import type { GenerationWatch } from './generationWatch.ts';
import { resultsTopics } from './sinks.ts';
import { parseMark, placeIn } from './taskPosition.ts';

/** How often it looks whether the tables are whole. */
const LOOK_MS = 500;

export interface ServingOptions {
  readonly plan: GenerationPlan;
  readonly clickhouse: ClickHouse;
  readonly watch: GenerationWatch;
  readonly log: Log;
  readonly now: () => number;
}

/** What a sink has stored. */
interface Stored {
  reached(ends: readonly PartitionRange[]): boolean;
}

/** Makes a generation the served one in ClickHouse: when it is live, and its tables hold what its base's held. */
export class Serving {
  readonly #options: ServingOptions;
  #isServed = false;
  #lookedMs = Number.NEGATIVE_INFINITY;
  /** Once these are stored, the tables are whole. */
  #ends: readonly PartitionRange[] | null = null;

  constructor(options: ServingOptions) {
    this.#options = options;
  }

  /** Looks, when the last look was a while ago. */
  async look(sink: Stored): Promise<void> {
    if (this.#options.now() - this.#lookedMs >= LOOK_MS) await this.lookNow(sink);
  }

  async lookNow(sink: Stored): Promise<void> {
    const { plan, watch, clickhouse, now } = this.#options;
    this.#lookedMs = now();
    if (this.#isServed || watch.known.live !== plan.generation.number) return;
    if (plan.generation.base !== null) {
      this.#ends ??= await this.#endsAtTakeOver();
      if (this.#ends === null || !sink.reached(this.#ends)) return;
    }
    await serveGeneration(clickhouse, plan.outputs, watch.known.swaps);
    this.#isServed = true;
  }

  /** Ends of what the sink reads, once every task has taken over from its base; null before. */
  async #endsAtTakeOver(): Promise<readonly PartitionRange[] | null> {
    const { plan, watch, log } = this.#options;
    const { handOvers, starts } = watch.get(plan.generation.number);
    const committed = await log.committed(plan.run);
    const isDone = handOvers?.every((handOver, partition) => {
      const own = committed.find((position) => position.partition === partition);
      const place = own === undefined ? starts[partition] : standOf(own, plan.run);
      return place !== undefined && hasTakenOver(place, handOver);
    });
    if (isDone !== true) return null;
    return (await Promise.all(resultsTopics(plan).map((topic) => log.ranges(topic)))).flat();
  }
}

/** Where a task stands by what it has committed. */
function standOf(committed: Position, run: string): HandOver {
  const mark = parseMark(committed.metadata, `${run}, partition ${committed.partition}`);
  return { position: placeIn(committed, mark), controlSequence: mark.controlSequence };
}
