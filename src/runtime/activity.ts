import type { Log, PartitionRange } from '../log/log.ts';
import type { Arrivals } from './arrivals.ts';
import type { Task } from './task.ts';

/**
 * Says which inputs of tasks hold the others back: one that is at its end is idle, and is active again when it has records. It
 * decides only when of every input a record is there, or is known not to be: given ends, once the input is read to them; else once
 * it is read to the log's end and nothing came for the idle timeout; what another task writes, once that says so. Given ends, that depends on the records alone.
 */
export class ActivityWatch {
  readonly #log: Log;
  readonly #idleTimeoutMs: number;
  readonly #arrivals: Arrivals;

  constructor(log: Log, idleTimeoutMs: number, arrivals: Arrivals) {
    this.#log = log;
    this.#idleTimeoutMs = idleTimeoutMs;
    this.#arrivals = arrivals;
  }

  /** Looks at one task, and lets it go on with what is not held back any more. */
  async decide(task: Task, ends: readonly PartitionRange[] | null): Promise<void> {
    const { inputs } = task;
    if (inputs.all.length === 1) return;
    while (!task.isRereading && (await this.#isKnown(task, ends))) {
      const every = [...inputs.all.keys()];
      const woken = every.filter((input) => !inputs.isActive(input) && inputs.hasBuffered(input));
      const idle = every.filter((input) => inputs.isActive(input) && !inputs.hasBuffered(input));
      if (woken.length === 0 && idle.length === 0) return;
      // Those that wake first: where one wakes, it may be that no other has to become idle.
      const changing = woken.length > 0 ? woken : idle;
      for (const input of changing) await task.setActive(input, woken.length > 0);
      await task.proceed();
    }
  }

  /** Whether a task has taken in all that there is, for now. */
  async hasNothing(task: Task, ends: readonly PartitionRange[] | null): Promise<boolean> {
    const { inputs } = task;
    const isEmpty = !inputs.all.some((_, input) => inputs.hasBuffered(input));
    return isEmpty && !task.isRereading && (await this.#isKnown(task, ends));
  }

  async #isKnown({ inputs }: Task, ends: readonly PartitionRange[] | null): Promise<boolean> {
    for (const [input, { place }] of inputs.all.entries()) {
      if (inputs.hasBuffered(input)) continue;
      const hasRested = inputs.hasRested(input, ends);
      if (hasRested !== null) {
        if (!hasRested) return false;
        continue;
      }
      const readTo = inputs.readTo[input] as number;
      if (ends !== null) {
        if (readTo < endOf(ends, place)) return false;
        continue;
      }
      if (this.#arrivals.quietMs(place) < this.#idleTimeoutMs) return false;
      if (readTo < endOf(await this.#log.ranges(place.topic), place)) return false;
    }
    return true;
  }
}

/** The end of a partition; 0 where none is given. */
export function endOf(
  ends: readonly PartitionRange[],
  { topic, partition }: { readonly topic: string; readonly partition: number },
): number {
  return ends.find((range) => range.topic === topic && range.partition === partition)?.end ?? 0;
}
