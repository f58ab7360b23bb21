import type { Columns } from '../core/columns.ts';
import { ColumnsBuilder } from '../core/columnsBuilder.ts';
import { DEAD_LETTER } from './schemas.ts';

/** More of a row is cut off: what was cut can be released with a corrected row only. */
const MAX_PAYLOAD_BYTES = 65_536;

/** A row that could not be used, and why. */
export interface DeadLetter {
  readonly source: string;
  /** Line number in a file. */
  readonly position: number;
  /** The topic that it was meant for. */
  readonly topic: string;
  readonly reason: string;
  readonly detail: string;
  /** The row as it came. */
  readonly payload: string;
  /** The line that names the columns of the file, where it has one. */
  readonly header?: string | null;
}

/** Gathers dead letters as columns. */
export class DeadLetters {
  readonly #builder = new ColumnsBuilder(DEAD_LETTER, 16);
  readonly #source = this.#builder.fieldIndex('source');
  readonly #position = this.#builder.fieldIndex('position');
  readonly #topic = this.#builder.fieldIndex('topic');
  readonly #reason = this.#builder.fieldIndex('reason');
  readonly #detail = this.#builder.fieldIndex('detail');
  readonly #payload = this.#builder.fieldIndex('payload');
  readonly #header = this.#builder.fieldIndex('header');

  get length(): number {
    return this.#builder.length;
  }

  add({ source, position, topic, reason, detail, payload, header = null }: DeadLetter): void {
    const bytes = Buffer.from(payload, 'utf8');
    this.#builder.setText(this.#source, source);
    this.#builder.setNumber(this.#position, position);
    this.#builder.setText(this.#topic, topic);
    this.#builder.setText(this.#reason, reason);
    this.#builder.setText(this.#detail, detail);
    this.#builder.setBytes(this.#payload, bytes, 0, Math.min(bytes.length, MAX_PAYLOAD_BYTES));
    // A line that is longer names no columns.
    if (header !== null && header.length <= MAX_PAYLOAD_BYTES) this.#builder.setText(this.#header, header);
    this.#builder.endRow();
  }

  finish(): Columns {
    return this.#builder.finish();
  }
}
