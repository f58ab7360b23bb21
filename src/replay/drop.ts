import { generationTopic } from '../core/output.ts';
import { takeLease } from '../runtime/lease.ts';
import { resultsSinkGroup } from '../runtime/sinks.ts';
import { planTopology } from '../runtime/topologyPlan.ts';
import { outputTable } from '../sinks/clickhouse/outputTables.ts';
import { quoteName, quoteText } from '../sinks/clickhouse/sqlText.ts';
import { recordDrop } from './decisions.ts';
import { definitionOf } from './definition.ts';
import { nothing, type ReplayOptions, withClickHouse, withReplay } from './replayParts.ts';
import { pendingReplay } from './start.ts';

/** How long a process that still computes the replay may take to end. */
const ENDED_WITHIN_MS = 30_000;

/**
 * Gives up the replay that is under way, and removes its tables. What it wrote to the log stays, and nobody reads it.
 * @throws TM_REPLAY_NOTHING when none is under way
 */
export async function dropReplay(options: ReplayOptions): Promise<number> {
  return withReplay(options, async (parts) => {
    const pending = pendingReplay(parts.watch.known);
    if (pending === null) throw nothing(parts, 'no replay is under way that could be dropped');
    const { number, params } = pending;
    const run = generationTopic(parts.topology, number);
    await recordDrop(parts, pending);
    await untilFree(options, resultsSinkGroup(run));
    const { outputs } = planTopology(parts.definition, definitionOf(parts, params ?? {}, number).params, number);
    await withClickHouse(options.config, async (clickhouse) => {
      for (const { name } of outputs) {
        await clickhouse.command(`DROP TABLE IF EXISTS ${quoteName(outputTable(name, number))}`);
      }
      await clickhouse.command(
        `DELETE FROM late_raw WHERE topology = ${quoteText(parts.topology)} AND generation = ${number}`,
      );
    });
    return number;
  });
}

/** Its tables are not taken from under a process that has yet to learn that its replay was dropped. */
async function untilFree({ config, signal, now, onWaiting }: ReplayOptions, lease: string): Promise<void> {
  const deadline = now() + ENDED_WITHIN_MS;
  const lock = await takeLease({
    directory: config.data.directory,
    name: lease,
    signal,
    onHeld: (pid) => onWaiting('the replay', pid),
    giveUp: async () => now() >= deadline,
  });
  lock?.release();
}
