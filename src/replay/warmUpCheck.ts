import { generationTopic } from '../core/output.ts';
import { TidemarkError } from '../errors.ts';
import type { Generation } from '../runtime/generations.ts';
import { taskPositions } from '../runtime/positions.ts';
import { committedTasks } from './decisions.ts';
import { definitionOf, expiredAt } from './definition.ts';
import type { ReplayParts } from './replayParts.ts';

/**
 * A generation of a changed definition that began in the middle of the input may lack records of windows that end before
 * its range. Before it goes live these must have expired, or later records would revise them from a part of their records.
 *
 * @throws TM_REPLAY_RANGE
 */
export async function checkWarmUp(parts: ReplayParts, generation: Generation): Promise<void> {
  const { log, topology } = parts;
  const { number, base, range, starts } = generation;
  if (base === null || !Number.isFinite(range.fromMicros) || (await isUnchanged(parts, generation, base))) return;
  const { windows } = definitionOf(parts, generation.params ?? {}, number);
  const needed = expiredAt(windows, range);
  const run = generationTopic(topology, number);
  for (const task of await taskPositions(log)) {
    const isWhole = task.topology !== run || starts[task.partition]?.watermark === null;
    if (isWhole || (task.watermark !== null && task.watermark >= needed)) continue;
    throw new TidemarkError(
      'TM_REPLAY_RANGE',
      'windows before the range still take records, and were computed in part',
      {
        where: `${task.topic}, partition ${task.partition}`,
        hint: 'Swap later, when its watermark has passed --from and the allowed lateness, or replay without --from.',
      },
    );
  }
}

/** With the definition of its base, the replay began so that no window that takes records is held in part. */
async function isUnchanged(parts: ReplayParts, { params }: Generation, base: number): Promise<boolean> {
  const { fingerprint } = definitionOf(parts, params ?? {}, base);
  const tasks = await committedTasks(parts.log, generationTopic(parts.topology, base));
  return [...tasks.values()].every(({ mark }) => mark.fingerprint === fingerprint);
}
