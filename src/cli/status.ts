import type { Dirent } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import type { Log, PartitionRange } from '../log/log.ts';
import type { GroupPosition, TaskPosition } from '../runtime/positions.ts';
import type { Act, Context } from './context.ts';
import { addParameter } from './run.ts';
import { printWindowStatus, type WindowOptions } from './statusOfWindow.ts';
import { textTable } from './table.ts';
import { noTopicsLine } from './topics.ts';

interface Status {
  readonly directory: string;
  /** Where the log is; null for the embedded one in the data directory. */
  readonly brokers: string | null;
  /** Where ClickHouse is; null for the embedded one in the data directory. */
  readonly clickhouse: string | null;
  /** Of the data directory. */
  readonly diskBytes: number;
  /** The process that holds the embedded ClickHouse now. */
  readonly ownerPid: number | null;
  readonly partitions: readonly PartitionRange[];
  readonly tasks: readonly (TaskPosition & { readonly watermarkTime: string | null })[];
  /** What of each topic is stored in ClickHouse. */
  readonly sink: readonly GroupPosition[];
}

const EXAMPLES = `
Examples:
  How far everything is:
    $ tidemark status

  Why there is no bar yet, and what it takes:
    $ tidemark status --explain binance-spot:BTCUSDT --interval 1m --at 2024-08-08T13:30:00Z`;

export function declareStatus(program: Command, act: Act): void {
  program
    .command('status')
    .description('Show how far everything is: ends of the topics, position, lag and watermark of each task, disk use.')
    .argument('[file]', 'with --explain: topology file (default: the packaged bars topology)')
    .option('--explain <key>', 'why a window of this key has not closed: what its task waits for')
    .option('--interval <name>', 'with --explain: the window, as results name it, such as 1m')
    .option(
      '--at <time>',
      'with --explain: a time in the window; of overlapping ones the last that has started by then',
    )
    .option('--set <name=value>', 'with --explain: a parameter of the topology, as run was given it', addParameter)
    .addHelpText('after', EXAMPLES)
    .action(act(printStatus));
}

async function printStatus(context: Context, command: Command): Promise<void> {
  const [file] = command.args;
  const { explain, interval, at, set } = command.opts<WindowOptions>();
  if ([file, explain, interval, at, set].some((given) => given !== undefined)) {
    return printWindowStatus(context, file, { explain, interval, at, set });
  }
  const status = await readStatus(context);
  if (context.json) return context.out.line(JSON.stringify(status));
  const { partitions, tasks, sink } = status;
  if (partitions.length === 0) {
    context.err.write(noTopicsLine(context.config));
    return;
  }
  await context.out.write(`${placesOf(status)}\n\n`);
  await context.out.write(
    textTable(
      ['topic', 'partition', 'end'],
      partitions.map(({ topic, partition, end }) => [topic, partition, end]),
    ),
  );
  await context.out.write(
    `\n${textTable(
      ['task', 'topic', 'partition', 'position', 'lag', 'watermark', 'by clock'],
      tasks.map((task) => [
        task.topology,
        task.topic,
        task.partition,
        task.position,
        task.lag,
        task.watermarkTime,
        task.clockMicros === 0 ? null : `+${task.clockMicros / 1_000_000} s`,
      ]),
    )}`,
  );
  await context.out.write(
    `\n${textTable(
      ['stored', 'partition', 'position', 'lag'],
      sink.map(({ topic, partition, position, lag }) => [topic, partition, position, lag]),
    )}`,
  );
}

/** Where the log and ClickHouse are; the data directory, as far as it holds any of them. */
function placesOf({ directory, brokers, clickhouse, diskBytes, ownerPid }: Status): string {
  const places = [
    ...(brokers === null ? [] : [`log at ${brokers}`]),
    ...(clickhouse === null ? [] : [`ClickHouse at ${clickhouse}`]),
  ];
  if (places.length === 2) return places.join(', ');
  const owner = ownerPid === null ? 'no process' : `process ${ownerPid}`;
  const size = `${directory}: ${megabytes(diskBytes)} MB`;
  return [clickhouse === null ? `${size}, ClickHouse held by ${owner}` : size, ...places].join(', ');
}

async function readStatus({ config, openLogIfAny }: Context): Promise<Status> {
  const { directory } = config.data;
  const [diskBytes, ownerPid, log] = await Promise.all([sizeOf(directory), readOwner(directory), openLogIfAny()]);
  const place = {
    directory,
    brokers: config.broker.urls || null,
    clickhouse: config.clickhouse.url || null,
    diskBytes,
    ownerPid,
  };
  if (log === null) return { ...place, partitions: [], tasks: [], sink: [] };
  try {
    const { groupPositions, taskPositions } = await import('../runtime/positions.ts');
    const { RAW_SINK_GROUP, resultsSinkGroup } = await import('../runtime/sinks.ts');
    const tasks = await taskPositions(log);
    const sinkGroups = new Set([RAW_SINK_GROUP, ...tasks.map(({ topology }) => resultsSinkGroup(topology))]);
    const sink = await Promise.all(Array.from(sinkGroups, (group) => groupPositions(log, group)));
    return {
      ...place,
      partitions: await allRanges(log),
      tasks: tasks.map(withTime),
      sink: sink.flat(),
    };
  } finally {
    await log.close();
  }
}

async function allRanges(log: Log): Promise<PartitionRange[]> {
  const ranges = await Promise.all((await log.listTopics()).map(({ topic }) => log.ranges(topic)));
  return ranges.flat();
}

function withTime(task: TaskPosition): Status['tasks'][number] {
  const { watermark } = task;
  return { ...task, watermarkTime: watermark === null ? null : new Date(watermark / 1_000).toISOString() };
}

function megabytes(bytes: number): string {
  return (bytes / (1024 * 1024)).toFixed(1);
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

/** Bytes on disk under a directory. Sparse files count by their blocks; what goes away meanwhile counts nothing. */
async function sizeOf(path: string): Promise<number> {
  try {
    const entries = await readdir(path, { withFileTypes: true });
    const sizes = await Promise.all(entries.map((entry) => entrySize(join(path, entry.name), entry)));
    return sizes.reduce((sum, size) => sum + size, 0);
  } catch (error) {
    if (isMissing(error)) return 0;
    throw error;
  }
}

const BLOCK_BYTES = 512;

async function entrySize(path: string, entry: Dirent): Promise<number> {
  if (entry.isDirectory()) return sizeOf(path);
  try {
    return entry.isFile() ? (await stat(path)).blocks * BLOCK_BYTES : 0;
  } catch (error) {
    if (isMissing(error)) return 0;
    throw error;
  }
}

/** The process that `owner.json` names, when it is alive. */
async function readOwner(directory: string): Promise<number | null> {
  try {
    const { pid }: { pid?: unknown } = JSON.parse(await readFile(join(directory, 'owner.json'), 'utf8'));
    if (typeof pid !== 'number') return null;
    return isAlive(pid) ? pid : null;
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it is there, and another user's.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
