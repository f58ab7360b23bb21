import { TidemarkError } from '../../errors.ts';
import { NO_WATERMARK, type Operator, type Shape } from '../elements.ts';
import { transform } from '../transform.ts';
import { checkStrategy, type WatermarkStrategy, watermarkPath } from './strategy.ts';

/**
 * Gives each record the watermark in force before it. The watermark moves per record and never backwards; a watermark
 * element from outside counts too.
 *
 * @example watermark(bounded(1_000))
 * @throws TM_TOPOLOGY on a stream of results (a topology has one level of windows so far), and for a field that the strategy names
 * and the stream does not have
 */
export function watermark<Row>(strategy: WatermarkStrategy): Operator<Row, Row> {
  return (source) =>
    transform(source, (emit) => {
      let current = NO_WATERMARK;
      return (element) => {
        switch (element.kind) {
          case 'shape':
            return emit(followed(element, strategy));
          case 'chunk': {
            const path = watermarkPath(element, strategy, current);
            const count = element.columns.length;
            current = path[count] as number;
            return emit({
              ...element,
              watermarks: path.subarray(0, count),
              watermarkAfter: current,
              progress: { arrivals: element.arrivals, watermarks: path.subarray(1) },
            });
          }
          case 'watermark':
            current = Math.max(current, element.tsMicros);
            break;
          case 'barrier':
            element.watermark = current;
            break;
          case 'snapshot':
            element.parts.push(current);
            break;
          case 'restore':
            current = element.parts.shift() as number;
            break;
        }
        emit(element);
      };
    });
}

function followed(shape: Shape, strategy: WatermarkStrategy): Shape {
  if (shape.result !== null) {
    throw new TidemarkError('TM_TOPOLOGY', 'watermark(...) cannot follow aggregate(...)', {
      hint: 'Write the results to their topic and start another topology from it.',
    });
  }
  checkStrategy(strategy, shape.schema);
  const { field, delayMicros } = strategy;
  const step = field === null ? `watermark ${delayMicros}` : `watermark ${field} ${delayMicros}`;
  const origins = shape.origins.map((origin) => ({ ...origin, watermark: origin.watermark ?? strategy }));
  return { ...shape, origins, steps: [...shape.steps, step] };
}
