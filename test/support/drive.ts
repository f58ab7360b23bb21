import { parseRecordSchema } from '../../src/core/avro/parseSchema.ts';
import { RowWriter } from '../../src/core/avro/rowWriter.ts';
import type { Columns } from '../../src/core/columns.ts';
import { tickSchema } from '../../src/schemas.generated.ts';
import { type LateRow, TopologyTestDriver } from '../../src/topology/testDriver.ts';
import type { Topology } from '../../src/topology/topology.ts';

export interface TestTick {
  readonly instrument: string;
  readonly eventTime: number;
  readonly price: number;
  readonly size: number;
  readonly sequence: number | null;
}

export type ResultRow = Readonly<Record<string, unknown>>;

const TICK = parseRecordSchema(tickSchema);

/** Ticks as columns of the schema Tick. */
export function tickColumns(ticks: readonly TestTick[]): Columns {
  const writer = new RowWriter(TICK);
  for (const tick of ticks) writer.add({ ...tick });
  return writer.finish();
}

/** Feeds ticks to a topology with one output, and keeps all that comes out. */
export class Drive {
  readonly results: ResultRow[] = [];
  readonly late: LateRow[] = [];
  readonly #driver: TopologyTestDriver;

  constructor(topology: Topology) {
    this.#driver = new TopologyTestDriver(topology);
  }

  get outputs(): TopologyTestDriver['outputs'] {
    return this.#driver.outputs;
  }

  /** One chunk with all the ticks given. */
  feed(ticks: readonly TestTick[]): this {
    if (ticks.length > 0) this.#driver.feed('ticks', ticks);
    return this.#read();
  }

  flush(): this {
    this.#driver.flush();
    return this.#read();
  }

  #read(): this {
    for (const { name } of this.#driver.outputs) {
      this.results.push(...this.#driver.read<ResultRow>(name));
      this.late.push(...this.#driver.readLate(name));
    }
    return this;
  }
}
