import { compileEncoder } from '../../src/core/avro/encoder.ts';
import { parseRecordSchema } from '../../src/core/avro/parseSchema.ts';
import { ColumnsBuilder } from '../../src/core/columnsBuilder.ts';
import type { RecordBytes } from '../../src/log/log.ts';
import { quoteSchema } from '../../src/schemas.generated.ts';
import type { Surroundings } from './schedule.ts';

const QUOTE = parseRecordSchema(quoteSchema);

export interface TestQuote {
  readonly instrument: string;
  readonly eventTime: number;
  readonly bid: number;
}

/** Appends quotes to the topic `quotes`, each to the partition of its instrument. */
export async function appendQuotes(
  { log, registry, partitions }: Surroundings,
  quotes: readonly TestQuote[],
  partitionOf: (quote: TestQuote) => number,
): Promise<void> {
  await log.createTopic('quotes', { partitions, retentionMs: -1 });
  const id = await registry.register('quotes-value', QUOTE.text);
  const writer = await log.openWriter('test');
  const appends = Array.from({ length: partitions }, (_, partition) => {
    const own = quotes.filter((quote) => partitionOf(quote) === partition);
    return { topic: 'quotes', partition, records: encoded(own, id) };
  });
  await writer.commit({ appends: appends.filter(({ records }) => records.count > 0), positions: [] });
  await writer.close();
}

function encoded(quotes: readonly TestQuote[], schemaId: number): RecordBytes {
  const builder = new ColumnsBuilder(QUOTE);
  const keys: Buffer[] = [];
  const keyOffsets = new Int32Array(quotes.length + 1);
  for (const [i, { instrument, eventTime, bid }] of quotes.entries()) {
    builder.setText(builder.fieldIndex('instrument'), instrument);
    builder.setNumber(builder.fieldIndex('eventTime'), eventTime);
    builder.setNumber(builder.fieldIndex('bid'), bid);
    builder.setNumber(builder.fieldIndex('ask'), bid + 1);
    builder.endRow();
    const key = Buffer.from(instrument);
    keys.push(key);
    keyOffsets[i + 1] = (keyOffsets[i] as number) + key.length;
  }
  const values = compileEncoder(QUOTE).encode(builder.finish(), null, schemaId);
  return { count: quotes.length, keys: Buffer.concat(keys), keyOffsets, ...values };
}
