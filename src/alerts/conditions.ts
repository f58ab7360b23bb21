import type { Config } from '../config.ts';
import { DEAD_LETTER_TOPIC } from '../core/deadLetterTopics.ts';
import { formatIsoMicros } from '../core/time.ts';
import type { Log, PartitionRange } from '../log/log.ts';
import { type TaskPosition, taskPositions } from '../runtime/positions.ts';
import type { Condition, Trouble } from './alert.ts';

const READ_BOUNDS = { maxRecords: 10_000, maxBytes: 4 * 1024 * 1024 };
/** A broker may take its time for records that are there. */
const READ_WAIT_MS = 1_000;

/** Whether more rows were rejected lately than the threshold. */
export async function deadLetterCondition(log: Log, config: Config['alerts'], nowMs: number): Promise<Condition> {
  const { deadLetters: threshold, deadLettersWindowMs: windowMs } = config;
  const ranges = await recent(log, nowMs - windowMs);
  // Offsets count the ends of transactions too: what they allow is counted by hand, no further than is needed.
  const most = ranges.reduce((sum, { begin, end }) => sum + end - begin, 0);
  const value = most > threshold ? await counted(log, ranges, threshold + 1) : most;
  const isFiring = value > threshold;
  const shown = isFiring ? `more than ${threshold}` : `at most ${threshold}`;
  return {
    id: 'deadLetters',
    kind: 'deadLetters',
    title: 'dead letters',
    detail: `${shown} dead letters in the last ${Math.round(windowMs / 1_000)} s`,
    value,
    threshold,
    isFiring,
  };
}

async function recent(log: Log, fromMs: number): Promise<readonly PartitionRange[]> {
  const topics = await log.listTopics();
  if (!topics.some(({ topic }) => topic === DEAD_LETTER_TOPIC)) return [];
  return Promise.all(
    (await log.ranges(DEAD_LETTER_TOPIC)).map(async (range) => {
      const begin = await log.offsetAtTime(range, fromMs);
      return { ...range, begin: Math.min(range.end, Math.max(range.begin, begin)) };
    }),
  );
}

/** How many records ranges hold, up to `most`. */
async function counted(log: Log, ranges: readonly PartitionRange[], most: number): Promise<number> {
  let count = 0;
  for (const { topic, partition, begin, end } of ranges) {
    if (begin === end || count >= most) continue;
    const reader = await log.openReader([{ topic, partition, offset: begin }]);
    try {
      while (reader.position({ topic, partition }) < end && count < most) {
        const chunk = await reader.read(READ_BOUNDS, READ_WAIT_MS);
        if (chunk === null) break;
        count += chunk.count;
      }
    } finally {
      await reader.close();
    }
  }
  return Math.min(count, most);
}

/** How a task was when its watermark moved last. */
interface Standing {
  readonly watermark: number | null;
  readonly position: number;
  readonly sinceMs: number;
  /** Whether it has come on since it is watched: one that nobody runs any more is no trouble. */
  readonly hasMoved: boolean;
}

/** Watches the watermarks of all tasks in a log. */
export class StalledWatermarks {
  readonly #config: Config['alerts'];
  #standing = new Map<string, Standing>();
  /** By condition: since when a watermark stood that was open when the process before ended. */
  #openSinceMs: ReadonlyMap<string, number>;

  /** @param open what was told of before a restart */
  constructor(config: Config['alerts'], open: readonly Trouble[] = []) {
    this.#config = config;
    this.#openSinceMs = new Map(open.map(({ condition, sinceMs }) => [condition.id, sinceMs - condition.threshold]));
  }

  async look(log: Log, nowMs: number): Promise<readonly Condition[]> {
    return this.conditions(await taskPositions(log), nowMs);
  }

  conditions(tasks: readonly TaskPosition[], nowMs: number): readonly Condition[] {
    const standing = new Map<string, Standing>();
    const conditions = tasks.flatMap((task) => {
      const id = `${task.topology} ${task.topic}/${task.partition}`;
      const now = standingOf(task, this.#standing.get(id) ?? this.#asBefore(id, task), nowMs);
      standing.set(id, now);
      return now.hasMoved ? [this.#condition(id, task, now, nowMs)] : [];
    });
    this.#standing = standing;
    this.#openSinceMs = new Map();
    return conditions;
  }

  /** One that stood still when the process before ended is taken to stand still, until it is seen to move. */
  #asBefore(id: string, { watermark, position }: TaskPosition): Standing | undefined {
    const sinceMs = this.#openSinceMs.get(conditionId(id));
    return sinceMs === undefined ? undefined : { watermark, position, sinceMs, hasMoved: true };
  }

  #condition(id: string, task: TaskPosition, { sinceMs, position }: Standing, nowMs: number): Condition {
    const { stalledMs } = this.#config;
    const hasInput = task.lag > 0 || task.position > position;
    const at = task.watermark === null ? 'its beginning' : formatIsoMicros(task.watermark);
    const stoodMs = nowMs - sinceMs;
    return {
      id: conditionId(id),
      kind: 'stalledWatermark',
      title: `watermark of ${id}`,
      detail: `it stands at ${at} for ${Math.round(stoodMs / 1_000)} s, with ${task.lag} records to read`,
      value: stoodMs,
      threshold: stalledMs,
      isFiring: hasInput && stoodMs >= stalledMs,
    };
  }
}

function conditionId(task: string): string {
  return `stalledWatermark ${task}`;
}

function standingOf(task: TaskPosition, before: Standing | undefined, nowMs: number): Standing {
  const { watermark, position, lag } = task;
  if (before === undefined) return { watermark, position, sinceMs: nowMs, hasMoved: false };
  const hasMoved = before.hasMoved || before.position !== position || before.watermark !== watermark;
  // With nothing to read a watermark stands still by right: the time counts from when there is something.
  const isIdle = lag === 0 && before.position === position;
  const isSame = before.watermark === watermark && !isIdle;
  return isSame ? { ...before, hasMoved } : { watermark, position, sinceMs: nowMs, hasMoved };
}
