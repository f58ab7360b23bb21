import { generationTopic } from '../core/output.ts';
import { TidemarkError } from '../errors.ts';
import type { Log, TransactionalWriter } from '../log/log.ts';
import {
  type Decision,
  type Generation,
  type GenerationParts,
  type HandOver,
  readGenerations,
  recordDecision,
} from '../runtime/generations.ts';
import { writerId } from '../runtime/openTask.ts';
import { parseMark, placeIn, type TaskMark } from '../runtime/taskPosition.ts';

/** A task where it has committed last. */
interface CommittedTask {
  readonly position: number;
  readonly mark: TaskMark;
}

/**
 * Makes a generation the live one, at the position that its base has come to: the base's tasks are fenced, so that they
 * stand still, and the swap is recorded for all partitions in one transaction.
 */
export async function recordSwap(parts: GenerationParts, generation: Generation): Promise<void> {
  const base = generationTopic(parts.topology, generation.base ?? generation.number);
  await decideFenced(parts, generation, base, async () => {
    const tasks = await committedTasks(parts.log, base);
    const handOvers = generation.starts.map(({ position, controlSequence }, partition): HandOver => {
      const task = tasks.get(partition);
      // A task that never committed stands where the replay began too, or where its input does.
      if (task === undefined) return { position: Math.max(0, position), controlSequence };
      return { position: task.position, controlSequence: task.mark.controlSequence };
    });
    return { kind: 'served', handOvers };
  });
}

/** Drops a generation. If it was the live one, its base is again, and goes on from where it ended. */
export async function recordDrop(parts: GenerationParts, generation: Generation): Promise<void> {
  const run = generationTopic(parts.topology, generation.number);
  await decideFenced(parts, generation, run, async () => ({ kind: 'dropped' }));
}

/** Fences the tasks of a group, then records a decision. Whoever decides at the same time is fenced. */
async function decideFenced(
  parts: GenerationParts,
  generation: Generation,
  run: string,
  decide: () => Promise<Decision>,
): Promise<void> {
  const writers: TransactionalWriter[] = [];
  try {
    const own = await parts.log.openWriter(`replay.${parts.topology}`);
    writers.push(own);
    for (const partition of generation.starts.keys())
      writers.push(await parts.log.openWriter(writerId(run, partition)));
    await checkStill(parts, generation);
    await recordDecision(parts, own, generation, await decide());
  } finally {
    for (const writer of writers) await writer.close();
  }
}

/** Somebody else may have decided since the generations were read. */
async function checkStill(parts: GenerationParts, generation: Generation): Promise<void> {
  const { all } = await readGenerations(parts);
  const now = all.find(({ number }) => number === generation.number);
  if (now?.isDropped === generation.isDropped && (now.handOvers === null) === (generation.handOvers === null)) return;
  throw new TidemarkError('TM_REPLAY_NOTHING', `generation ${generation.number} was swapped or dropped meanwhile`, {
    where: `topology ${parts.topology}`,
    hint: '`tidemark replay status` shows the generations.',
  });
}

/** The tasks of a group by partition, as far as they have committed anything. */
export async function committedTasks(log: Log, run: string): Promise<ReadonlyMap<number, CommittedTask>> {
  const positions = await log.committed(run);
  return new Map(
    positions.map((committed) => {
      const mark = parseMark(committed.metadata, `${run}, partition ${committed.partition}`);
      return [committed.partition, { position: placeIn(committed, mark), mark }];
    }),
  );
}
