import { TextDecoder } from 'node:util';
import { formatIsoMicros, MICROS_PER_MS } from '../core/time.ts';
import { letterId, type PlacedLetter } from '../producers/deadletters/letters.ts';
import type { Output } from './output.ts';
import { textTable } from './table.ts';

export type LetterFormat = 'table' | 'json' | 'ndjson';

const SHOWN_CHARACTERS = 80;
const HEADER = ['id', 'rejected', 'state', 'topic', 'source', 'position', 'reason', 'detail'];

/** Prints letters as they come; a table at its end. */
export class LetterPage {
  readonly #format: LetterFormat;
  readonly #out: Output;
  readonly #cells: (readonly (string | number)[])[] = [];
  #length = 0;

  constructor(format: LetterFormat, out: Output) {
    this.#format = format;
    this.#out = out;
  }

  get length(): number {
    return this.#length;
  }

  async add(letter: PlacedLetter): Promise<void> {
    const isFirst = this.#length++ === 0;
    if (this.#format === 'table') {
      this.#cells.push(cellsOf(letter));
      return;
    }
    const json = JSON.stringify(letterJson(letter));
    if (this.#format === 'ndjson') await this.#out.line(json);
    else await this.#out.write(`${isFirst ? '[' : ',\n'}${json}`);
  }

  async end(): Promise<void> {
    if (this.#format === 'json') await this.#out.line(this.#length === 0 ? '[]' : ']');
    if (this.#format === 'table' && this.#length > 0) await this.#out.write(textTable(HEADER, this.#cells));
  }
}

function cellsOf(letter: PlacedLetter): readonly (string | number)[] {
  const { state, topic, source, position, reason } = letter;
  const detail = printable(letter.detail);
  const shown = detail.length > SHOWN_CHARACTERS ? `${detail.slice(0, SHOWN_CHARACTERS)}…` : detail;
  return [letterId(letter), rejectedAt(letter), state, topic, printable(source), position, reason, shown];
}

/** A letter as JSON: its payload as text where it is UTF-8, else in base64. */
export function letterJson(letter: PlacedLetter) {
  const { state, topic, source, position, reason, detail, header, payload } = letter;
  const text = utf8Of(payload);
  return {
    id: letterId(letter),
    rejected: rejectedAt(letter),
    ...{ state, topic, source, position, reason, detail },
    ...(header === null ? {} : { header }),
    payload: text ?? Buffer.from(payload).toString('base64'),
    payloadEncoding: text === null ? 'base64' : 'utf-8',
  };
}

/** A letter for people: a line a field, then the row. */
export function letterText(letter: PlacedLetter): string {
  const { payload, payloadEncoding, ...fields } = letterJson(letter);
  const lines = Object.entries(fields).map(([name, value]) => `${name.padEnd(9)} ${printable(String(value))}`);
  const bytes = `payload   ${letter.payload.length} bytes, ${payloadEncoding}`;
  const isText = payloadEncoding === 'utf-8';
  return `${[...lines, bytes, '', isText ? printable(payload, true) : payload].join('\n')}\n`;
}

function rejectedAt({ rejectedMs }: PlacedLetter): string {
  return formatIsoMicros(rejectedMs * MICROS_PER_MS);
}

function utf8Of(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

/** Without what would steer a terminal: rows come from anywhere. */
function printable(text: string, keepsLines = false): string {
  return text.replace(/\p{Cc}/gu, (control) => (keepsLines && (control === '\n' || control === '\t') ? control : '�'));
}
