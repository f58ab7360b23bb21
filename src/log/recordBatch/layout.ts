/**
 * Kafka's record batch, format v2, as a broker stores it on disk (KIP-98;
 * https://kafka.apache.org/documentation/#recordbatch). Byte positions of its header's fields; integers are big endian.
 */
export const BASE_OFFSET = 0;
/** Bytes after this field. */
export const BATCH_LENGTH = 8;
export const MAGIC = 16;
/** CRC-32C of everything from the attributes on: the base offset lies outside, the timestamps inside. */
export const CRC = 17;
export const ATTRIBUTES = 21;
export const LAST_OFFSET_DELTA = 23;
export const BASE_TIMESTAMP = 27;
export const MAX_TIMESTAMP = 35;
export const PRODUCER_ID = 43;
export const PRODUCER_EPOCH = 51;
export const BASE_SEQUENCE = 53;
export const RECORD_COUNT = 57;
export const HEADER_BYTES = 61;

/** What `BATCH_LENGTH` does not count: itself and the base offset. */
export const LENGTH_PREFIX_BYTES = 12;

export const MAGIC_V2 = 2;
export const CODEC_MASK = 0x07;
export const CODEC_NONE = 0;
export const CODEC_LZ4 = 3;
/** The broker's clock, in `MAX_TIMESTAMP`, is the time of every record (message.timestamp.type=LogAppendTime). */
export const LOG_APPEND_TIME = 0x08;
/** A transaction marker: it takes an offset and holds no record. */
export const CONTROL = 0x20;
