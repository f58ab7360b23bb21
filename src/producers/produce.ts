import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { DEAD_LETTER_TOPIC } from '../core/deadLetterTopics.ts';
import { MICROS_PER_MS } from '../core/time.ts';
import type { BulkWriter, Log, Position, RecordBytes, Transaction } from '../log/log.ts';
import type { SchemaRegistry } from '../log/registry/registry.ts';
import { byPartition } from './byPartition.ts';
import {
  type EventTimeBounds,
  eventTimeGroup,
  highestEventTimes,
  KEY_FIELD,
  raisedEventTimes,
  refuseHistory,
} from './eventTimes.ts';
import { DEAD_LETTER } from './schemas.ts';
import type { BatchBounds, PartPosition, Source, SourceBatch, SourcePart } from './source.ts';
import { encodeParts, openTopic, type TopicWriter } from './topicWriter.ts';

const DEAD_LETTER_KEY = 'source';
/** File names are cut to this in positions, which may hold 4,000 bytes. */
const MAX_LABEL_CHARACTERS = 500;

export interface ProduceOptions {
  readonly log: Log;
  readonly registry: SchemaRegistry;
  /** Of topics that are missing. */
  readonly partitions: number;
  readonly retentionMs: number;
  readonly bounds: BatchBounds;
  readonly eventTime: EventTimeBounds;
  /** Produces parts from their beginning that were produced before. */
  readonly again: boolean;
  /** Takes history as well. */
  readonly allowLate: boolean;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Stops after the transaction of what was gathered. */
  readonly signal: AbortSignal;
  /** After each transaction. */
  readonly onProgress?: (summary: ProduceSummary) => void;
}

/** What a run of a producer did. */
export interface ProduceSummary {
  /** Rows read: records and rejected ones. */
  readonly rows: number;
  /** Records written to the source's topics. */
  readonly records: number;
  /** Rows written to `deadletter`. */
  readonly rejected: number;
  /** Rows that an earlier run had committed. */
  readonly skipped: number;
  /** Keys and values written, as they are encoded. */
  readonly bytes: number;
  /** Labels of the parts that an earlier run had come to the end of. */
  readonly done: readonly string[];
  /** False when the signal ended it before it had come to its end. */
  readonly complete: boolean;
}

/**
 * Writes a source into the log. Each transaction holds records and the source's positions, so that a killed run goes on where
 * the last transaction ended, and a source that was produced to its end adds nothing. Topics and schemas are made when
 * missing. A second run of the same parts takes over from the first; two runs of different sets that share a part are not
 * kept apart, and must not go on at the same time.
 * @throws TM_PRODUCE_HISTORY before anything is written; TM_LOG_FENCED when another run of the same source has begun
 */
export async function produce(source: Source, options: ProduceOptions): Promise<ProduceSummary> {
  const { log, again, signal, bounds, now } = options;
  const topics = await openTopics(source, options);
  // The writer comes first: once it is open, no earlier run can move the positions any more.
  const writer = await log.openBulkWriter(transactionalId(source.parts));
  try {
    const committed = await committedPositions(log, source.parts);
    if (!options.allowLate) await checkHistory(source, options, committed);
    const from = again ? committed.map(() => null) : committed;
    const run = new ProduceRun(source, writer, topics, options, from);
    for await (const batch of source.batches({ from, bounds, now, signal })) {
      await run.commit(batch);
      options.onProgress?.(run.summary());
      // A source and a log that both answer at once would keep signals and all other work of the process waiting.
      await nextTurn();
    }
    return run.summary();
  } finally {
    await writer.close();
  }
}

async function openTopics(source: Source, options: ProduceOptions): Promise<ReadonlyMap<string, TopicWriter>> {
  const targets = [...source.targets, { topic: DEAD_LETTER_TOPIC, schema: DEAD_LETTER }];
  const existing = await options.log.listTopics();
  const topics = new Map<string, TopicWriter>();
  for (const target of targets) topics.set(target.topic, await openTopic(target, options, existing));
  return topics;
}

/** One for the same parts in the same topics: a second run of a source takes over from the first. */
function transactionalId(parts: readonly SourcePart[]): string {
  const names = parts.map(({ id, topic }) => `${id} ${topic}`).sort();
  const hash = createHash('sha256').update(names.join('\n')).digest('hex');
  return `produce.${hash.slice(0, 32)}`;
}

function groupOf(part: SourcePart): string {
  return `source.${part.id}`;
}

interface PositionNote {
  readonly label: string;
  readonly done: boolean;
  readonly state?: string;
}

