import { deserialize, serialize } from 'node:v8';
import { RowView } from '../core/avro/rowView.ts';
import { RowWriter } from '../core/avro/rowWriter.ts';
import type { Columns } from '../core/columns.ts';
import type { RecordSchema } from '../core/schema.ts';
import { checkEventTime, MICROS_PER_MS } from '../core/time.ts';
import { TidemarkError } from '../errors.ts';
import { type AssembledInput, type Assembly, assemble } from './assemble.ts';
import {
  type Chunk,
  type Element,
  END_OF_TIME,
  type Explain,
  type Late,
  NO_WATERMARK,
  newBarrier,
} from './elements.ts';
import { type Explanation, explanationOf, type WindowQuestion } from './explanation.ts';
import type { ParamValue, Topology } from './topology.ts';

/**
 * A row of the late ledger of a topology's output.
 *
 * @example const isLost = ({ missedAll }: LateRow): boolean => missedAll;
 */
export interface LateRow {
  readonly key: string;
  /** Event time, microseconds. */
  readonly eventTime: number;
  /** The topic that the record came in; several, comma-separated, behind a join of a union. */
  readonly topic: string;
  /** Place of the record among those that its input was fed, from 0. */
  readonly offset: number;
  /** The watermark that it met, microseconds. */
  readonly watermark: number;
  /** The windows that it missed, comma-separated, and whether those are all that it had. */
  readonly intervals: string;
  readonly missedAll: boolean;
}

/** What a driver keeps besides the state of the steps. */
interface Saved {
  readonly steps: readonly unknown[];
  readonly arrival: number;
  readonly fed: ReadonlyMap<string, number>;
  readonly quietMicros: number;
}

export interface TestDriverOptions {
  /** In place of the topology's own values. */
  readonly params?: Readonly<Record<string, ParamValue>>;
}

/** What has come out of an output and has not been read. */
interface Pending {
  readonly view: RowView<Readonly<Record<string, unknown>>>;
  chunks: Chunk[];
  late: Late[];
  explained: Explain | null;
}

/**
 * Runs a topology without a log, a clock or a timer: rows are fed by hand, the watermark is moved by hand where records
 * alone do not move it, and everything that comes out is kept until it is read. Several inputs are taken in as they are fed,
 * where a task would bring their records into one order first.
 *
 * @example
 * const barsOf = (built: Topology, ticks: readonly Tick[]): Bar[] => {
 *   const driver = new TopologyTestDriver(built);
 *   driver.feed('ticks', ticks).end();
 *   return driver.read<Bar>('bars');
 * };
 * @throws TM_TOPOLOGY when the topology's steps do not fit together
 */
export class TopologyTestDriver {
  readonly #assembly: Assembly;
  readonly #inputs: ReadonlyMap<string, { readonly input: AssembledInput; fed: number }>;
  readonly #outputs: ReadonlyMap<string, Pending>;
  #arrival = 0;
  /** By the wall clock as it was moved by hand, since rows were fed last. */
  #quietMicros = 0;

