import { setImmediate as nextTurn } from 'node:timers/promises';
import { RowWriter } from '../../core/avro/rowWriter.ts';
import { DEAD_LETTER_MARK_TOPIC } from '../../core/deadLetterTopics.ts';
import { TidemarkError } from '../../errors.ts';
import type { Transaction, TransactionalWriter } from '../../log/log.ts';
import { byPartition } from '../byPartition.ts';
import type { ParsedJson } from '../jsonNumbers.ts';
import { DEAD_LETTER_MARK } from '../schemas.ts';
import { encodeParts, openTopic, type TopicWriter } from '../topicWriter.ts';
import { type LetterFilter, type LetterPlace, lettersAt, lettersBy, type PlacedLetter } from './letters.ts';
import { type LetterStore, type MarkAction, nameKey, nameOf } from './marks.ts';
import { type ReleaseParts, Releases } from './release.ts';

/** Whoever resolves letters takes over from others: what they had not committed is left to this one. */
const TRANSACTIONAL_ID = DEAD_LETTER_MARK_TOPIC;
const MARK_KEY = 'source';

export interface ResolveOptions extends LetterStore, ReleaseParts {
  readonly bounds: { readonly maxRecords: number; readonly maxBytes: number };
  /** Stops after the transaction of what was gathered. */
  readonly signal: AbortSignal;
}

/** Which letters: at places, or those that a filter lets through. */
export type LetterChoice = { readonly places: readonly LetterPlace[] } | { readonly filter: LetterFilter };

export interface Resolved {
  /** Letters that were released or dropped now. */
  readonly done: number;
  /** Letters that had been before, and were left as they are. */
  readonly already: number;
  /** Of letters that cannot be released, which stay open; the first of them. */
  readonly refused: number;
  readonly firstRefusal: TidemarkError | null;
}

/**
 * Releases letters, or marks them as dropped. A released row is written to its topic as if it came now, in one transaction
 * with the mark that it was: released again, or killed in between, it is there once.
 * @param corrected a row to be written in place of the letter's own, as `parseJson` gives it
 * @throws TM_DEAD_LETTER_UNKNOWN; TM_LOG_FENCED when another process has begun to resolve letters
 */
export async function resolveLetters(
  choice: LetterChoice,
  action: MarkAction,
  options: ResolveOptions,
  corrected?: ParsedJson,
): Promise<Resolved> {
  const topic = await openTopic(
    { topic: DEAD_LETTER_MARK_TOPIC, schema: DEAD_LETTER_MARK },
    options,
    await options.log.listTopics(),
  );
  // The writer comes first: once it is open, nobody else can mark a letter any more.
  const writer = await options.log.openWriter(TRANSACTIONAL_ID);
  try {
    const run = new Resolution(writer, topic, action, options, corrected);
    const letters = 'places' in choice ? await lettersAt(options, choice.places) : lettersBy(options, choice.filter);
    for await (const letter of letters) {
      if (options.signal.aborted) break;
      await run.take(letter);
    }
    await run.commit();
    return run.outcome();
  } finally {
    await writer.close();
  }
}

class Resolution {
  readonly #writer: TransactionalWriter;
  readonly #topic: TopicWriter;
  readonly #action: MarkAction;
  readonly #options: ResolveOptions;
  readonly #corrected: ParsedJson | undefined;
  readonly #releases: Releases;
  readonly #marks = new RowWriter(DEAD_LETTER_MARK);
  /** Two letters of one row may have been asked for. */
  readonly #taken = new Set<string>();
  #appends: Transaction['appends'][number][] = [];
  #bytes = 0;
  #done = 0;
  #already = 0;
  #refused = 0;
  #firstRefusal: TidemarkError | null = null;

  constructor(
    writer: TransactionalWriter,
    topic: TopicWriter,
    action: MarkAction,
    options: ResolveOptions,
    corrected: ParsedJson | undefined,
  ) {
    this.#writer = writer;
    this.#topic = topic;
    this.#action = action;
    this.#options = options;
    this.#corrected = corrected;
    this.#releases = new Releases(options);
  }

  async take(letter: PlacedLetter): Promise<void> {
    const { state } = letter;
    const name = nameOf(letter);
    const key = nameKey(name);
    if (state === 'released' || state === this.#action || this.#taken.has(key)) {
      this.#already++;
      return;
    }
    const appends = this.#action === 'released' ? await this.#released(letter) : [];
    if (appends === null) return;
    this.#taken.add(key);
    this.#marks.add({ ...name, action: this.#action });
    this.#appends.push(...appends);
    for (const { records } of appends) this.#bytes += records.values.length;
    const { maxRecords, maxBytes } = this.#options.bounds;
    if (this.#marks.length >= maxRecords || this.#bytes >= maxBytes) await this.commit();
  }

  async commit(): Promise<void> {
    const columns = this.#marks.finish();
    if (columns.length === 0) return;
    const marks = encodeParts(this.#topic, columns, byPartition(columns, MARK_KEY, this.#topic.partitions));
    await this.#writer.commit({ appends: [...this.#appends, ...marks], positions: [] });
    this.#done += columns.length;
    this.#appends = [];
    this.#bytes = 0;
    await nextTurn();
  }

  outcome(): Resolved {
    return {
      done: this.#done,
      already: this.#already,
      refused: this.#refused,
      firstRefusal: this.#firstRefusal,
    };
  }

  async #released(letter: PlacedLetter): Promise<Transaction['appends'] | null> {
    try {
      return await this.#releases.of(letter, this.#corrected);
    } catch (error) {
      if (!(error instanceof TidemarkError) || error.code !== 'TM_DEAD_LETTER_UNUSABLE') throw error;
      this.#refused++;
      this.#firstRefusal ??= error;
      return null;
    }
  }
}
