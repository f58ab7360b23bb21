import type { RecordedLine } from './format.ts';
import { recordedLines } from './lines.ts';
import type { Recording } from './recording.ts';

const NONE: RecordedLine = { kind: 'none' };

/** Lines of one of a recording's files. */
interface FileLines {
  readonly lines: readonly string[];
  readonly file: number;
}

/** Reads a recording line by line over all its files. Between calls it stands at one line, its head. */
export class RecordingCursor {
  /** What the head is. */
  head: RecordedLine = NONE;
  /** The head as it is in the file. */
  text = '';
  /** Lines of all files up to the head and with it. */
  taken = 0;
  /** When the latest frame up to the head was received; -Infinity before the first. */
  receivedMicros = Number.NEGATIVE_INFINITY;
  /** Nothing will ever come after what was read. */
  isDone = false;
  readonly #recording: Recording;
  readonly #blocks: AsyncGenerator<FileLines>;
  #block: FileLines = { lines: [], file: 0 };
  #next = 0;
  /** Lines of the file before the block. */
  #linesBefore = 0;

  constructor(recording: Recording) {
    this.#recording = recording;
    this.#blocks = linesOf(recording);
  }

  /** The name of the head's file. */
  get file(): string {
    return this.#recording.files[this.#block.file]?.name ?? '';
  }

  /** The head's line in its file, from 1. */
  get line(): number {
    return this.#linesBefore + this.#next;
  }

  /** Moves to the next line. False at the end of what is in memory: then `nextBlock` goes on, or tells the end. */
  advance(): boolean {
    const text = this.#block.lines[this.#next];
    if (text === undefined) return false;
    this.#next++;
    this.taken++;
    this.text = text;
    this.head = this.line <= this.#recording.headerLines ? NONE : this.#recording.parseLine(text);
    if (this.head.kind === 'frame') this.receivedMicros = this.head.receivedMicros;
    if (this.head.kind === 'end') this.isDone = true;
    return true;
  }

  /** After `advance` gave false. False at the end of what there is. @throws TM_PRODUCE_FILE */
  async nextBlock(): Promise<boolean> {
    const { done, value } = await this.#blocks.next();
    if (done === true) {
      if (this.#recording.isWhole) this.isDone = true;
      return false;
    }
    this.#linesBefore = value.file === this.#block.file ? this.#linesBefore + this.#block.lines.length : 0;
    this.#block = value;
    this.#next = 0;
    return this.advance();
  }

  async close(): Promise<void> {
    await this.#blocks.return(undefined);
  }
}

/** When the first and the last frame of a recording were received, epoch microseconds. */
export interface ReceivedSpan {
  /** Infinity where there is none. */
  readonly firstMicros: number;
  /** Infinity where more may come. */
  readonly lastMicros: number;
}

/** Looks through all of a recording, at a line or two of each block. @throws TM_PRODUCE_FILE */
export async function receivedSpan(recording: Recording): Promise<ReceivedSpan> {
  const { parseLine, isWhole } = recording;
  let firstMicros: number | null = null;
  let lastMicros: number | null = null;
  let hasEnded = isWhole;
  for await (const { lines } of linesOf(recording)) {
    firstMicros ??= firstFrameMicros(lines, parseLine);
    lastMicros = firstFrameMicros(lines.toReversed(), parseLine) ?? lastMicros;
    if (parseLine(lines.at(-1) ?? '').kind === 'end') hasEnded = true;
  }
  return {
    firstMicros: firstMicros ?? Number.POSITIVE_INFINITY,
    lastMicros: (hasEnded ? lastMicros : null) ?? Number.POSITIVE_INFINITY,
  };
}

function firstFrameMicros(lines: readonly string[], parseLine: Recording['parseLine']): number | null {
  for (const text of lines) {
    const line = parseLine(text);
    if (line.kind === 'frame') return line.receivedMicros;
  }
  return null;
}

/** The lines of all files, never none at a time. A last line that has no end is left out where the file may be cut off. */
async function* linesOf({ files, isWhole }: Recording): AsyncGenerator<FileLines> {
  for (const [file, { path }] of files.entries()) {
    for await (const { lines, isOpen } of recordedLines(path)) {
      if (!isOpen || isWhole) yield { lines, file };
    }
  }
}
