import { setTimeout as sleep } from 'node:timers/promises';
import { generationTopic, type OutputSpec } from '../core/output.ts';
import type { Log, PartitionRange } from '../log/log.ts';
import { recordsBehind, tasksBehind } from '../runtime/positions.ts';
import { resultsSinkGroup } from '../runtime/sinks.ts';
import { endsOf, type ReplayParts } from './replayParts.ts';

/** A replay that does not come on for so long is not running, or has nothing to come to. */
const STANDSTILL_MS = 2_000;
const POLL_MS = 100;

/** Where two generations can be compared: results below these offsets are stored, and of the same input. */
export interface Settled {
  /** Records that the replay has yet to read to come to where the other stood. */
  readonly behind: number;
  /** Ends of the results topics of each, by output and partition. */
  readonly baseEnds: ReadonlyMap<string, readonly number[]>;
  readonly ends: ReadonlyMap<string, readonly number[]>;
}

export interface Compared {
  readonly generation: number;
  readonly base: number;
  readonly outputs: readonly OutputSpec[];
  readonly baseOutputs: readonly OutputSpec[];
}

/** Waits until the replay has come to where its base stands now and both are stored, as long as it comes on. */
export async function settle(
  parts: ReplayParts,
  { generation, base, outputs, baseOutputs }: Compared,
  { now, signal }: { readonly now: () => number; readonly signal: AbortSignal },
): Promise<Settled> {
  const { log, topology } = parts;
  const run = generationTopic(topology, generation);
  const target = await endsOf(parts, base, parts.watch.get(generation));
  const baseEnds = await resultEnds(log, baseOutputs);
  const wait = (left: () => Promise<number>) => untilReached(left, now, signal);
  const stored = (number: number, ends: readonly PartitionRange[]) =>
    wait(() => recordsBehind(log, resultsSinkGroup(generationTopic(topology, number)), ends));
  const behind = await wait(() => tasksBehind(log, run, target));
  const ends = await resultEnds(log, outputs);
  await stored(generation, [...ends.values()].flat());
  // The base is ahead of its replay: all that the replay has results of, it has results of by now.
  const baseNow = await resultEnds(log, baseOutputs);
  await stored(base, [...baseNow.values()].flat());
  return { behind, baseEnds: offsetsOf(baseEnds), ends: offsetsOf(ends) };
}

async function resultEnds(log: Log, outputs: readonly OutputSpec[]): Promise<Map<string, readonly PartitionRange[]>> {
  const ends = new Map<string, readonly PartitionRange[]>();
  for (const { name, topic } of outputs) ends.set(name, await log.ranges(topic));
  return ends;
}

function offsetsOf(ranges: ReadonlyMap<string, readonly PartitionRange[]>): Map<string, readonly number[]> {
  return new Map([...ranges].map(([name, partitions]) => [name, partitions.map(({ end }) => end)]));
}

/** Records that a group has still to go when it has come to a standstill. */
async function untilReached(behind: () => Promise<number>, now: () => number, signal: AbortSignal): Promise<number> {
  let left = await behind();
  for (let movedMs = now(); left > 0 && now() - movedMs < STANDSTILL_MS && !signal.aborted; ) {
    await sleep(POLL_MS);
    const before = left;
    left = await behind();
    if (left < before) movedMs = now();
  }
  return left;
}
