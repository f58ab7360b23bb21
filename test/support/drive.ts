import { parseRecordSchema } from '../../src/core/avro/parseSchema.ts';
import { RowView } from '../../src/core/avro/rowView.ts';
import type { Columns } from '../../src/core/columns.ts';
import { ColumnsBuilder } from '../../src/core/columnsBuilder.ts';
import { tickSchema } from '../../src/schemas.generated.ts';
import { type Assembly, assemble } from '../../src/topology/assemble.ts';
import { type Chunk, type Element, type Late, NO_WATERMARK } from '../../src/topology/elements.ts';
import type { Topology } from '../../src/topology/topology.ts';

export interface TestTick {
  readonly instrument: string;
  readonly eventTime: number;
  readonly price: number;
  readonly size: number;
  readonly sequence: number | null;
}

export type ResultRow = Readonly<Record<string, unknown>>;

export interface LateRow {
  readonly offset: number;
  readonly intervals: string;
  readonly missedAll: boolean;
  readonly watermark: number;
}

const TICK = parseRecordSchema(tickSchema);

/** Ticks as columns of the schema Tick. */
export function tickColumns(ticks: readonly TestTick[]): Columns {
  const builder = new ColumnsBuilder(TICK);
  for (const { instrument, eventTime, price, size, sequence } of ticks) {
    builder.setText(builder.fieldIndex('instrument'), instrument);
    builder.setNumber(builder.fieldIndex('eventTime'), eventTime);
    builder.setNumber(builder.fieldIndex('price'), price);
    builder.setNumber(builder.fieldIndex('size'), size);
    if (sequence !== null) builder.setNumber(builder.fieldIndex('sequence'), sequence);
    builder.endRow();
  }
  return builder.finish();
}

/** Feeds ticks to a topology without a log, and collects what comes out. */
export class Drive {
  readonly results: ResultRow[] = [];
  readonly late: LateRow[] = [];
  readonly #assembly: Assembly;
  #offset = 0;

  constructor(topology: Topology) {
    this.#assembly = assemble({
      topology,
      params: topology.params,
      generation: 1,
      onElement: (output, element) => {
        if (element.kind === 'late') this.#addLate(element);
        if (element.kind !== 'chunk') return;
        const view = new RowView<ResultRow>(output.schema);
        view.bind(element.columns);
        for (let i = 0; i < element.columns.length; i++) this.results.push({ ...view.at(i) });
      },
    });
  }

  get outputs(): Assembly['outputs'] {
    return this.#assembly.outputs;
  }

  /** One chunk with all the ticks given. */
  feed(ticks: readonly TestTick[]): this {
    if (ticks.length > 0) this.#push(this.#chunkOf(ticks));
    return this;
  }

  flush(): this {
    this.#push({ kind: 'flush' });
    return this;
  }

  #push(element: Element): void {
    this.#assembly.push('ticks', element);
    while (this.#assembly.resume());
  }

  #chunkOf(ticks: readonly TestTick[]): Chunk {
    const offsets = Float64Array.from(ticks, () => this.#offset++);
    return {
      kind: 'chunk',
      columns: tickColumns(ticks),
      offsets,
      arrivals: offsets,
      timesMicros: Float64Array.from(ticks, ({ eventTime }) => eventTime),
      watermarks: null,
      watermarkAfter: NO_WATERMARK,
      keys: null,
      keyIds: null,
    };
  }

  #addLate(late: Late): void {
    for (let i = 0; i < late.count; i++) {
      this.late.push({
        offset: late.offsets[i] as number,
        intervals: late.intervals[i] as string,
        missedAll: late.missedAll[i] === 1,
        watermark: late.watermarks[i] as number,
      });
    }
  }
}
