import {
  aggregate,
  bounded,
  count,
  keyBy,
  ohlcv,
  type Topology,
  topology,
  type WindowDefinition,
  watermark,
  window,
} from '../../src/index.ts';

/** A topology of ticks by instrument in these windows, with one output, `windowed`: their bars and counts. */
export function windowedTicks(
  definitions: readonly WindowDefinition[],
  outOfOrdernessMs: number,
  behaviour: Parameters<typeof window>[1],
): Topology {
  return topology({
    name: 'windowed',
    version: 1,
    inputs: { ticks: 'ticks' },
    build: ({ ticks }) => ({
      windowed: ticks.pipe(
        watermark(bounded(outOfOrdernessMs)),
        keyBy('instrument'),
        window(definitions, behaviour),
        aggregate({ ...ohlcv('price', 'size'), count: count() }),
      ),
    }),
  });
}
