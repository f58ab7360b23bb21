import { partitionOf } from '../core/murmur2.ts';
import { generationTopic } from '../core/output.ts';
import { TidemarkError } from '../errors.ts';
import type { Log, PartitionRange, TopicPartition } from '../log/log.ts';
import type { SchemaRegistry } from '../log/registry/registry.ts';
import { type AssembledInput, type Assembly, assemble } from '../topology/assemble.ts';
import { NO_WATERMARK } from '../topology/elements.ts';
import type { WindowQuestion } from '../topology/explanation.ts';
import type { Topology } from '../topology/topology.ts';
import { namedWindow, type WindowDefinition } from '../topology/windows/definition.ts';
import { secondsText, standOf, standText, timeText, type WindowStand } from '../topology/windows/windowStand.ts';
import { firstAtOrAbove } from './chunkPart.ts';
import { readGenerations } from './generations.ts';
import { type TaskPosition, taskPositions } from './positions.ts';
import { recordedControls } from './recordedControls.ts';
import { paramsOver } from './topologySource.ts';
import { controlTopic, stageRuns } from './topologyTopics.ts';

/** An input of the task that a window belongs to. */
export interface InputStatus extends TopicPartition {
  readonly position: number;
  /** Records that the task has yet to read. */
  readonly lag: number;
  /** When the log took in the last record that the task has read, epoch milliseconds; null where that cannot be told. */
  readonly lastRecordMs: number | null;
  /** Recorded as idle: it holds nothing back. */
  readonly isIdle: boolean;
  /** A record of this time or later lets its watermark reach the window's end; null where that is not known. */
  readonly neededMicros: number | null;
}

/** Why a window has not closed, as far as the log alone knows. */
export interface WindowStatus {
  readonly text: string;
  /** The group of the task, as `status` lists it. */
  readonly task: string;
  readonly partition: number;
  /** As of the last commit; null before the first record. */
  readonly watermark: number | null;
  /** How far the wall clock has moved it beyond the records, microseconds. */
  readonly clockMicros: number;
  /** Null in a gap between windows, and for sessions, whose bounds only the task knows. */
  readonly window: WindowStand | null;
  readonly inputs: readonly InputStatus[];
}

interface Parts {
  readonly log: Log;
  readonly registry: SchemaRegistry;
}

/** Offsets that are looked through for the last record: those of a broker count the ends of transactions too. */
const LOOK_BACK = 64;
const LOOK_BACK_BYTES = 1024 * 1024;

/**
 * What the log says of a window of the live generation: the state of the task is not read, so what the window holds is not known.
 * The key is that of the input's records, which says the partition.
 *
 * @param set parameters as text, as `run` takes them
 * @throws TM_USAGE for an interval that the topology does not have, or one that has not run on this log
 */
export async function windowStatus(
  parts: Parts,
  topology: Topology,
  set: Readonly<Record<string, string>>,
  question: WindowQuestion,
): Promise<WindowStatus> {
  const { all, live } = await readGenerations({ ...parts, topology: topology.name });
  const recorded = all.find(({ number }) => number === live)?.params ?? {};
  const params = paramsOver(topology, set, recorded);
  const assembly = assemble({ topology, params, generation: live, onElement: () => {} });
  assembly.close();
  const { definition, latenessMicros } = windowsNamed(assembly, question.interval);
  const task = generationTopic(topology.name, live);
  const positions = await positionsOf(parts.log, task);
  const partition = await partitionOfKey(parts.log, assembly, question.key);
  const read = assembly.repartitions.length === 0 ? assembly.inputs : assembly.repartitions;
  const topics = new Set(read.map(({ topic }) => topic));
  const own = positions.filter((position) => position.partition === partition && topics.has(position.topic));
  const bounds = namedWindow(definition, question.atMicros);
  const window = bounds === null ? null : standOf(bounds, latenessMicros, own[0]?.watermark ?? NO_WATERMARK);
  const inputs = await inputsOf(parts, assembly, { task, partition, window, positions });
  const { watermark: committed = null, clockMicros = 0 } = own[0] ?? {};
  const status = { task, partition, watermark: committed, clockMicros, window, inputs };
  return { text: textOf(question, definition, status), ...status };
}

/** The definition of an interval; where outputs differ in their lateness, the longest. @throws TM_USAGE */
function windowsNamed({ windows }: Assembly, interval: string) {
  const named = windows.flatMap(({ definitions, latenessMicros }) =>
    definitions.filter((each) => each.interval === interval).map((definition) => ({ definition, latenessMicros })),
  );
  const [longest] = named.sort((a, b) => b.latenessMicros - a.latenessMicros);
  if (longest !== undefined) return longest;
  const known = new Set(windows.flatMap(({ definitions }) => definitions.map((each) => each.interval)));
  throw new TidemarkError('TM_USAGE', `the topology has no '${interval}' windows`, {
    where: '--interval',
    hint: `It has: ${[...known].join(', ')}.`,
  });
}

async function positionsOf(log: Log, task: string): Promise<readonly TaskPosition[]> {
  const positions = await taskPositions(log);
  const own = positions.filter(({ topology }) => topology === task);
  if (own.length > 0) return own;
  const known = new Set(positions.map(({ topology }) => topology));
  throw new TidemarkError('TM_USAGE', `topology ${task} has not run on this log`, {
    where: '--explain',
    hint: `Those that have: ${[...known].join(', ') || 'none'}. Give the file of another, or run it first.`,
  });
}

