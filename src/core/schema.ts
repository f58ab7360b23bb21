import type { Column } from './columns.ts';

/** One field of a flat record: an Avro primitive, enum, timestamp-micros or decimal, possibly null. */
export interface FieldSchema {
  readonly name: string;
  /** The kind of column that holds it. Avro float is read as double. */
  readonly kind: Column['kind'];
  readonly nullable: boolean;
  readonly logical?: 'timestamp-micros';
  /** Of an enum. */
  readonly symbols?: readonly string[];
  /** Of a decimal. */
  readonly precision?: number;
  readonly scale?: number;
}

/** A flat record: what a topic's values are, and what columns they become. */
export interface RecordSchema {
  readonly name: string;
  readonly fields: readonly FieldSchema[];
  /** The Avro schema's canonical text, as it is registered. */
  readonly text: string;
}
