import { generationTopic } from '../../core/output.ts';
import { TidemarkError } from '../../errors.ts';
import type { AssembledInput } from '../assemble.ts';
import type { Element, Origin } from '../elements.ts';
import { fromColumn } from '../watermarks/fromColumn.ts';
import type { Boundary } from './boundary.ts';
import { type Carried, carriedSchema, type RepartitionTopic } from './carried.ts';

/** A part of a topology: up to its boundaries, or from them on. */
export interface Stage {
  readonly number: 0 | 1;
  /** The task's, of so many. */
  readonly partition: number;
  readonly partitions: number;
  /** Of the first stage: takes what is to be written for the second. */
  readonly onCarried: (topic: RepartitionTopic, carried: Carried) => void;
}

/** A step that cuts the topology, as often as its stream is read. */
interface Cut {
  readonly topic: RepartitionTopic;
  readonly boundaries: readonly [Boundary, ...Boundary[]];
}

export interface StagesOptions {
  readonly topology: string;
  readonly generation: number;
  /** The one that is wanted; all, in one piece, without it. */
  readonly stage: Stage | undefined;
}

/** The stages of a topology, as its boundaries cut it. */
export class Stages {
  readonly #boundaries: readonly Boundary[];
  readonly #options: StagesOptions;
  readonly #ports = new Map<string, (element: Element) => void>();
  #cuts: readonly Cut[] = [];

  /** @param boundaries filled as the shapes of the inputs pass through the steps */
  constructor(boundaries: readonly Boundary[], options: StagesOptions) {
    this.#boundaries = boundaries;
    this.#options = options;
  }

  get topics(): readonly RepartitionTopic[] {
    return this.#cuts.map(({ topic }) => topic);
  }

  /**
   * Opens the boundaries, once all are known. Gives the inputs of the second stage, the sub-streams of its topics in their order;
   * null for another.
   * @throws TM_TOPOLOGY where two steps have one name
   */
  open(): readonly AssembledInput[] | null {
    const { stage } = this.#options;
    this.#cuts = this.#cutsOf();
    if (stage === undefined) return null;
    const { number, partition, partitions, onCarried } = stage;
    for (const { topic, boundaries } of this.#cuts) {
      boundaries.forEach((boundary, i) => {
        // The stream of a step that is read twice is written once.
        const carry = (carried: Carried): void => {
          if (i === 0) onCarried(topic, carried);
        };
        if (number === 0) boundary.writeFor({ partition, partitions, carry });
        else boundary.readFrom(partitions);
      });
    }
    return number === 0 ? null : this.#cuts.flatMap((cut) => this.#subStreams(cut, partitions));
  }

  /** Whether a stream of these origins is of the stage. @throws TM_TOPOLOGY where it is of both */
  holds(origins: readonly Origin[]): boolean {
    const { stage, topology } = this.#options;
    const behind = origins.filter(({ boundary }) => boundary !== undefined);
    if (behind.length > 0 && behind.length < origins.length) {
      throw new TidemarkError('TM_TOPOLOGY', 'a stream that was repartitioned meets one that was not', {
        where: `topology ${topology}`,
        hint: 'Rows meet in one task where all of them went to the partition of their key: repartition the other too.',
      });
    }
    return stage === undefined || behind.length > 0 === (stage.number === 1);
  }

  /** Pushes an element into an input of the second stage; false for another. */
  push(input: string, element: Element): boolean {
    this.#ports.get(input)?.(element);
    return this.#ports.size > 0;
  }

  rest(reached: readonly number[]): void {
    for (const { boundaries } of this.#cuts) for (const boundary of boundaries) boundary.rest(reached);
  }

  #cutsOf(): readonly Cut[] {
    const { topology, generation } = this.#options;
    const cuts = new Map<string, Cut>();
    for (const boundary of this.#boundaries) {
      const { name, field, step, shape } = boundary;
      const known = cuts.get(name);
      if (known !== undefined && known.boundaries[0].step !== step) throw sameName(name, topology);
      const topic = {
        topic: generationTopic(`${topology}.${name}-repartition`, generation),
        schema: carriedSchema(shape.schema),
        keyField: field,
      };
      cuts.set(name, { topic, boundaries: known === undefined ? [boundary] : [...known.boundaries, boundary] });
    }
    return [...cuts.values()];
  }

  #subStreams({ topic, boundaries }: Cut, partitions: number): AssembledInput[] {
    const [{ name, shape }] = boundaries;
    return Array.from({ length: partitions }, (_, upstream) => {
      const input = `${name}/${upstream}`;
      this.#ports.set(input, (element) => {
        for (const boundary of boundaries) boundary.receive(upstream, element);
      });
      const { timeField } = shape;
      const watermark = fromColumn('_watermark');
      return {
        name: input,
        topic: topic.topic,
        schema: topic.schema,
        timeField,
        sequenceField: null,
        watermark,
        upstream,
      };
    });
  }
}

function sameName(name: string, topology: string): TidemarkError {
  return new TidemarkError('TM_TOPOLOGY', `two steps repartition to the topic '${name}'`, {
    where: `topology ${topology}`,
    hint: "Name one of them: repartition('field', { name: '...' }).",
  });
}
