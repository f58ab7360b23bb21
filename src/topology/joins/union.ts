import { gatherDoubles } from '../../core/gather.ts';
import { RowPool } from '../../core/rowPool.ts';
import { orderByTime } from '../../core/sortTimes.ts';
import { TidemarkError } from '../../errors.ts';
import type { Chunk, Element, Progress, Shape, Stream } from '../elements.ts';
import { type Batch, type TwoInputStep, twoInputs } from './twoInputs.ts';

/**
 * Two streams of the same rows as one, in the order in which the task took the records in. The watermark is the lower of
 * both; one that is set after the union follows the rows of both instead. Put `keyBy` after it: keys are forgotten. It keeps
 * nothing, so it has no bound.
 *
 * @example union(ticks.pipe(watermark(bounded(1_000))), ticks.pipe(watermark(bounded(5_000)))).pipe(keyBy('instrument'))
 * @throws TM_TOPOLOGY for streams whose fields differ
 */
export function union<Row>(first: Stream<Row>, second: Stream<Row>): Stream<Row> {
  return twoInputs(first, second, (emit) => new Union(emit));
}

class Union implements TwoInputStep {
  readonly keys = null;
  readonly waiting = 0;
  readonly nextMicros = Number.POSITIVE_INFINITY;
  readonly #emit: (element: Element) => void;
  #rows: RowPool | null = null;
  /** How many origins the first stream has: those of the second follow. */
  #firstOrigins = 0;

  constructor(emit: (element: Element) => void) {
    this.#emit = emit;
  }

  shape(first: Shape, second: Shape): Shape {
    const difference = differenceOf(first, second);
    if (difference !== null) {
      throw new TidemarkError('TM_TOPOLOGY', `union(...): the streams differ in ${difference}`, {
        hint: 'Both need the same fields, event time and no windows; select(...) gives a stream the fields of another.',
      });
    }
    this.#rows = new RowPool(first.schema.fields);
    this.#firstOrigins = first.origins.length;
    const steps = [...first.steps, `union (${second.steps.join('; ')})`];
    return { ...first, keyField: null, origins: [...first.origins, ...second.origins], isUnion: true, steps };
  }

  process({ left, right, steps, watermarkBefore }: Batch): void {
    const rows = this.#rows;
    if (rows === null) throw new RangeError('a chunk came before the shape');
    const chunks = [...left, ...right];
    const slots = joined(chunks, Int32Array, ({ columns }) =>
      rows.put(
        columns,
        Int32Array.from({ length: columns.length }, (_, row) => row),
      ),
    );
    const arrivals = joined(chunks, Float64Array, (chunk) => chunk.arrivals);
    const order = orderByTime(arrivals);
    const ordered = gatherDoubles(arrivals, order);
    const sources = joined(chunks, Float64Array, (chunk) => {
      const before = right.includes(chunk) ? this.#firstOrigins : 0;
      const { length } = chunk.columns;
      return chunk.sources?.map((source) => before + source) ?? new Float64Array(length).fill(before);
    });
    const hasWatermark = chunks.every(({ watermarks }) => watermarks !== null);
    this.#emit({
      kind: 'chunk',
      columns: rows.gather(order.map((at) => slots[at] as number)),
      sources: gatherDoubles(sources, order),
      offsets: gatherDoubles(
        joined(chunks, Float64Array, (chunk) => chunk.offsets),
        order,
      ),
      arrivals: ordered,
      timesMicros: gatherDoubles(
        joined(chunks, Float64Array, (chunk) => chunk.timesMicros),
        order,
      ),
      watermarks: hasWatermark ? watermarksBefore(ordered, steps, watermarkBefore) : null,
      watermarkAfter: steps.watermarks.at(-1) ?? watermarkBefore,
      progress: steps,
      keys: null,
      keyIds: null,
    });
    for (const slot of slots) rows.free(slot);
  }

  /** Nothing waits here. */
  flush(): void {}

  snapshot(): null {
    return null;
  }

  restore(): void {}
}

function joined<T extends Int32Array | Float64Array>(
  chunks: readonly Chunk[],
  type: new (length: number) => T,
  valuesOf: (chunk: Chunk) => T,
): T {
  const all = new type(chunks.reduce((sum, { columns }) => sum + columns.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    all.set(valuesOf(chunk), at);
    at += chunk.columns.length;
  }
  return all;
}

/** The watermark in force before each arrival. */
function watermarksBefore(arrivals: Float64Array, steps: Progress, before: number): Float64Array {
  let step = 0;
  let watermark = before;
  return arrivals.map((arrival) => {
    while (step < steps.arrivals.length && (steps.arrivals[step] as number) < Math.floor(arrival)) {
      watermark = steps.watermarks[step++] as number;
    }
    return watermark;
  });
}

/** What keeps two streams from being one; null when nothing does. */
function differenceOf(first: Shape, second: Shape): string | null {
  if (first.windows !== null || second.windows !== null || first.result !== null || second.result !== null) {
    return 'being windows or results';
  }
  if (first.timeField !== second.timeField) return `event time: ${first.timeField} and ${second.timeField}`;
  if (first.sequenceField !== second.sequenceField) return 'the field that breaks ties of event time';
  const fieldsOf = ({ schema }: Shape) => schema.fields.map((field) => JSON.stringify(field)).sort();
  const theirs = fieldsOf(second);
  const ours = fieldsOf(first);
  const at = ours.findIndex((field, i) => field !== theirs[i]);
  if (at === -1 && ours.length === theirs.length) return null;
  return `their fields: ${ours[at] ?? 'none'} and ${theirs[at] ?? 'none'}`;
}