/** How far the parts of a source have come; null for one that was never begun. */
export async function committedPositions(
  log: Log,
  parts: readonly SourcePart[],
): Promise<readonly (PartPosition | null)[]> {
  return Promise.all(
    parts.map(async (part) => {
      const positions = await log.committed(groupOf(part));
      const position = positions.find(({ topic }) => topic === part.topic);
      if (position === undefined) return null;
      const { done, state } = JSON.parse(position.metadata) as PositionNote;
      return { offset: position.offset, isDone: done, ...(state === undefined ? {} : { state }) };
    }),
  );
}

/** Parts that an earlier run has begun are not checked again: their rows were let in then. */
async function checkHistory(
  source: Source,
  { log, eventTime, now, signal }: ProduceOptions,
  committed: readonly (PartPosition | null)[],
): Promise<void> {
  if (committed.every((position) => position !== null)) return;
  const onlyNew = committed.map((position) => (position === null ? null : { ...position, isDone: true }));
  await refuseHistory(log, source, eventTime, source.preview({ from: onlyNew, now, signal }));
}

/** Turns batches into transactions and counts them. */
class ProduceRun {
  readonly #source: Source;
  readonly #writer: BulkWriter;
  readonly #topics: ReadonlyMap<string, TopicWriter>;
  readonly #options: ProduceOptions;
  readonly #from: readonly (PartPosition | null)[];
  readonly #done: boolean[];
  #records = 0;
  #rejected = 0;
  #bytes = 0;

  constructor(
    source: Source,
    writer: BulkWriter,
    topics: ReadonlyMap<string, TopicWriter>,
    options: ProduceOptions,
    from: readonly (PartPosition | null)[],
  ) {
    this.#source = source;
    this.#writer = writer;
    this.#topics = topics;
    this.#options = options;
    this.#from = from;
    this.#done = from.map((position) => position?.isDone ?? false);
  }

  summary(): ProduceSummary {
    return {
      rows: this.#records + this.#rejected,
      records: this.#records,
      rejected: this.#rejected,
      skipped: this.#from.reduce((rows, position) => rows + (position?.offset ?? 0), 0),
      bytes: this.#bytes,
      done: this.#source.parts.filter((_, part) => this.#from[part]?.isDone === true).map(({ label }) => label),
      complete: !this.#options.signal.aborted || this.#done.every(Boolean),
    };
  }

  async commit({ outputs, deadLetters, positions }: SourceBatch): Promise<void> {
    const appends: Transaction['appends'][number][] = [];
    const groups: Transaction['positions'][number][] = [...this.#sourcePositions(positions)];
    const { log, now, eventTime } = this.#options;
    const highestMicros = (now() + eventTime.maxAheadMs) * MICROS_PER_MS;
    for (const { target, columns } of outputs) {
      const topic = this.#topic(target.topic);
      // Asked for first: the broker answers while records are encoded.
      const highest = highestEventTimes(log, topic.topic);
      const parts = byPartition(columns, KEY_FIELD, topic.partitions);
      appends.push(...encodeParts(topic, columns, parts));
      const raised = raisedEventTimes(await highest, topic.topic, columns, parts, highestMicros);
      if (raised.length > 0) groups.push({ group: eventTimeGroup(topic.topic), positions: raised });
      this.#records += columns.length;
    }
    if (deadLetters.length > 0) {
      const topic = this.#topic(DEAD_LETTER_TOPIC);
      appends.push(...encodeParts(topic, deadLetters, byPartition(deadLetters, DEAD_LETTER_KEY, topic.partitions)));
      this.#rejected += deadLetters.length;
    }
    await this.#writer.commit({ appends, positions: groups });
    for (const { records } of appends) this.#bytes += bytesOf(records);
    for (const [part, { isDone }] of positions) this.#done[part] = isDone;
  }

  #sourcePositions(positions: SourceBatch['positions']): readonly { group: string; positions: readonly Position[] }[] {
    return [...positions].map(([index, { offset, isDone, state }]) => {
      const part = this.#source.parts[index];
      if (part === undefined) throw new Error(`the source has no part ${index}`);
      const label = part.label.slice(0, MAX_LABEL_CHARACTERS);
      const note: PositionNote = { label, done: isDone, ...(state === undefined ? {} : { state }) };
      const position = { topic: part.topic, partition: 0, offset, metadata: JSON.stringify(note) };
      return { group: groupOf(part), positions: [position] };
    });
  }

  #topic(name: string): TopicWriter {
    const topic = this.#topics.get(name);
    if (topic === undefined) throw new Error(`topic ${name} is none of the source's targets`);
    return topic;
  }
}

function bytesOf({ count, keyOffsets, valueOffsets }: RecordBytes): number {
  return (keyOffsets[count] as number) + (valueOffsets[count] as number);
}
