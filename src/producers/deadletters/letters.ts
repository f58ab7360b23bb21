import { DEAD_LETTER_TOPIC } from '../../core/deadLetterTopics.ts';
import { TidemarkError } from '../../errors.ts';
import type { PartitionRange } from '../../log/log.ts';
import type { DeadLetter } from '../../schemas.generated.ts';
import { DEAD_LETTER } from '../schemas.ts';
import { type StoredRow, storedRows } from '../storedRecords.ts';
import { checkRoom, type LetterStore, type MarkAction, nameKey, nameOf, readMarks } from './marks.ts';

/** A letter's place in its topic. */
export interface LetterPlace {
  readonly partition: number;
  readonly offset: number;
}

/** A dead letter, where it is, and what became of it. */
export interface PlacedLetter extends LetterPlace, DeadLetter {
  /** When the row was rejected, epoch milliseconds. */
  readonly rejectedMs: number;
  readonly state: 'open' | MarkAction;
}

export interface LetterFilter {
  readonly topic?: string;
  readonly reason?: string;
  readonly source?: string;
  /** When it was rejected: inclusive, exclusive; epoch milliseconds. */
  readonly fromMs?: number;
  readonly toMs?: number;
  readonly state: PlacedLetter['state'] | 'all';
}

/** `PARTITION/OFFSET`: what commands call a letter. */
export function letterId({ partition, offset }: LetterPlace): string {
  return `${partition}/${offset}`;
}

/** The place that an id names; null for other text. */
export function parseLetterId(id: string): LetterPlace | null {
  const [, partition, offset] = /^(\d{1,4})\/(\d{1,15})$/.exec(id) ?? [];
  return partition === undefined ? null : { partition: Number(partition), offset: Number(offset) };
}

/** The letters that a filter lets through, in the order of their places; of several of one row the first. @throws TM_STATE_FULL */
export async function* lettersBy(store: LetterStore, filter: LetterFilter): AsyncGenerator<PlacedLetter> {
  const { fromMs, toMs = Number.POSITIVE_INFINITY, topic, reason, source, state } = filter;
  const marks = await readMarks(store);
  const seen = new Set<string>();
  for await (const stored of storedRows<DeadLetter>(store, DEAD_LETTER, await rangesFrom(store, fromMs))) {
    const { row, appendMs } = stored;
    const isWanted =
      (topic === undefined || row.topic === topic) &&
      (reason === undefined || row.reason === reason) &&
      (source === undefined || row.source === source) &&
      appendMs >= (fromMs ?? Number.NEGATIVE_INFINITY) &&
      appendMs < toMs;
    const key = nameKey(nameOf(row));
    if (!isWanted || seen.has(key)) continue;
    seen.add(key);
    checkRoom(seen.size, store);
    const letter = placed(stored, marks);
    if (state === 'all' || letter.state === state) yield letter;
  }
}

/** The letters at some places, in that order. @throws TM_DEAD_LETTER_UNKNOWN */
export async function lettersAt(store: LetterStore, places: readonly LetterPlace[]): Promise<PlacedLetter[]> {
  const marks = await readMarks(store);
  const ranges = await rangesFrom(store);
  const letters: PlacedLetter[] = [];
  for (const { partition, offset } of places) {
    const range = ranges[partition];
    const isThere = range !== undefined && offset >= range.begin && offset < range.end;
    const one = isThere ? [{ ...range, begin: offset, end: offset + 1 }] : [];
    let found: PlacedLetter | null = null;
    for await (const stored of storedRows<DeadLetter>(store, DEAD_LETTER, one)) found = placed(stored, marks);
    if (found === null) throw unknownLetter({ partition, offset });
    letters.push(found);
  }
  return letters;
}

function placed(
  { partition, offset, appendMs, row }: StoredRow<DeadLetter>,
  marks: ReadonlyMap<string, MarkAction>,
): PlacedLetter {
  return { partition, offset, rejectedMs: appendMs, state: marks.get(nameKey(nameOf(row))) ?? 'open', ...row };
}

/** What the topic holds, from a time of rejection on; nothing where there is no such topic. */
async function rangesFrom({ log }: LetterStore, fromMs?: number): Promise<readonly PartitionRange[]> {
  const topics = await log.listTopics();
  if (!topics.some(({ topic }) => topic === DEAD_LETTER_TOPIC)) return [];
  const ranges = await log.ranges(DEAD_LETTER_TOPIC);
  if (fromMs === undefined) return ranges;
  return Promise.all(
    ranges.map(async (range) => {
      const begin = await log.offsetAtTime(range, fromMs);
      return { ...range, begin: Math.min(range.end, Math.max(range.begin, begin)) };
    }),
  );
}

function unknownLetter(place: LetterPlace): TidemarkError {
  return new TidemarkError('TM_DEAD_LETTER_UNKNOWN', `there is no dead letter ${letterId(place)}`, {
    where: DEAD_LETTER_TOPIC,
    hint: 'tidemark deadletter list shows their ids.',
  });
}
