import { RowView } from '../../src/core/avro/rowView.ts';
import type { OutputSpec } from '../../src/core/output.ts';
import { type Assembly, assemble } from '../../src/topology/assemble.ts';
import type { Chunk, Late } from '../../src/topology/elements.ts';
import { type Case, topologyOf } from './cases.ts';
import type { Contender } from './contender.ts';
import { type Outcome, OutcomeSum } from './outcome.ts';
import { chunksOf, type Ticks } from './workload.ts';

type Row = Readonly<Record<string, unknown>>;

/** The engine, driven as a task drives it: chunks of columns in, columns of results out. */
export class Engine implements Contender {
  readonly #chunks: readonly Chunk[];
  readonly #assembly: Assembly;
  readonly #view: RowView<Row>;
  readonly #fields: readonly string[];
  readonly #sum = new OutcomeSum();
  #results: Chunk[] = [];
  #late: Late[] = [];

  constructor(job: Case, ticks: Ticks) {
    this.#chunks = chunksOf(ticks);
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
    this.#assembly.push('ticks', this.#chunks[chunk] as Chunk);
    return this.resume();
  }

  resume(): boolean {
    return this.#assembly.resume();
  }

  fold(): void {
    for (const { columns } of this.#results) {
      this.#view.bind(columns);
      for (let i = 0; i < columns.length; i++) this.#sum.addRow(rowText(this.#view.at(i), this.#fields));
    }
    for (const { intervals } of this.#late) {
      for (const missed of intervals) this.#sum.late += missed.split(',').length;
    }
    this.#results = [];
    this.#late = [];
  }
}

function rowText(row: Row, fields: readonly string[]): string {
  return fields.map((field) => String(row[field])).join(' ');
}
