import { RowView } from '../../src/core/avro/rowView.ts';
import type { Columns } from '../../src/core/columns.ts';
import type { OutputSpec } from '../../src/core/output.ts';
import { type Assembly, assemble } from '../../src/topology/assemble.ts';
import type { Chunk, Late } from '../../src/topology/elements.ts';
import { InputMerge } from '../../src/topology/inputs/merge.ts';
import { type Case, topologyOf } from './cases.ts';
import type { Contender } from './contender.ts';
import { type Outcome, OutcomeSum } from './outcome.ts';
import { CHUNK_RECORDS, chunksOf, quoteChunksOf, type Work } from './workload.ts';

/** The inputs, in the order in which the topology declares them. */
const INPUTS = ['ticks', 'quotes'] as const;
/** How far one input is read ahead of the other is up to who offers them here. */
const UNBOUNDED = { maxSkewMs: Number.MAX_SAFE_INTEGER, maxBufferedRecords: Number.MAX_SAFE_INTEGER };

type Row = Readonly<Record<string, unknown>>;

/** The engine, driven as a task drives it: chunks of columns in, columns of results out. */
export class Engine implements Contender {
  readonly #chunks: readonly Chunk[];
  /** Where there are quotes: they and the ticks are merged, as a task does it. */
  readonly #quotes: readonly Chunk[];
  readonly #merge: InputMerge | null;
  readonly #assembly: Assembly;
  readonly #view: RowView<Row>;
  readonly #fields: readonly string[];
  readonly #sum = new OutcomeSum();
  #results: Chunk[] = [];
  #late: Late[] = [];

  constructor(job: Case, { ticks, quotes }: Work) {
    this.#chunks = chunksOf(ticks);
    this.#quotes = quotes === null ? [] : quoteChunksOf(quotes);
    const topology = topologyOf(job);
    this.#assembly = assemble({
      topology,
      params: topology.params,
      generation: 1,
      onElement: (_output, element) => {
        if (element.kind === 'chunk') this.#results.push(element);
        else if (element.kind === 'late') this.#late.push(element);
      },
    });
    const strategies = this.#assembly.inputs.map((input) => input.watermark);
    this.#merge = quotes === null ? null : new InputMerge(strategies, UNBOUNDED);
    const [output] = this.#assembly.outputs as readonly [OutputSpec];
    this.#view = new RowView<Row>(output.schema);
    this.#fields = output.schema.fields.map(({ name }) => name);
  }

  get chunks(): number {
    return this.#chunks.length;
  }

  get outcome(): Outcome {
    return this.#sum.outcome;
  }

  prepare(): void {}

  push(chunk: number): boolean {
    const ticks = this.#chunks[chunk] as Chunk;
    if (this.#merge === null) {
      this.#assembly.push('ticks', ticks);
    } else {
      this.#merge.offer(0, ticks);
      this.#merge.offer(1, this.#quotes[chunk] as Chunk);
      if (chunk === this.chunks - 1) for (const input of INPUTS.keys()) this.#merge.end(input);
    }
    return this.resume();
  }

  resume(): boolean {
    if (this.#assembly.resume()) return true;
    const parts = this.#merge?.next(CHUNK_RECORDS) ?? null;
    if (parts === null) return false;
    for (const { input, element } of parts) this.#assembly.push(INPUTS[input] as string, element);
    return true;
  }

  fold(withTexts: boolean): void {
    for (const { columns } of this.#results) {
      this.#sum.rows += columns.length;
      for (const count of countsOf(columns)) this.#sum.ticks += count;
      if (withTexts) this.#addTexts(columns);
    }
    for (const { intervals } of this.#late) {
      for (const missed of intervals) this.#sum.late += missed.split(',').length;
    }
    this.#results = [];
    this.#late = [];
  }

  #addTexts(columns: Columns): void {
    this.#view.bind(columns);
    for (let i = 0; i < columns.length; i++) this.#sum.addText(rowText(this.#view.at(i), this.#fields));
  }
}

function countsOf({ byName }: Columns): Float64Array {
  const counts = byName.get('count');
  if (counts?.kind !== 'long') throw new Error('a row has no count');
  return counts.values;
}

function rowText(row: Row, fields: readonly string[]): string {
  return fields.map((field) => String(row[field])).join(' ');
}
