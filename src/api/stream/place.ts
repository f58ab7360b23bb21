import type { PartitionRange } from '../../log/log.ts';

/** How far a reader of a live stream has come: the next offset of each partition of a generation's results. */
export interface StreamPlace {
  readonly generation: number;
  readonly offsets: readonly (number | undefined)[];
}

const EVENT_ID = /^(\d{1,10}):(\d{1,16}(?:,\d{1,16})*)?$/;

/** @example eventId({ generation: 1, offsets: [5, 0, 12] }) // '1:5,0,12' */
export function eventId({ generation, offsets }: StreamPlace): string {
  // A partition that no record has come from yet, of a topic that was made since, has no offset.
  return `${generation}:${Array.from(offsets, (offset) => offset ?? 0).join(',')}`;
}

/** Null for text that is no event id. */
export function parseEventId(text: string): StreamPlace | null {
  const match = EVENT_ID.exec(text);
  if (match === null) return null;
  const [, generation, offsets = ''] = match;
  return { generation: Number(generation), offsets: offsets === '' ? [] : offsets.split(',').map(Number) };
}

/** Why a reader cannot go on from its place. */
export type ResetReason = 'generation' | 'expired' | 'unknown' | 'behind';

/** Why a place cannot be resumed from within these ranges, or null when it can. */
export function resetReason(
  place: StreamPlace,
  served: { readonly generation: number; readonly ranges: readonly PartitionRange[] },
  maxRecords: number,
): ResetReason | null {
  const { generation, ranges } = served;
  if (place.generation !== generation) return 'generation';
  if (place.offsets.length > ranges.length) return 'unknown';
  let missed = 0;
  for (const { partition, begin, end } of ranges) {
    const offset = place.offsets[partition] ?? begin;
    if (offset > end) return 'unknown';
    if (offset < begin) return 'expired';
    missed += end - offset;
  }
  return missed > maxRecords ? 'behind' : null;
}
