import { TidemarkError } from '../../src/errors.ts';
import type { Log, PartitionRange } from '../../src/log/log.ts';
import type { SchemaRegistry } from '../../src/log/registry/registry.ts';
import { TopologyRunner, type TopologyRunnerOptions } from '../../src/runtime/topologyRunner.ts';
import type { Topology } from '../../src/topology/topology.ts';
import { runnerOptions } from '../support/tickStore.ts';
import { type Death, Killed, mortalLog } from './mortalLog.ts';

/** Where one record is read at a time, and processes die, one of 10,000 schedules takes some 4,000. */
const MOST_STEPS = 20_000;
const PROCESSES = 2;

export interface Surroundings {
  readonly log: Log;
  readonly registry: SchemaRegistry;
  readonly partitions: number;
}

/** What the next turn of a schedule does besides a step: each with its share of the turns. */
const EVENTS = [
  { share: 0.03, name: 'crash' },
  { share: 0.03, name: 'die' },
  { share: 0.03, name: 'move' },
  { share: 0.03, name: 'take' },
  { share: 0.02, name: 'finish' },
] as const;

/** A process that has tasks, or none. */
interface Process {
  runner: TopologyRunner;
  death: Death | null;
  /** Whether a live one had nothing left to read in its last step. */
  hasReadAll: boolean;
}

/**
 * A topology run by processes of which everything is random: how they cut what they read, when they commit and take snapshots, who
 * has which partition, and when they are killed. Undisturbed without randomness: one process, one chunk.
 */
export class Schedule {
  readonly topology: Topology;
  readonly #around: Surroundings;
  readonly #random: (() => number) | null;
  readonly #processes: Process[] = [];
  #standard: TopologyRunnerOptions | null = null;
  /** Which process has the task of each partition. */
  readonly #owners: number[];
  /** In a live run, for how long nothing has come wherever it is at the log's end. */
  #quietMs: number | null = null;

  constructor(topology: Topology, around: Surroundings, random: (() => number) | null) {
    this.topology = topology;
    this.#around = around;
    this.#random = random;
    this.#owners = new Array<number>(around.partitions).fill(0);
  }

  /**
   * Opens the processes, runs to the ends, flushes there and commits. Or runs live: takes all that there is, nothing having come
   * for so long when it is at the log's end, and commits.
   */
  async runTo(ends: readonly PartitionRange[], quietMs: number | null): Promise<void> {
    this.#quietMs = quietMs;
    for (let index = 0; index < PROCESSES; index++) await this.#replace(index);
    for (let isDone = false, turn = 0; !isDone; turn++) {
      if (turn > MOST_STEPS) throw new Error(`${this.topology.name} does not come to its end`);
      isDone = await this.#orDead(this.#pick(PROCESSES), async (index) => {
        await this.#disturb(index);
        await this.#step(index, ends);
        if (!this.#processes.every((process) => this.#isThrough(process))) return false;
        for (const each of this.#processes.keys()) {
          if (!(await this.#orDead(each, () => this.#conclude(each)))) return false;
        }
        return true;
      });
    }
  }

  async close(): Promise<void> {
    for (const { runner } of this.#processes) await runner.close();
  }

  async #step(index: number, ends: readonly PartitionRange[]): Promise<void> {
    const process = this.#process(index);
    if (this.#quietMs === null) await process.runner.step(0, ends);
    else process.hasReadAll = !(await process.runner.step(0));
  }

  #isThrough({ runner, hasReadAll }: Process): boolean {
    return this.#quietMs === null ? runner.haveFlushed : hasReadAll || runner.partitions.length === 0;
  }

  async #conclude(index: number): Promise<boolean> {
    const { runner } = this.#process(index);
    await (this.#chance(0.5) ? runner.finish() : runner.commit());
    return true;
  }

  /** False when the process died on the way; another one is in its place then. */
  async #orDead(index: number, act: (index: number) => Promise<boolean>): Promise<boolean> {
    try {
      return await act(index);
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
      await this.#replace(index);
      return false;
    }
  }

  async #disturb(index: number): Promise<void> {
    const process = this.#process(index);
    switch (this.#event()) {
      case 'crash':
        return this.#replace(index);
      case 'die':
        process.death = { transactionsLeft: this.#pick(4), isDone: this.#chance(0.5) };
        return;
      case 'finish':
        return process.runner.finish();
      case 'move':
        return this.#move(index, true);
      case 'take':
        return this.#move(index, false);
      case null:
        return;
    }
  }

  #event(): (typeof EVENTS)[number]['name'] | null {
    if (this.#random === null) return null;
    let place = this.#random();
    for (const { share, name } of EVENTS) {
      if (place < share) return name;
      place -= share;
    }
    return null;
  }

  /** Gives a partition to another process: by asking its owner, or behind its back. */
  async #move(from: number, isAsked: boolean): Promise<void> {
    const owner = this.#process(from).runner;
    const [partition] = owner.partitions;
    if (partition === undefined) return;
    const to = (from + 1) % PROCESSES;
    if (isAsked) {
      await owner.finish([partition]);
      await owner.drop([partition]);
    }
    this.#owners[partition] = to;
    this.#process(to).hasReadAll = false;
    await this.#process(to).runner.add([partition]);
    if (isAsked) return;
    // The owner that does not know yet goes on for a while, and can commit nothing.
    const fenced = await owner.commit([partition]).catch((error: unknown) => error);
    const isFenced = fenced instanceof TidemarkError && fenced.code === 'TM_LOG_FENCED';
    if (fenced !== undefined && !isFenced) throw fenced;
    await owner.drop([partition]);
  }

  async #replace(index: number): Promise<void> {
    await this.#processes[index]?.runner.close();
    this.#processes[index] = await this.#newProcess();
    await this.#own(index);
  }

  async #own(index: number): Promise<void> {
    const own = [...this.#owners.keys()].filter((partition) => this.#owners[partition] === index);
    if (own.length > 0) await this.#process(index).runner.add(own);
  }

  async #newProcess(): Promise<Process> {
    const { log, registry, partitions } = this.#around;
    const death = (): Death | null => process.death;
    this.#standard ??= await runnerOptions(log, registry, this.topology, partitions);
    const most = (records: number): number => (this.#random === null ? 1_000_000 : 1 + this.#pick(records));
    const maxBytes = 10_000_000;
    const runner = await TopologyRunner.open({
      ...this.#standard,
      log: mortalLog(log, death),
      readBounds: { maxRecords: most(40), maxBytes },
      commitBounds: { maxRecords: most(60), maxBytes, intervalMs: 1e9 },
      mergeBounds: { maxSkewMs: most(10_000), maxBufferedRecords: most(100) },
      maxRereadRecords: most(150),
      now: () => 0,
      idleTimeoutMs: 1,
      wallClockBounds: { wallClockAfterMs: 1, wallClockEveryMs: 1 },
      arrivals: { cameIn: () => {}, quietMs: () => this.#quietMs ?? 0 },
    });
    const process: Process = { runner, death: null, hasReadAll: false };
    return process;
  }

  #process(index: number): Process {
    return this.#processes[index] as Process;
  }

  /** A whole number from 0 on, below a bound. */
  #pick(bound: number): number {
    return this.#random === null ? 0 : Math.floor(this.#random() * bound);
  }

  #chance(share: number): boolean {
    return this.#random !== null && this.#random() < share;
  }
}
