import type { PartitionRange } from '../../log/log.ts';

/** Next places by partition. A partition that no record has come from yet, of a topic that was made since, has none. */
export type Places = readonly (number | undefined)[];

/**
 * How far a reader of a live stream has come: the next place in each partition of a generation's results, of the published bars and of
 * their history. A place is an offset, or where several events may come of one record, that many times the offset and more.
 */
export interface StreamPlace {
  readonly generation: number;
  /** By topic; one that was not there yet may be left out. */
  readonly topics: readonly Places[];
}

const MOST_TOPICS = 3;
const PLACES = '(?:\\d{1,16}(?:,\\d{1,16})*)?';
const EVENT_ID = new RegExp(`^(\\d{1,10}):(${PLACES}(?:;${PLACES}){0,${MOST_TOPICS - 1}})$`);

/** @example eventId({ generation: 1, topics: [[5, 0, 12], [3]] }) // '1:5,0,12;3' */
export function eventId({ generation, topics }: StreamPlace): string {
  const texts = topics.map((places) => Array.from(places, (place) => place ?? 0).join(','));
  return `${generation}:${texts.join(';').replace(/;+$/, '')}`;
}

/** Null for text that is no event id. */
export function parseEventId(text: string): StreamPlace | null {
  const match = EVENT_ID.exec(text);
  if (match === null) return null;
  const [, generation, topics = ''] = match;
  const parsed = topics.split(';').map((places) => (places === '' ? [] : places.split(',').map(Number)));
  return { generation: Number(generation), topics: parsed };
}

/** Why a reader cannot go on from its place. */
export type ResetReason = 'generation' | 'expired' | 'unknown' | 'behind';

/** What a topic holds: the offsets of its partitions, and how many places a record has. */
export interface TopicRanges {
  readonly steps: number;
  readonly ranges: readonly PartitionRange[];
}

/** Why a place cannot be resumed from within what the topics hold, or null when it can. */
export function resetReason(
  place: StreamPlace,
  served: { readonly generation: number; readonly topics: readonly TopicRanges[] },
  maxRecords: number,
): ResetReason | null {
  if (place.generation !== served.generation) return 'generation';
  let missed = 0;
  for (const [index, { steps, ranges }] of served.topics.entries()) {
    const places = place.topics[index] ?? [];
    if (places.length > ranges.length) return 'unknown';
    for (const { partition, begin, end } of ranges) {
      const offset = (places[partition] ?? begin * steps) / steps;
      if (offset > end) return 'unknown';
      if (offset < begin) return 'expired';
      missed += end - offset;
    }
  }
  return missed > maxRecords ? 'behind' : null;
}
