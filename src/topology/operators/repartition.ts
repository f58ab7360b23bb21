import { parseDurationMicros } from '../../core/time.ts';
import { TidemarkError } from '../../errors.ts';
import type { Element, Shape, Stream } from '../elements.ts';
import type { Boundary, Upstream } from '../stages/boundary.ts';
import { Reading } from '../stages/reading.ts';
import { Writing } from '../stages/writing.ts';
import { transform } from '../transform.ts';
import { checkKey, type Keyed, keyBy } from './keyBy.ts';

export interface Repartitioning {
  /** Names the topic `<topology>.<name>-repartition`; default the field. */
  readonly name?: string;
  /**
   * How far event time may move before a partition that gets no rows is told: windows that wait for it come so much later.
   * Default `1s`.
   */
  readonly watermarkEvery?: string;
}

const NAME = /^[A-Za-z][A-Za-z0-9_]{0,63}$/;

/**
 * Keys the rows by a field that is not the key of their topic, and brings those with one value together, from whichever partition
 * they came. They are written to a topic of their own, `<topology>.<name>-repartition`, each to the partition of its new key, and
 * read again by a second stage of the topology. The watermark goes with them: put `watermark` before it, and what is keyed or
 * windowed by the field after it.
 *
 * @example ticks.pipe(watermark(bounded(1_000)), repartition('instrument'), window([tumbling('1m')]), aggregate({ ticks: count() }))
 * @throws TM_TOPOLOGY when there is no such field or it is not a text that is always there, without `watermark` before it, behind
 * `window` or another `repartition`, and for a name that is not one; TM_DURATION
 */
export function repartition<const K extends string>(
  field: K,
  { name = field, watermarkEvery = '1s' }: Repartitioning = {},
): <Row extends { readonly [P in K]: string }>(source: Stream<Row>) => Stream<Keyed<Row, K>> {
  if (!NAME.test(name)) {
    throw new TidemarkError('TM_TOPOLOGY', `'${name}' is not a name for a repartition topic`, {
      hint: "Write repartition('field', { name: '...' }): a letter, then letters, digits and underscores.",
    });
  }
  const watermarkEveryMicros = parseDurationMicros(watermarkEvery);
  return <Row extends { readonly [P in K]: string }>(source: Stream<Row>) => {
    const options = { name, field, watermarkEveryMicros, step: {} };
    const crossed: Stream<Row> = transform(source, (emit) => {
      let crossing: Crossing | null = null;
      return (element) => {
        if (element.kind !== 'shape') {
          crossing?.take(element);
          return;
        }
        const shape = checked(element, field);
        crossing = new Crossing(options, shape, emit);
        element.boundaries.push(crossing);
        emit(shapeBehind(shape, options));
      };
    });
    return keyBy(field)(crossed);
  };
}

interface CrossingOptions {
  readonly name: string;
  readonly field: string;
  readonly watermarkEveryMicros: number;
  readonly step: object;
}

class Crossing implements Boundary {
  readonly name: string;
  readonly field: string;
  readonly step: object;
  readonly shape: Shape;
  readonly #watermarkEveryMicros: number;
  readonly #emit: (element: Element) => void;
  #writing: Writing | null = null;
  #reading: Reading | null = null;

  constructor(
    { name, field, watermarkEveryMicros, step }: CrossingOptions,
    shape: Shape,
    emit: (element: Element) => void,
  ) {
    this.name = name;
    this.field = field;
    this.step = step;
    this.shape = shape;
    this.#watermarkEveryMicros = watermarkEveryMicros;
    this.#emit = emit;
  }

  take(element: Element): void {
    if (this.#reading !== null) return;
    if (this.#writing === null || element.kind === 'late') this.#emit(element);
    else this.#writing.take(element);
  }

  writeFor(upstream: Upstream): void {
    const { shape, field } = this;
    this.#writing = new Writing({ ...upstream, shape, field, watermarkEveryMicros: this.#watermarkEveryMicros });
  }

  readFrom(partitions: number): void {
    this.#reading = new Reading(partitions, this.shape.schema, this.#emit);
  }

  receive(partition: number, element: Element): void {
    this.#reading?.take(partition, element);
  }

  rest(reached: readonly number[]): void {
    this.#writing?.rest(reached);
  }
}

/** @throws TM_TOPOLOGY for a stream that cannot cross */
function checked(shape: Shape, field: string): Shape {
  checkKey(field, shape.schema);
  const { windows, result, origins } = shape;
  const amiss =
    windows !== null || result !== null
      ? 'comes before window(...)'
      : origins.some(({ boundary }) => boundary !== undefined)
        ? 'cannot follow another'
        : origins.some(({ watermark }) => watermark === null)
          ? 'needs a watermark'
          : null;
  if (amiss === null) return shape;
  throw new TidemarkError('TM_TOPOLOGY', `repartition('${field}') ${amiss}`, {
    where: `schema ${shape.schema.name}`,
    hint: 'Write source.pipe(watermark(...), repartition(...), window(...), aggregate(...)).',
  });
}

function shapeBehind(shape: Shape, { name, field, watermarkEveryMicros }: CrossingOptions): Shape {
  return {
    ...shape,
    keyField: null,
    origins: shape.origins.map((origin) => ({ ...origin, boundary: name })),
    steps: [...shape.steps, `repartition ${name} ${field} ${watermarkEveryMicros}`],
  };
}
