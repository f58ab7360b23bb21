import { setTimeout as sleep } from 'node:timers/promises';
import { TidemarkError } from '../errors.ts';
import type { PartitionRange } from '../log/log.ts';
import {
  type Generation,
  type GenerationParts,
  type Generations,
  generationsTopic,
  readGenerations,
} from './generations.ts';

/** How often a running process looks whether another generation is live. */
const LOOK_MS = 1_000;
/** How soon a swap follows the fencing of the tasks that it takes over from. */
const SWAP_WITHIN_MS = 10_000;
const POLL_MS = 100;

/** What a process knows of a topology's generations, looked up now and then. */
export class GenerationWatch {
  readonly #parts: GenerationParts;
  readonly #now: () => number;
  #known: Generations;
  #end: number;
  #lookedMs: number;

  private constructor(parts: GenerationParts, now: () => number, known: Generations, end: number) {
    this.#parts = parts;
    this.#now = now;
    this.#known = known;
    this.#end = end;
    this.#lookedMs = now();
  }

  static async open(parts: GenerationParts, now: () => number): Promise<GenerationWatch> {
    const end = await endOf(parts);
    return new GenerationWatch(parts, now, await readGenerations(parts), end);
  }

  get known(): Generations {
    return this.#known;
  }

  get(number: number): Generation {
    const generation = this.#known.all.find((each) => each.number === number);
    if (generation === undefined) throw new RangeError(`${this.#parts.topology} has no generation ${number}`);
    return generation;
  }

  /** Looks again when the last look was a while ago. */
  async look(): Promise<void> {
    if (this.#now() - this.#lookedMs >= LOOK_MS) await this.lookNow();
  }

  async lookNow(): Promise<void> {
    this.#lookedMs = this.#now();
    const end = await endOf(this.#parts);
    if (end === this.#end) return;
    this.#known = await readGenerations(this.#parts);
    this.#end = end;
  }

  /** Whether another generation than this one is live, or is about to be: its tasks have just been fenced. */
  async isTakenOver(number: number): Promise<boolean> {
    const deadline = this.#now() + SWAP_WITHIN_MS;
    for (;;) {
      await this.lookNow();
      if (this.#known.live !== number) return true;
      if (this.#now() >= deadline) return false;
      await sleep(POLL_MS);
    }
  }
}

/** End of the record of generations; 0 while there is none. */
async function endOf({ log, topology }: GenerationParts): Promise<number> {
  try {
    const ranges: readonly PartitionRange[] = await log.ranges(generationsTopic(topology));
    return ranges[0]?.end ?? 0;
  } catch (error) {
    if (error instanceof TidemarkError && error.code === 'TM_TOPIC_UNKNOWN') return 0;
    throw error;
  }
}
