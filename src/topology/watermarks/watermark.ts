import { TidemarkError } from '../../errors.ts';
import { type Chunk, NO_WATERMARK, type Operator } from '../elements.ts';
import { transform } from '../transform.ts';
import type { WatermarkStrategy } from './bounded.ts';

/**
 * Gives each record the watermark in force before it. The watermark moves per record and never backwards; a watermark
 * element from outside counts too.
 *
 * @example watermark(bounded(1_000))
 * @throws TM_TOPOLOGY on a stream of results: a topology has one level of windows so far
 */
export function watermark<Row>({ delayMicros }: WatermarkStrategy): Operator<Row, Row> {
  return (source) =>
    transform(source, (emit) => {
      let current = NO_WATERMARK;
      return (element) => {
        if (element.kind === 'chunk') {
          const watermarks = new Float64Array(element.columns.length);
          current = follow(element, watermarks, current, delayMicros);
          emit({ ...element, watermarks, watermarkAfter: current });
          return;
        }
        if (element.kind === 'watermark') current = Math.max(current, element.tsMicros);
        if (element.kind === 'barrier') element.watermark = current;
        if (element.kind !== 'shape') return emit(element);
        if (element.result !== null) {
          throw new TidemarkError('TM_TOPOLOGY', 'watermark(...) cannot follow aggregate(...)', {
            hint: 'Write the results to their topic and start another topology from it.',
          });
        }
        emit({ ...element, steps: [...element.steps, `watermark ${delayMicros}`] });
      };
    });
}

/** Fills the watermarks before each record; returns the one after the last. */
function follow({ timesMicros }: Chunk, watermarks: Float64Array, before: number, delayMicros: number): number {
  let current = before;
  for (let i = 0; i < watermarks.length; i++) {
    watermarks[i] = current;
    const reached = (timesMicros[i] as number) - delayMicros;
    if (reached > current) current = reached;
  }
  return current;
}
