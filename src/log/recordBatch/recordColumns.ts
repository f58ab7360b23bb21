import type { RecordChunk, TopicPartition } from '../log.ts';

const INITIAL_RECORDS = 1024;
const INITIAL_BYTES = 64 * 1024;

/**
 * Decoded records of one partition as columns. The arrays are kept and refilled, so that steady reading allocates
 * nothing but views.
 */
export class RecordColumns {
  count = 0;
  data: Uint8Array = new Uint8Array(INITIAL_BYTES);
  dataLength = 0;
  keyStarts = new Int32Array(INITIAL_RECORDS);
  keyEnds = new Int32Array(INITIAL_RECORDS);
  valueStarts = new Int32Array(INITIAL_RECORDS);
  valueEnds = new Int32Array(INITIAL_RECORDS);
  offsets = new Float64Array(INITIAL_RECORDS);
  appendMs = new Float64Array(INITIAL_RECORDS);

  clear(): void {
    this.count = 0;
    this.dataLength = 0;
  }

  /** Copies bytes behind those already there, for records that will point into them; where they begin. */
  addData(bytes: Uint8Array): number {
    const start = this.dataLength;
    const needed = start + bytes.length;
    if (needed > this.data.length) {
      const grown = new Uint8Array(Math.max(needed, this.data.length * 2));
      grown.set(this.data.subarray(0, start));
      this.data = grown;
    }
    this.data.set(bytes, start);
    this.dataLength = needed;
    return start;
  }

  /** Makes room for this many further records. */
  reserve(records: number): void {
    const needed = this.count + records;
    if (needed <= this.offsets.length) return;
    const capacity = Math.max(needed, this.offsets.length * 2);
    this.keyStarts = grownInts(this.keyStarts, capacity);
    this.keyEnds = grownInts(this.keyEnds, capacity);
    this.valueStarts = grownInts(this.valueStarts, capacity);
    this.valueEnds = grownInts(this.valueEnds, capacity);
    this.offsets = grownDoubles(this.offsets, capacity);
    this.appendMs = grownDoubles(this.appendMs, capacity);
  }

  /** Bytes of a record's key and value. */
  recordBytes(record: number): number {
    return (
      (this.keyEnds[record] as number) -
      (this.keyStarts[record] as number) +
      (this.valueEnds[record] as number) -
      (this.valueStarts[record] as number)
    );
  }

  /** Views of the records `[start, end)`, valid until the columns are refilled. */
  chunk(partition: TopicPartition, start: number, end: number, nextOffset: number): RecordChunk {
    return {
      topic: partition.topic,
      partition: partition.partition,
      count: end - start,
      data: this.data,
      keyStarts: this.keyStarts.subarray(start, end),
      keyEnds: this.keyEnds.subarray(start, end),
      valueStarts: this.valueStarts.subarray(start, end),
      valueEnds: this.valueEnds.subarray(start, end),
      offsets: this.offsets.subarray(start, end),
      appendMs: this.appendMs.subarray(start, end),
      nextOffset,
    };
  }
}

function grownInts(source: Int32Array, capacity: number): Int32Array<ArrayBuffer> {
  const grown = new Int32Array(capacity);
  grown.set(source);
  return grown;
}

function grownDoubles(source: Float64Array, capacity: number): Float64Array<ArrayBuffer> {
  const grown = new Float64Array(capacity);
  grown.set(source);
  return grown;
}
