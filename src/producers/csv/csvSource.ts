import { ColumnsBuilder } from '../../core/columnsBuilder.ts';
import { TidemarkError } from '../../errors.ts';
import { DeadLetters } from '../deadLetters.ts';
import type {
  BatchBounds,
  BatchOptions,
  PartPosition,
  Source,
  SourceBatch,
  SourcePart,
  SourceTarget,
} from '../source.ts';
import { ahead } from './ahead.ts';
import { assignLayout, CsvCursor, type CsvFile, csvFileId } from './csvFile.ts';
import { type Layout, layoutError } from './layout.ts';
import { MergeQueue } from './mergeQueue.ts';

/** Files of one command are all open while they are merged. */
const MAX_FILES = 1_000;
const PREVIEW_BOUNDS: BatchBounds = { maxRecords: 65_536, maxBytes: 16_777_216, maxMs: Number.POSITIVE_INFINITY };

interface IdentifiedFile extends CsvFile {
  readonly id: string;
}

/** CSV files, merged by event time. Rows of one file keep their order. */
export class CsvSource implements Source {
  readonly targets: readonly SourceTarget[];
  readonly parts: readonly SourcePart[];
  readonly #files: readonly CsvFile[];

  private constructor(files: readonly IdentifiedFile[]) {
    this.#files = files;
    this.targets = targetsOf(files);
    this.parts = files.map(({ id, layout, name }) => ({ id: `csv.${id}`, topic: layout.topic, label: name }));
  }

  /**
   * Each file goes to the first layout that is for its name. A file that is given twice is read once.
   * @param topic takes the place of the layouts' own
   * @throws TM_LAYOUT, TM_PRODUCE_FILE, TM_USAGE
   */
  static async open(paths: readonly string[], layouts: readonly Layout[], topic?: string): Promise<CsvSource> {
    if (paths.length > MAX_FILES) {
      throw new TidemarkError('TM_USAGE', `${paths.length} files are more than are merged at once (${MAX_FILES})`, {
        hint: 'produce them in several commands, older ones first',
      });
    }
    const given = topic === undefined ? layouts : layouts.map((layout) => ({ ...layout, topic }));
    const files = new Map<string, IdentifiedFile>();
    for (const path of paths) {
      const file = assignLayout(path, given);
      const id = await csvFileId(file);
      const key = `${id} ${file.layout.topic}`;
      if (!files.has(key)) files.set(key, { ...file, id });
    }
    return new CsvSource([...files.values()]);
  }

  batches(options: BatchOptions): AsyncGenerator<SourceBatch> {
    return ahead(this.#batches(options));
  }

  async *#batches({ from, bounds, signal }: BatchOptions): AsyncGenerator<SourceBatch> {
    const lanes = new Map<number, CsvCursor>();
    const queue = new MergeQueue();
    const batch = new BatchBuilder(this.targets, bounds);
    try {
      // All files are opened before the first row is given: a wrong one is refused before anything is written.
      for (const [part, file] of this.#files.entries()) {
        if (from[part]?.isDone !== true) lanes.set(part, await CsvCursor.open(file));
      }
      for (const [part, cursor] of lanes) {
        if (await cursor.start(from[part]?.offset ?? 0)) queue.add(part, headTime(cursor));
        else batch.ended(part, cursor);
      }
      for (let part = queue.first; part >= 0 && !signal.aborted; part = queue.first) {
        const cursor = lanes.get(part) as CsvCursor;
        batch.add(part, cursor);
        if (cursor.advance() || (await cursor.nextBlock())) queue.moveFirst(headTime(cursor));
        else queue.removeFirst();
        if (batch.isFull()) yield batch.finish();
      }
      if (!batch.isEmpty()) yield batch.finish();
    } finally {
      for (const cursor of lanes.values()) await cursor.close();
    }
  }

  async *preview(options: Omit<BatchOptions, 'bounds'>): AsyncGenerator<SourceBatch['outputs']> {
    for await (const { outputs } of this.#batches({ ...options, bounds: PREVIEW_BOUNDS })) yield outputs;
  }
}

/** A row without a sound time is dealt with as soon as it is met. */
function headTime(cursor: CsvCursor): number {
  return Number.isNaN(cursor.eventTimeMicros) ? Number.NEGATIVE_INFINITY : cursor.eventTimeMicros;
}

function targetsOf(files: readonly CsvFile[]): readonly SourceTarget[] {
  const targets = new Map<string, SourceTarget>();
  for (const { layout, schema, path } of files) {
    const target = targets.get(layout.topic);
    if (target !== undefined && target.schema !== schema) {
      const hint = `layout ${layout.name} makes ${layout.schema} records; give each schema a topic of its own`;
      throw layoutError(`topic ${layout.topic} would get records of two schemas`, path, hint);
    }
    targets.set(layout.topic, { topic: layout.topic, schema });
  }
  return [...targets.values()];
}

/** Gathers the rows of one transaction. */
class BatchBuilder {
  readonly #builders: ReadonlyMap<string, { readonly target: SourceTarget; readonly builder: ColumnsBuilder }>;
  readonly #deadLetters = new DeadLetters();
  readonly #bounds: BatchBounds;
  /** The files that rows were taken from, or that have ended, by part. */
  readonly #moved = new Map<number, CsvCursor>();
  #rows = 0;
  #bytes = 0;

  constructor(targets: readonly SourceTarget[], bounds: BatchBounds) {
    this.#builders = new Map(
      targets.map((target) => [target.topic, { target, builder: new ColumnsBuilder(target.schema) }]),
    );
    this.#bounds = bounds;
  }

  /** Takes the row at which the cursor stands. */
  add(part: number, cursor: CsvCursor): void {
    const { layout, name } = cursor.file;
    const output = this.#builders.get(layout.topic);
    if (output === undefined) throw new Error(`no builder for ${layout.topic}`);
    const fault = cursor.writeTo(output.builder);
    if (fault !== null) {
      this.#deadLetters.add({
        source: name,
        position: cursor.line,
        topic: layout.topic,
        ...fault,
        payload: cursor.text,
        header: cursor.header,
      });
    }
    this.#moved.set(part, cursor);
    this.#rows++;
    this.#bytes += cursor.text.length;
  }

  /** Takes note of a file without a further row. */
  ended(part: number, cursor: CsvCursor): void {
    this.#moved.set(part, cursor);
  }

  isEmpty(): boolean {
    return this.#moved.size === 0;
  }

  isFull(): boolean {
    return this.#rows >= this.#bounds.maxRecords || this.#bytes >= this.#bounds.maxBytes;
  }

  finish(): SourceBatch {
    const outputs = [...this.#builders.values()]
      .filter(({ builder }) => builder.length > 0)
      .map(({ target, builder }) => ({ target, columns: builder.finish() }));
    const positions = new Map<number, PartPosition>();
    for (const [part, { row, isDone }] of this.#moved) positions.set(part, { offset: row, isDone });
    this.#moved.clear();
    this.#rows = 0;
    this.#bytes = 0;
    return { outputs, deadLetters: this.#deadLetters.finish(), positions };
  }
}