  constructor(topology: Topology, { params = {} }: TestDriverOptions = {}) {
    this.#assembly = assemble({
      topology,
      params,
      generation: 1,
      onElement: ({ name }, element) => this.#receive(name, element),
    });
    const { inputs, outputs } = this.#assembly;
    this.#inputs = new Map(inputs.map((input) => [input.name, { input, fed: 0 }] as const));
    this.#outputs = new Map(
      outputs.map(
        ({ name, schema }) => [name, { view: new RowView(schema), chunks: [], late: [], explained: null }] as const,
      ),
    );
  }

  /**
   * A driver that goes on where the one that gave the snapshot stood. What that one had not read is not part of it.
   *
   * @throws TM_TOPOLOGY when the topology's steps do not fit together
   */
  static restore(topology: Topology, snapshot: Uint8Array, options: TestDriverOptions = {}): TopologyTestDriver {
    const driver = new TopologyTestDriver(topology, options);
    const { steps, arrival, fed, quietMicros } = deserialize(snapshot) as Saved;
    driver.#assembly.restore(steps);
    driver.#arrival = arrival;
    driver.#quietMicros = quietMicros;
    for (const [name, input] of driver.#inputs) input.fed = fed.get(name) ?? 0;
    return driver;
  }

  /** The state of the steps, for `restore`. */
  snapshot(): Uint8Array {
    const fed = new Map(Array.from(this.#inputs, ([name, input]) => [name, input.fed]));
    const steps = this.#assembly.snapshot();
    return serialize({ steps, arrival: this.#arrival, fed, quietMicros: this.#quietMicros } satisfies Saved);
  }

  /** Names, topics, schemas and windows of the outputs. */
  get outputs(): Assembly['outputs'] {
    return this.#assembly.outputs;
  }

  /** Event time so far, microseconds; negative infinity before any. */
  get watermark(): number {
    const barrier = newBarrier();
    this.#push([...this.#inputs.keys()], barrier);
    return barrier.watermark;
  }

  /**
   * Feeds rows, or columns of the input's schema, as one chunk. A field that a row lacks is null.
   *
   * @throws TM_TOPOLOGY for an input that there is not, TM_COLUMN_KIND and TM_ROW_INCOMPLETE for rows that are not of its
   * schema, TM_VALUE_RANGE for an event time that is not a whole number of microseconds below 2^53
   */
  feed<Row extends object>(input: string, rows: readonly Row[] | Columns): this {
    const fed = this.#input(input);
    const columns = 'byName' in rows ? rows : columnsOf(rows, fed.input.schema);
    const time = columns.byName.get(fed.input.timeField);
    if (time?.kind !== 'long') {
      throw new TidemarkError('TM_COLUMN_KIND', `input '${input}' needs a column of longs '${fed.input.timeField}'`);
    }
    time.values.forEach((value, row) => {
      checkEventTime(value, `input ${input}, row ${row}`);
    });
    if (time.values.length > 0) this.#quietMicros = 0;
    const arrivals = Float64Array.from(time.values, () => this.#arrival++);
    this.#push([input], {
      kind: 'chunk',
      columns,
      offsets: Float64Array.from(time.values, () => fed.fed++),
      arrivals,
      timesMicros: time.values,
      watermarks: null,
      watermarkAfter: NO_WATERMARK,
      keys: null,
      keyIds: null,
    });
    return this;
  }

  /** Moves the watermark of an input, or of all: nothing at or before `tsMicros` is to come. One that goes back is ignored. */
  advanceWatermark(tsMicros: number, input?: string): this {
    return this.#tell({ kind: 'watermark', tsMicros }, input);
  }

  /**
   * Lets time pass on the wall clock without a record: the watermark goes as far beyond where the last record left it. A live run
   * does so, and records it, where something waits for the watermark (`topology.wallClockAfterMs` in the configuration).
   */
  moveWallClock(byMs: number): this {
    this.#quietMicros += byMs * MICROS_PER_MS;
    return this.#tell({ kind: 'wallClock', quietMicros: this.#quietMicros, tsMicros: NO_WATERMARK });
  }

  /** Tells that an input is idle, so that it holds back the watermark of no other, or active again. */
  setActive(input: string, isActive: boolean): this {
    return this.#tell({ kind: 'activity', isActive }, input);
  }

  /** Fires every open window whose contents changed since it last fired; the watermark stays. */
  flush(): this {
    return this.#tell({ kind: 'flush' });
  }

  /** Ends an input, or all: every window that is left is complete. */
  end(input?: string): this {
    return this.advanceWatermark(END_OF_TIME, input);
  }

  /** The rows that came out of an output since it was last read, in order. `Row` is the caller's word for their type. */
  read<Row = Readonly<Record<string, unknown>>>(output: string): Row[] {
    const { view } = this.#output(output);
    return this.readChunks(output).flatMap(({ columns }) => {
      view.bind(columns);
      return Array.from({ length: columns.length }, (_, row) => ({ ...view.at(row) }) as Row);
    });
  }

  /** The same as columns, as they came out; with each row the place of the record after which it did. */
  readChunks(output: string): readonly Chunk[] {
    const pending = this.#output(output);
    const { chunks } = pending;
    pending.chunks = [];
    return chunks;
  }

  /** The rows of an output's late ledger since it was last read, in order. */
  readLate(output: string): readonly LateRow[] {
    const pending = this.#output(output);
    const { late } = pending;
    pending.late = [];
    const topics = Array.from(this.#inputs.values(), ({ input }) => input.topic).join(',');
    return late.flatMap((each) => lateRows(each, topics));
  }

  /**
   * Why a window of a key has not closed, or has: where the watermark is, which input holds it back, and when the window
   * completes and expires. Nothing changes.
   *
   * @throws TM_TOPOLOGY for an output or interval that there is not, TM_VALUE_RANGE for an instant that is no event time
   */
  explain(output: string, question: WindowQuestion): Explanation {
    const pending = this.#output(output);
    const { interval, atMicros } = question;
    const key = new TextEncoder().encode(question.key);
    this.#tell({ kind: 'explain', key, interval, atMicros, progress: [], waiting: 0, answer: null });
    const { explained } = pending;
    pending.explained = null;
    if (explained === null) throw new RangeError(`output ${output} has no windows`);
    return explanationOf(question, explained);
  }

  #tell(element: Element, input?: string): this {
    this.#push(input === undefined ? [...this.#inputs.keys()] : [this.#input(input).input.name], element);
    return this;
  }

  /** Long firings are broken off: a driver has nobody to give way to, so it goes on at once. */
  #push(inputs: readonly string[], element: Element): void {
    for (const input of inputs) this.#assembly.push(input, element);
    while (this.#assembly.resume());
  }

  #receive(output: string, element: Element): void {
    if (element.kind === 'chunk') this.#output(output).chunks.push(element);
    if (element.kind === 'late') this.#output(output).late.push(element);
    if (element.kind === 'explain') this.#output(output).explained = element;
  }

  #input(name: string) {
    return this.#inputs.get(name) ?? fail('input', name, this.#inputs);
  }

  #output(name: string): Pending {
    return this.#outputs.get(name) ?? fail('output', name, this.#outputs);
  }
}

function fail(what: string, name: string, known: ReadonlyMap<string, unknown>): never {
  throw new TidemarkError('TM_TOPOLOGY', `the topology has no ${what} '${name}'`, {
    hint: `It has: ${[...known.keys()].join(', ')}.`,
  });
}

function columnsOf(rows: readonly object[], schema: RecordSchema): Columns {
  const writer = new RowWriter(schema);
  for (const row of rows) writer.add(row as Readonly<Record<string, unknown>>);
  return writer.finish();
}

function lateRows(late: Late, allTopics: string): LateRow[] {
  const decoder = new TextDecoder();
  return Array.from({ length: late.count }, (_, i) => ({
    key: decoder.decode(late.keys[i]),
    eventTime: late.timesMicros[i] as number,
    topic: late.topics?.[i] ?? allTopics,
    offset: late.offsets[i] as number,
    watermark: late.watermarks[i] as number,
    intervals: late.intervals[i] as string,
    missedAll: late.missedAll[i] === 1,
  }));
}
