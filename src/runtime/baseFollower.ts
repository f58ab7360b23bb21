import { parseRecordSchema } from '../core/avro/parseSchema.ts';
import type { Log, TopicPartition } from '../log/log.ts';
import type { SchemaRegistry } from '../log/registry/registry.ts';
import { type Control, controlSchema } from '../schemas.generated.ts';
import type { GenerationStart, HandOver } from './generations.ts';
import type { RecordedControl } from './recordedControls.ts';
import type { Task } from './task.ts';
import { TopicRows } from './topicRows.ts';

const CONTROL = parseRecordSchema(controlSchema);

/** What the tasks of a generation need to know of the generation that was served before it. */
export interface Base {
  readonly controlTopic: string;
  readonly starts: readonly GenerationStart[];
  /** Where the base has ended, by partition; null while it goes on. */
  readonly handOvers: () => readonly HandOver[] | null;
}

interface Followed {
  /** The base has committed all that lies before it. */
  committed: number;
  /** Decisions of the base that are still to be repeated. */
  readonly controls: RecordedControl[];
  /** True once the task has come to where its base has ended. */
  isAlone: boolean;
}

/**
 * Leads the tasks of a new generation behind their base: never beyond what the base has committed, with its flushes and
 * what the wall clock did at the positions where it had them. Where the base has ended, the task goes on alone, and all that it computes is written.
 */
export class BaseFollower {
  readonly #base: Base;
  readonly #rows: TopicRows<Control>;
  readonly #followed: readonly Followed[];

  private constructor(base: Base, rows: TopicRows<Control>) {
    this.#base = base;
    this.#rows = rows;
    // What the history holds is nobody's to commit first.
    this.#followed = base.starts.map(({ position }) => {
      return { committed: Math.max(0, position), controls: [], isAlone: false };
    });
  }

  /** Null where all tasks have taken over already: they write everything then. */
  static async openIfNeeded(
    parts: { readonly log: Log; readonly registry: SchemaRegistry },
    base: Base,
    tasks: readonly Task[],
  ): Promise<BaseFollower | null> {
    const handOvers = base.handOvers();
    if (tasks.every((task) => hasTakenOver(task, handOvers?.[task.partition]))) {
      for (const task of tasks) task.writeEverything();
      return null;
    }
    const start = base.starts.map(({ controlOffset }, partition) => ({
      topic: base.controlTopic,
      partition,
      offset: controlOffset,
    }));
    return new BaseFollower(base, await TopicRows.open<Control>(parts, CONTROL, start));
  }

  /** Takes in what the base has recorded meanwhile. */
  async poll(): Promise<void> {
    for (let rows = await this.#rows.read(0); rows.length > 0; rows = await this.#rows.read(0)) {
      for (const { partition, row } of rows) {
        const followed = this.#followed[partition] as Followed;
        followed.committed = row.position;
        if (row.kind !== 'commit') followed.controls.push(row);
      }
    }
  }

  /** The offset that the task of a partition may go up to now. */
  limitOf({ partition }: TopicPartition): number {
    const { committed, controls, isAlone } = this.#followed[partition] as Followed;
    return isAlone ? Number.POSITIVE_INFINITY : Math.min(committed, controls[0]?.position ?? committed);
  }

  /** Does to the task what happened to the base at the position that the task has come to. */
  async lead(task: Task): Promise<void> {
    const { partition } = task;
    const followed = this.#followed[partition] as Followed;
    const { controls } = followed;
    for (let next = controls[0]; next !== undefined && next.position <= task.position; next = controls[0]) {
      if (next.controlSequence > task.controlSequence) await task.repeat(next);
      controls.shift();
    }
    if (followed.isAlone || !hasTakenOver(task, this.#base.handOvers()?.[partition])) return;
    followed.isAlone = true;
    task.writeEverything();
  }

  /** Whether what happens to a task is the base's to decide. */
  isLeading({ partition }: Task): boolean {
    return this.#followed[partition]?.isAlone === false;
  }

  close(): Promise<void> {
    return this.#rows.close();
  }
}

/** Whether a task has come to where its base ended. */
export function hasTakenOver(
  { position, controlSequence }: { readonly position: number; readonly controlSequence: number },
  handOver: HandOver | undefined,
): boolean {
  return handOver !== undefined && position >= handOver.position && controlSequence >= handOver.controlSequence;
}
