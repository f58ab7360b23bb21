import { rangesIfAny } from '../log/rangesIfAny.ts';
import {
  type Generation,
  type GenerationParts,
  type Generations,
  generationsTopic,
  readGenerations,
} from './generations.ts';

/** How often a running process looks whether another generation is live. */
const LOOK_MS = 1_000;

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
}

/** End of the record of generations; 0 while there is none. */
async function endOf({ log, topology }: GenerationParts): Promise<number> {
  const [range] = await rangesIfAny(log, generationsTopic(topology));
  return range?.end ?? 0;
}
