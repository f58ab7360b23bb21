import { parseRecordSchema } from '../../src/core/avro/parseSchema.ts';
import type { AvroRow } from '../../src/core/avro/row.ts';
import { RowView } from '../../src/core/avro/rowView.ts';
import type { Column } from '../../src/core/columns.ts';
import { ColumnsBuilder } from '../../src/core/columnsBuilder.ts';
import { KeyTable } from '../../src/core/keyTable.ts';
import { AggregateSlots } from '../../src/topology/aggregates/aggregateSlots.ts';
import { avroFieldOf } from '../../src/topology/aggregates/resultSchema.ts';
import type { Aggregate } from '../../src/topology/aggregates/spec.ts';
import type { Chunk, Shape } from '../../src/topology/elements.ts';
import { parseDecimal } from './oracle/decimal.ts';

const SIDES = ['buy', 'sell', 'none'] as const;

const RECORD = {
  type: 'record',
  name: 'Row',
  fields: [
    { name: 'eventTime', type: { type: 'long', logicalType: 'timestamp-micros' } },
    { name: 'sequence', type: ['null', 'long'] },
    { name: 'value', type: ['null', 'double'] },
    { name: 'size', type: ['null', 'double'] },
    { name: 'text', type: ['null', 'string'] },
    { name: 'flag', type: ['null', 'boolean'] },
    { name: 'side', type: ['null', { type: 'enum', name: 'Side', symbols: SIDES }] },
    { name: 'amount', type: ['null', { type: 'bytes', logicalType: 'decimal', precision: 76, scale: 2 }] },
  ],
} as const;

export type SlotRow = AvroRow<typeof RECORD>;

type Aggregates = Readonly<Record<string, Aggregate<never, unknown>>>;

/** The end of the window that every slot stands for. */
export const SLOT_END = 10;

/** Slots that there is room for from the start. */
const CAPACITY = 64;

const SCHEMA = parseRecordSchema(RECORD);
const SHAPE: Shape = {
  kind: 'shape',
  schema: SCHEMA,
  timeField: 'eventTime',
  sequenceField: 'sequence',
  keyField: null,
  origins: [],
  boundaries: [],
  steps: [],
  windows: null,
  result: null,
};

function unscaledOf(text: string, scale: number): bigint {
  const decimal = parseDecimal(text);
  return decimal.unscaled * 10n ** BigInt(scale - decimal.scale);
}

/** Rows as a chunk; the first is the record that arrived in place `firstArrival`. */
export function chunkOf(rows: readonly SlotRow[], firstArrival: number): Chunk {
  const builder = new ColumnsBuilder(SCHEMA);
  for (const row of rows) {
    builder.setNumber(0, row.eventTime);
    if (row.sequence !== null) builder.setNumber(1, row.sequence);
    if (row.value !== null) builder.setNumber(2, row.value);
    if (row.size !== null) builder.setNumber(3, row.size);
    if (row.text !== null) builder.setText(4, row.text);
    if (row.flag !== null) builder.setBoolean(5, row.flag);
    if (row.side !== null) builder.setCode(6, SIDES.indexOf(row.side));
    if (row.amount !== null) builder.setDecimal(7, unscaledOf(row.amount, 2));
    builder.endRow();
  }
  const arrivals = Float64Array.from(rows, (_, index) => firstArrival + index);
  return {
    kind: 'chunk',
    columns: builder.finish(),
    offsets: arrivals,
    arrivals,
    timesMicros: Float64Array.from(rows, ({ eventTime }) => eventTime),
    watermarks: null,
    watermarkAfter: Number.NEGATIVE_INFINITY,
    keys: null,
    keyIds: null,
  };
}

/** The slots of some aggregates, and what they hold as rows. */
export class SlotsDrive {
  readonly slots: AggregateSlots;
  readonly #schema;

  constructor(aggregates: Aggregates) {
    const outputs = Object.values(aggregates).map(({ group, output }) => ({ group, output }));
    this.slots = new AggregateSlots(outputs, SHAPE);
    const fields = Object.entries(aggregates).map(([name, { field }]) => avroFieldOf({ ...field(SHAPE), name }));
    this.merge(CAPACITY - 1, CAPACITY - 1);
    this.#schema = parseRecordSchema({ type: 'record', name: 'Result', fields });
  }

  /** Adds rows of a chunk, each to a slot. */
  add(chunk: Chunk, pairs: readonly (readonly [row: number, slot: number])[]): this {
    const rows = Int32Array.from(pairs, ([row]) => row);
    const slots = Int32Array.from(pairs, ([, slot]) => slot);
    this.slots.addPairs(chunk, rows, slots, pairs.length);
    return this;
  }

  merge(from: number, into: number): this {
    this.slots.merge(Int32Array.of(from), Int32Array.of(into));
    return this;
  }

  /** The results of a window whose panes are the given slots. */
  result(...panes: readonly number[]): Readonly<Record<string, unknown>> {
    return this.results([panes])[0] ?? {};
  }

  /** The results of windows that fire together, each with its panes. */
  results(windows: readonly (readonly number[])[]): Readonly<Record<string, unknown>>[] {
    const count = windows.length;
    const zeros = new Float64Array(count);
    const fired = {
      kind: 'fired',
      count,
      afterArrivals: zeros,
      definition: new Int32Array(count),
      startMicros: zeros,
      endMicros: new Float64Array(count).fill(SLOT_END),
      revisions: zeros,
      final: new Uint8Array(count).fill(1),
      deleted: new Uint8Array(count),
      keyIds: new Int32Array(count),
      panes: Int32Array.from(windows.flat()),
      paneEnds: Int32Array.from(windows, (_, w) => windows.slice(0, w + 1).flat().length),
      keys: new KeyTable(),
    } as const;
    const columns = this.slots.results(fired);
    const byName = new Map(this.#schema.fields.map(({ name }, index) => [name, columns[index] as Column]));
    const view = new RowView<Readonly<Record<string, unknown>>>(this.#schema);
    view.bind({ length: count, byName });
    return windows.map((_, w) => ({ ...view.at(w) }));
  }
}
