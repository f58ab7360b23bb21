import { createHash } from 'node:crypto';
import { DEAD_LETTER_MARK_TOPIC } from '../../core/deadLetterTopics.ts';
import { TidemarkError } from '../../errors.ts';
import type { Log } from '../../log/log.ts';
import type { SchemaRegistry } from '../../log/registry/registry.ts';
import type { DeadLetter, DeadLetterMark } from '../../schemas.generated.ts';
import { DEAD_LETTER_MARK } from '../schemas.ts';
import { storedRows } from '../storedRecords.ts';

export type MarkAction = DeadLetterMark['action'];

const DIGEST_DIGITS = 32;

/** What names a bad row: all letters of it have the same. Files of one name have other rows in the same line. */
export type LetterName = Pick<DeadLetterMark, 'source' | 'position' | 'topic' | 'digest'>;

export function nameOf({ source, position, topic, payload }: Omit<DeadLetter, 'header'>): LetterName {
  const digest = createHash('sha256').update(payload).digest('hex').slice(0, DIGEST_DIGITS);
  return { source, position, topic, digest };
}

/** A letter's name as a key. */
export function nameKey({ source, position, topic, digest }: LetterName): string {
  return JSON.stringify([source, position, topic, digest]);
}

export interface LetterStore {
  readonly log: Log;
  readonly registry: SchemaRegistry;
  /** Most letters that are kept in memory. */
  readonly maxLetters: number;
}

/** What was done last with each letter, by the key of its name; what was released stays so. @throws TM_STATE_FULL */
export async function readMarks(store: LetterStore): Promise<Map<string, MarkAction>> {
  const marks = new Map<string, MarkAction>();
  const topics = await store.log.listTopics();
  if (!topics.some(({ topic }) => topic === DEAD_LETTER_MARK_TOPIC)) return marks;
  const ranges = await store.log.ranges(DEAD_LETTER_MARK_TOPIC);
  for await (const { row } of storedRows<DeadLetterMark>(store, DEAD_LETTER_MARK, ranges)) {
    const key = nameKey(row);
    if (marks.get(key) !== 'released') marks.set(key, row.action);
    checkRoom(marks.size, store);
  }
  return marks;
}

/** @throws TM_STATE_FULL */
export function checkRoom(letters: number, { maxLetters }: LetterStore): void {
  if (letters <= maxLetters) return;
  throw new TidemarkError('TM_STATE_FULL', `more than ${maxLetters} dead letters are to be looked through`, {
    where: 'deadletter.maxLetters',
    hint: 'Give --topic, --reason, --from or --to, or raise deadletter.maxLetters.',
  });
}
