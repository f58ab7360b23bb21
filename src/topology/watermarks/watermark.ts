import { TidemarkError } from '../../errors.ts';
import { type Chunk, type Explain, type InputProgress, NO_WATERMARK, type Operator, type Shape } from '../elements.ts';
import { transform } from '../transform.ts';
import { checkStrategy, type WatermarkStrategy, watermarkPath } from './strategy.ts';

type RaisedBy = InputProgress['raisedBy'];

interface Saved {
  readonly current: number;
  readonly byRecords: number;
  readonly raisedBy: RaisedBy;
}

/**
 * Gives each record the watermark in force before it. The watermark moves per record and never backwards; a watermark
 * from outside counts too, and in a live run the wall clock, where no record has come for a while.
 *
 * @example watermark(bounded(1_000))
 * @throws TM_TOPOLOGY on a stream of results (a topology has one level of windows so far), and for a field that the strategy names
 * and the stream does not have
 */
export function watermark<Row>(strategy: WatermarkStrategy): Operator<Row, Row> {
  return (source) =>
    transform(source, (emit) => {
      let current = NO_WATERMARK;
      // Where the wall clock begins; it may have moved the watermark itself further.
      let byRecords = NO_WATERMARK;
      let raisedBy: RaisedBy = null;
      let inputs: readonly string[] = [];
      return (element) => {
        switch (element.kind) {
          case 'shape':
            inputs = element.origins.map(({ input }) => input);
            return emit(followed(element, strategy));
          case 'chunk': {
            const count = element.columns.length;
            const ownPath = watermarkPath(element, strategy, byRecords);
            const path = current > byRecords ? watermarkPath(element, strategy, current) : ownPath;
            byRecords = ownPath[count] as number;
            raisedBy = raisedIn(element, path) ?? raisedBy;
            current = path[count] as number;
            return emit({
              ...element,
              watermarks: path.subarray(0, count),
              watermarkAfter: current,
              progress: { arrivals: element.arrivals, watermarks: path.subarray(1) },
            });
          }
          case 'watermark':
            if (element.tsMicros > current) raisedBy = null;
            current = Math.max(current, element.tsMicros);
            byRecords = Math.max(byRecords, element.tsMicros);
            break;
          case 'wallClock':
            current = Math.max(current, byRecords + element.quietMicros);
            return emit({ ...element, tsMicros: current });
          case 'barrier':
            element.watermark = current;
            element.recordWatermark = byRecords;
            break;
          case 'explain':
            return emit(withProgress(element, inputs, { current, byRecords, raisedBy }));
          case 'snapshot':
            element.parts.push({ current, byRecords, raisedBy } satisfies Saved);
            break;
          case 'restore':
            ({ current, byRecords, raisedBy } = element.parts.shift() as Saved);
            break;
        }
        emit(element);
      };
    });
}

/** The record of a chunk that raised the watermark last. The path never goes back, so that is found by halving. */
function raisedIn({ arrivals, timesMicros }: Chunk, path: Float64Array): RaisedBy {
  let low = 0;
  let high = path.length - 1;
  const reached = path[high] as number;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (path[middle] === reached) high = middle;
    else low = middle + 1;
  }
  if (low === 0) return null;
  return { arrival: arrivals[low - 1] as number, eventTimeMicros: timesMicros[low - 1] as number };
}

/** This step's progress in place of that of earlier steps over the same inputs: what follows goes by this one alone. */
function withProgress(explain: Explain, inputs: readonly string[], { current, byRecords, raisedBy }: Saved): Explain {
  const others = explain.progress.filter((earlier) => !earlier.inputs.every((input) => inputs.includes(input)));
  const clockMicros = current === byRecords ? 0 : current - byRecords;
  return {
    ...explain,
    progress: [...others, { inputs, watermarkMicros: current, raisedBy, clockMicros, isIdle: false }],
  };
}

function followed(shape: Shape, strategy: WatermarkStrategy): Shape {
  if (shape.result !== null) {
    throw new TidemarkError('TM_TOPOLOGY', 'watermark(...) cannot follow aggregate(...)', {
      hint: 'Write the results to their topic and start another topology from it.',
    });
  }
  if (shape.origins.some(({ boundary }) => boundary !== undefined)) {
    throw new TidemarkError('TM_TOPOLOGY', 'watermark(...) cannot follow repartition(...)', {
      hint: 'The rows bring the watermark with them: put watermark(...) before repartition(...) only.',
    });
  }
  checkStrategy(strategy, shape.schema);
  const { field, delayMicros } = strategy;
  const step = field === null ? `watermark ${delayMicros}` : `watermark ${field} ${delayMicros}`;
  const origins = shape.origins.map((origin) => ({ ...origin, watermark: origin.watermark ?? strategy }));
  return { ...shape, origins, steps: [...shape.steps, step] };
}
