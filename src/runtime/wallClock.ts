import { MICROS_PER_MS } from '../core/time.ts';
import type { Log } from '../log/log.ts';
import { endOf } from './activity.ts';
import type { Arrivals } from './arrivals.ts';
import type { Task } from './task.ts';

/** When the wall clock moves the watermarks of a task that gets no more records. */
export interface WallClockBounds {
  /** How long nothing has come in any of its inputs before it does so; 0 for never. */
  readonly wallClockAfterMs: number;
  /** Least time between two moves without a record in between. */
  readonly wallClockEveryMs: number;
}

/** The last move of a task: at which position, and for how long nothing had come then. */
interface Move {
  readonly position: number;
  readonly quietMs: number;
}

/**
 * Closes the windows of tasks that get no more records: moves their watermarks beyond where the records left them, by how long
 * none has come, whenever something waits for that.
 */
export class WallClock {
  readonly #log: Log;
  readonly #bounds: WallClockBounds;
  readonly #arrivals: Arrivals;
  readonly #moves = new WeakMap<Task, Move>();

  constructor(log: Log, bounds: WallClockBounds, arrivals: Arrivals) {
    this.#log = log;
    this.#bounds = bounds;
    this.#arrivals = arrivals;
  }

  /** Looks at one task. */
  async decide(task: Task): Promise<void> {
    const { position } = task;
    const quietMs = Math.floor(Math.min(...task.inputs.all.map(({ place }) => this.#arrivals.quietMs(place))));
    if (task.isRereading || !this.#isDue(task, quietMs)) return;
    if (!task.hasWaitedFor(quietMs * MICROS_PER_MS) || !(await this.#isAtEnd(task))) return;
    await task.moveWallClock(quietMs * MICROS_PER_MS);
    this.#moves.set(task, { position, quietMs });
  }

  #isDue(task: Task, quietMs: number): boolean {
    const { wallClockAfterMs, wallClockEveryMs } = this.#bounds;
    if (wallClockAfterMs === 0 || quietMs < wallClockAfterMs) return false;
    const last = this.#moves.get(task);
    return last?.position !== task.position || quietMs >= last.quietMs + wallClockEveryMs;
  }

  /** Whether every record of the log has been taken, and no upstream task has more. */
  async #isAtEnd({ inputs }: Task): Promise<boolean> {
    for (const input of inputs.all.keys()) {
      if (inputs.hasBuffered(input) || inputs.hasRested(input, null) === false) return false;
    }
    for (const [i, place] of inputs.places.entries()) {
      if ((inputs.readTo[i] as number) < endOf(await this.#log.ranges(place.topic), place)) return false;
    }
    return true;
  }
}
