import { setTimeout as sleep } from 'node:timers/promises';
import { generationTopic } from '../core/output.ts';
import { TidemarkError } from '../errors.ts';
import type { Log, Membership, PartitionOwner, PartitionRange } from '../log/log.ts';
import type { HandOver } from './generations.ts';
import { tasksBehind } from './positions.ts';
import { type RunnerTotals, TopologyRunner, type TopologyRunnerOptions } from './topologyRunner.ts';

/** How often a process that waits for others looks how far they are, and whether the log is still there. */
const LOOK_MS = 500;
/** How long a fenced task may wait to be told that its partition is another's: a heartbeat, and some patience. */
const FENCED_WAIT_MS = 15_000;
const FENCED_POLL_MS = 50;

/** What this process does of a topology. */
export interface TopologyShare {
  readonly topology: string;
  /** The partitions whose tasks it runs. */
  readonly partitions: readonly number[];
  /** How many there are. */
  readonly of: number;
}

export interface OwnedTasksOptions extends TopologyRunnerOptions {
  /** Told when the share has changed. */
  readonly onShare?: (share: TopologyShare) => void;
  /** Whether tasks were fenced because another generation goes on in their place. */
  readonly isTurnOver?: () => Promise<boolean>;
}

/** Opens and closes tasks as their partitions come and go. */
class TaskOwner implements PartitionOwner {
  readonly #runner: TopologyRunner;
  readonly #onShared: () => void;
  /** Whether the group has given this process its part for the first time. */
  isMember = false;
  /** How often partitions were lost. */
  losses = 0;

  constructor(runner: TopologyRunner, onShared: () => void) {
    this.#runner = runner;
    this.#onShared = onShared;
  }

  async assigned(partitions: readonly number[]): Promise<void> {
    this.isMember = true;
    if (partitions.length > 0) await this.#runner.add(partitions);
    this.#onShared();
  }

  async revoked(partitions: readonly number[]): Promise<void> {
    await this.#runner.finish(partitions).catch((error: unknown) => {
      // Somebody has taken over already; nothing of this is to be committed.
      if (!isFenced(error)) throw error;
    });
    await this.#runner.drop(partitions);
    this.#onShared();
  }

  async lost(partitions: readonly number[]): Promise<void> {
    this.losses++;
    await this.#runner.drop(partitions);
    this.#onShared();
  }
}

/**
 * The tasks of a topology that are this process's: those of the partitions that it has as a member of the topology's group.
 * State moves with a task through the log: by a snapshot, and the records since.
 */
export class OwnedTasks {
  readonly #log: Log;
  readonly #group: string;
  readonly #inputTopic: string;
  readonly #runner: TopologyRunner;
  readonly #owner: TaskOwner;
  readonly #membership: Membership;
  readonly #isTurnOver: () => Promise<boolean>;
  #lookedMs = Number.NEGATIVE_INFINITY;

  private constructor(
    { log, topology, generation, isTurnOver = async () => false }: OwnedTasksOptions,
    inputTopic: string,
    runner: TopologyRunner,
    owner: TaskOwner,
    membership: Membership,
  ) {
    this.#log = log;
    this.#group = generationTopic(topology.name, generation);
    this.#isTurnOver = isTurnOver;
    this.#inputTopic = inputTopic;
    this.#runner = runner;
    this.#owner = owner;
    this.#membership = membership;
  }

  /** @throws what `TopologyRunner.open` and `Log.join` throw */
  static async join(options: OwnedTasksOptions, inputTopic: string): Promise<OwnedTasks> {
    const runner = await TopologyRunner.open(options);
    const { log, onShare } = options;
    const topology = options.topology.name;
    const owner = new TaskOwner(runner, () =>
      onShare?.({ topology, partitions: runner.partitions, of: runner.inputPartitions }),
    );
    const membership = await log.join(generationTopic(topology, options.generation), inputTopic, owner);
    return new OwnedTasks(options, inputTopic, runner, owner, membership);
  }

  get totals(): RunnerTotals {
    return this.#runner.totals;
  }

  /** Takes in what has changed in the group, then processes one chunk. Given ends, tasks flush as they reach them. */
  async step(waitMs: number, ends: readonly PartitionRange[] | null): Promise<void> {
    await this.#membership.poll();
    if (this.#runner.partitions.length === 0) return this.#wait(waitMs);
    try {
      await this.#runner.step(waitMs, ends);
    } catch (error) {
      if (!isFenced(error) || !(await this.#haveBeenLost())) throw error;
    }
  }

  /** Whether the group has come to these ends: this process's tasks, flushed and committed, and those of the others. */
  async reached(ends: readonly PartitionRange[]): Promise<boolean> {
    if (!this.#owner.isMember || !this.#runner.haveFlushed) return false;
    await this.#runner.commit();
    if (!this.#isTimeToLook() || (await tasksBehind(this.#log, this.#group, ends)) > 0) return false;
    // What all tasks have written for the next stage is there now: has it been taken in too?
    const between = await Promise.all(this.#runner.repartitions.map(({ topic }) => this.#log.ranges(topic)));
    return (await tasksBehind(this.#log, this.#group, between.flat())) === 0;
  }

  /** Whether every task of this process has taken over from its base. */
  hasTakenOver(handOvers: readonly HandOver[]): boolean {
    return this.#owner.isMember && this.#runner.hasTakenOver(handOvers);
  }

  /** Commits, and takes snapshots, so that whoever goes on reads nothing again. */
  finish(): Promise<void> {
    return this.#runner.finish();
  }

  /** Leaves the partitions to other members. What was not committed is theirs to do. */
  async close(): Promise<void> {
    await this.#runner.close();
    await this.#membership.close();
  }

  async #wait(waitMs: number): Promise<void> {
    await sleep(waitMs);
    // Without a task nothing else would tell that the log does not answer.
    if (this.#isTimeToLook()) await this.#log.ranges(this.#inputTopic);
  }

  #isTimeToLook(): boolean {
    const nowMs = performance.now();
    if (nowMs - this.#lookedMs < LOOK_MS) return false;
    this.#lookedMs = nowMs;
    return true;
  }

  /** A process that stood still for too long is fenced first and told of its loss after. */
  async #haveBeenLost(): Promise<boolean> {
    const before = this.#owner.losses;
    const startedMs = performance.now();
    while (this.#owner.losses === before) {
      if (performance.now() - startedMs >= FENCED_WAIT_MS || (await this.#isTurnOver())) return false;
      await sleep(FENCED_POLL_MS);
      await this.#membership.poll();
    }
    return true;
  }
}

function isFenced(error: unknown): boolean {
  return error instanceof TidemarkError && error.code === 'TM_LOG_FENCED';
}
