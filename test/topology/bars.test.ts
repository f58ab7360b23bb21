import { describe, expect, expectTypeOf, it } from 'vitest';
import { parseRecordSchema } from '../../src/core/avro/parseSchema.ts';
import {
  aggregate,
  type Bar,
  bounded,
  count,
  keyBy,
  ohlcv,
  type Stream,
  type Tick,
  tumbling,
  watermark,
  window,
} from '../../src/index.ts';
import { barSchema } from '../../src/schemas.generated.ts';
import bars from '../../src/topology/bars.ts';
import { Drive } from '../support/drive.ts';

describe('the packaged bars topology', () => {
  it('emits rows of schemas/avro/bar.avsc', () => {
    const [output] = new Drive(bars).outputs;
    expect(output?.schema.fields).toEqual(parseRecordSchema(barSchema).fields);
    expect(output).toMatchObject({ topology: 'bars', name: 'bars', topic: 'bars', keyField: 'instrument' });
  });

  it('has a result type that is the type of a bar', () => {
    const built = (ticks: Stream<Tick>) =>
      ticks.pipe(
        watermark(bounded(1_000)),
        keyBy('instrument'),
        window([tumbling('1m')]),
        aggregate({ ...ohlcv('price', 'size'), count: count() }),
      );
    type RowOf<S> = S extends Stream<infer Row> ? Row : never;
    expectTypeOf<RowOf<ReturnType<typeof built>>>().toExtend<Bar>();
    expectTypeOf<Bar>().toExtend<RowOf<ReturnType<typeof built>>>();
  });
});
