import { TidemarkError } from '../errors.ts';
import type { Position, TopicPartition } from './log.ts';

/** As a Kafka broker's `offset.metadata.max.bytes`, less a margin. */
const MAX_METADATA_BYTES = 4000;
/** Groups and transactional ids are keys of the embedded log. */
const MAX_ID_BYTES = 249;

/** Checks the name of a group or a transactional id. @throws TM_LOG_POSITION */
export function checkId(what: string, id: string): void {
  const bytes = Buffer.byteLength(id);
  if (bytes > 0 && bytes <= MAX_ID_BYTES && !id.includes('\0')) return;
  throw new TidemarkError(
    'TM_LOG_POSITION',
    `A ${what} has 1 to ${MAX_ID_BYTES} bytes, none of them 0; this has ${bytes}.`,
  );
}

/** @throws TM_LOG_POSITION */
export function checkPosition(group: string, position: Position): void {
  const where = `group ${group}, ${position.topic}/${position.partition}`;
  if (!Number.isSafeInteger(position.offset) || position.offset < 0) {
    throw new TidemarkError('TM_LOG_POSITION', `A position cannot be ${position.offset}.`, { where });
  }
  const metadataBytes = Buffer.byteLength(position.metadata);
  if (metadataBytes > MAX_METADATA_BYTES) {
    throw new TidemarkError(
      'TM_LOG_POSITION',
      `A position's metadata has ${metadataBytes} bytes; the most is ${MAX_METADATA_BYTES}.`,
      { where },
    );
  }
}

/** @throws TM_OFFSET_OUT_OF_RANGE */
export function checkOffset({ topic, partition }: TopicPartition, offset: number, begin: number, end: number): void {
  if (Number.isSafeInteger(offset) && offset >= begin && offset <= end) return;
  throw new TidemarkError('TM_OFFSET_OUT_OF_RANGE', `Offset ${offset} is not between ${begin} and ${end}.`, {
    where: `${topic}/${partition}`,
    hint:
      offset < begin
        ? 'The records there were deleted, by retention or by hand: start at the first offset, or from a copy of the data.'
        : 'The log may have been replaced: use the position that goes with it.',
  });
}
