import type { Element, Shape } from '../elements.ts';
import type { Carried } from './carried.ts';

/** What the stage before a boundary has to know, to write for the next one. */
export interface Upstream {
  readonly partition: number;
  readonly partitions: number;
  readonly carry: (carried: Carried) => void;
}

/**
 * Where a topology is cut in two: the step that `repartition` is, once for each stream that is made of it. Without a side it
 * passes on what comes, as in a topology that runs in one piece.
 */
export interface Boundary {
  readonly name: string;
  readonly field: string;
  /** Equal for boundaries that are one step, whose stream has several readers. */
  readonly step: object;
  /** Of the rows that cross it. */
  readonly shape: Shape;
  /** From here on what comes is written for the next stage, and nothing is passed on. */
  writeFor(upstream: Upstream): void;
  /** From here on what comes is ignored: elements of upstream tasks are passed on instead. */
  readFrom(partitions: number): void;
  /** An element of one of the upstream tasks. */
  receive(partition: number, element: Element): void;
  /** Writes that there is nothing more, up to these offsets of the task's inputs. */
  rest(reached: readonly number[]): void;
}
