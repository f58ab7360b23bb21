import { type ClickHouse, openClickHouse } from '../../../../src/sinks/clickhouse/connect.ts';
import { optionsFor } from '../options.ts';
import { openSink, openStore } from '../sinkParts.ts';

/**
 * Stores ticks until it kills itself: after the insert of the batch whose number it was given, before the commit of its
 * positions.
 */
const [directory = '', killAt = ''] = process.argv.slice(2);
const clickhouse = await openClickHouse(optionsFor(directory));
let inserts = 0;
const deadly: ClickHouse = Object.assign(Object.create(clickhouse), {
  rows: <Row>(sql: string) => clickhouse.rows<Row>(sql),
  async insert(sql: string, body: Uint8Array) {
    await clickhouse.insert(sql, body);
    if (++inserts === Number(killAt)) process.kill(process.pid, 'SIGKILL');
  },
});
const store = await openStore(directory);
const sink = await openSink(store, deadly, { batchRows: 100 });
for (;;) await sink.step(0);
