import type { ClickHouseSink } from '../sinks/clickhouse/sink.ts';
import type { Ends } from './pipeline.ts';
import type { Serving } from './serving.ts';

/** How long a step waits for records. */
const STEP_WAIT_MS = 50;
/** A stopped live run stores what it has computed, for at most this long. */
const STOP_DRAIN_MS = 10_000;

export interface SinkPartOptions {
  readonly open: () => Promise<ClickHouseSink>;
  /** Where a bounded sink ends; null for a live one. */
  readonly ends: Ends | null;
  /** Where a live one ends that was stopped. */
  readonly drainTo: Ends;
  /** Where it ends because its generation's turn is over; null while it is not. */
  readonly retireAt?: Ends;
  /** For a sink of results. */
  readonly serving?: Serving;
  readonly stop: AbortSignal;
  readonly failed: AbortSignal;
  readonly now: () => number;
  readonly onStored: (rows: number) => void;
}

/** A sink in this process, from its opening to its end. */
export class SinkPart {
  readonly #options: SinkPartOptions;

  constructor(options: SinkPartOptions) {
    this.#options = options;
  }

  /** Once more, after it has failed, where the sink stands. Tells each time that it has come on. */
  async run(cameOn: () => void): Promise<void> {
    const { ends, stop, failed, retireAt, serving } = this.#options;
    const sink = await this.#options.open();
    try {
      for (let isOver = false; !stop.aborted && !isOver; ) {
        await serving?.look(sink);
        await this.#store(sink);
        cameOn();
        const bound = (await ends?.()) ?? (await retireAt?.()) ?? null;
        isOver = bound !== null && sink.reached(bound);
      }
      if (ends === null && stop.aborted && !failed.aborted) await this.#drain(sink);
      await serving?.lookNow(sink);
    } finally {
      await sink.close();
    }
  }

  /** After a stop: stores what the tasks have written by their end, within a bound. */
  async #drain(sink: ClickHouseSink): Promise<void> {
    const { now, drainTo } = this.#options;
    const deadline = now() + STOP_DRAIN_MS;
    let done = false;
    while (!done && now() < deadline) {
      await this.#store(sink);
      const bound = await drainTo();
      done = bound !== null && sink.reached(bound);
    }
  }

  async #store(sink: ClickHouseSink): Promise<void> {
    const stored = await sink.step(STEP_WAIT_MS);
    this.#options.onStored(stored);
  }
}