async function partitionOfKey(log: Log, { inputs }: Assembly, key: string): Promise<number> {
  const partitions = await log.ranges(inputs[0]?.topic ?? '');
  const bytes = new TextEncoder().encode(key);
  return partitionOf(bytes, 0, bytes.length, partitions.length);
}

interface Asked {
  readonly task: string;
  readonly partition: number;
  readonly window: WindowStand | null;
  readonly positions: readonly TaskPosition[];
}

/** What the task of a window reads; behind a repartition topic what all upstream tasks read, and then that topic. */
async function inputsOf(
  parts: Parts,
  { inputs, repartitions }: Assembly,
  { task, partition, window, positions }: Asked,
): Promise<readonly InputStatus[]> {
  const { log } = parts;
  const isRekeyed = repartitions.length > 0;
  const idle = await idleInputs(parts, stageRuns(task, repartitions).at(-1) ?? task, partition);
  const count = (await log.ranges(inputs[0]?.topic ?? '')).length;
  const partitions = isRekeyed ? Array.from({ length: count }, (_, upstream) => upstream) : [partition];
  const read = partitions.flatMap((each) =>
    inputs.map(async (input): Promise<InputStatus> => {
      const place = await placeOf(log, input.topic, each, positions);
      const isIdle = idle.has(isRekeyed ? String(each) : input.topic);
      return { ...place, isIdle, neededMicros: window === null ? null : neededFor(input, window) };
    }),
  );
  const between = repartitions.map(async ({ topic }): Promise<InputStatus> => {
    return { ...(await placeOf(log, topic, partition, positions)), isIdle: false, neededMicros: null };
  });
  return Promise.all([...read, ...between]);
}

/** Where a task stands in an input, or would begin. */
async function placeOf(log: Log, topic: string, partition: number, positions: readonly TaskPosition[]) {
  const range = (await log.ranges(topic))[partition];
  const position =
    positions.find((each) => each.topic === topic && each.partition === partition)?.position ?? range?.begin ?? 0;
  const lag = Math.max(0, (range?.end ?? position) - position);
  const lastRecordMs = range === undefined ? null : await lastAppendMs(log, range, position);
  return { topic, partition, position, lag, lastRecordMs };
}

/** When the log took in the last record before an offset; null where there is none, or none that near. */
async function lastAppendMs(log: Log, range: PartitionRange, position: number): Promise<number | null> {
  const offset = Math.max(range.begin, position - LOOK_BACK);
  const reader = await log.openReader([{ ...range, offset }]);
  let last: number | null = null;
  try {
    while (reader.position(range) < position) {
      const chunk = await reader.read({ maxRecords: LOOK_BACK, maxBytes: LOOK_BACK_BYTES }, 0);
      if (chunk === null) break;
      const before = firstAtOrAbove(chunk, 0, position);
      if (before > 0) last = chunk.appendMs[before - 1] as number;
    }
    return last;
  } finally {
    await reader.close();
  }
}

/** Inputs, or upstream partitions, that the task's last control record about them says are idle. */
async function idleInputs(parts: Parts, run: string, partition: number): Promise<ReadonlySet<string>> {
  const idle = new Set<string>();
  const control = (await parts.log.ranges(controlTopic(run)))[partition];
  if (control === undefined) return idle;
  const controls = await recordedControls(parts, control, { controlOffset: 0, controlSequence: 0 });
  for (const { kind, topic, upstream } of controls) {
    const input = upstream === null ? topic : String(upstream);
    if (kind === 'idle') idle.add(input);
    else if (kind === 'active') idle.delete(input);
  }
  return idle;
}

/** The event time of a record that moves an input's watermark to the end of a window that is open. */
function neededFor({ watermark: { field, delayMicros } }: AssembledInput, window: WindowStand): number | null {
  const isKnown = field === null && Number.isFinite(delayMicros) && window.state === 'open';
  return isKnown ? window.completesAtMicros + delayMicros : null;
}

function textOf(question: WindowQuestion, definition: WindowDefinition, status: Omit<WindowStatus, 'text'>): string {
  const { window, partition, task, clockMicros } = status;
  const watermark = status.watermark ?? NO_WATERMARK;
  const lines = [
    window === null ? noWindowText(question, definition, watermark) : standText(question, window, watermark),
  ];
  const clock = clockMicros === 0 ? '' : `, moved by the wall clock ${secondsText(clockMicros)} beyond its records`;
  lines.push(`Its task is partition ${partition} of ${task}; the watermark is that of its last commit${clock}.`);
  if (window === null || window.state === 'open') lines.push(...status.inputs.map(inputText));
  return lines.join('\n');
}

function noWindowText({ interval, atMicros }: WindowQuestion, definition: WindowDefinition, watermark: number): string {
  const at = timeText(atMicros);
  if (definition.kind !== 'session') return `No ${interval} window holds ${at}: it lies in the gap between two.`;
  const earliest = timeText(atMicros + definition.gapMicros - 1);
  return `A ${interval} window that holds ${at} is complete when the watermark reaches ${earliest} or later (${timeText(watermark)} now).`;
}

function inputText({ topic, partition, position, lag, lastRecordMs, isIdle, neededMicros }: InputStatus): string {
  const last = lastRecordMs === null ? '' : `, the last of which came at ${new Date(lastRecordMs).toISOString()}`;
  const read = `Input ${topic}, partition ${partition}: read to offset ${position}${last}; ${lag === 1 ? '1 record' : `${lag} records`} pending.`;
  if (isIdle) return `${read} It is recorded as idle and holds nothing back.`;
  if (neededMicros === null) return read;
  return `${read} The window needs a record of ${timeText(neededMicros)} or later to have been read from it.`;
}
