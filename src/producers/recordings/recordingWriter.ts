import { type FileHandle, mkdir, open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { MICROS_PER_MS } from '../../core/time.ts';
import { TidemarkError } from '../../errors.ts';
import { END_LINE, FORMAT, type RecordingHeader } from './format.ts';

const compressed = promisify(gzip);

/** How much is held back, and how large a file gets; from the configuration. */
export interface RecordingBounds {
  readonly flushBytes: number;
  readonly flushMs: number;
  /** Before compression. */
  readonly fileBytes: number;
  readonly fileMs: number;
}

export interface RecordingWriterOptions {
  readonly directory: string;
  readonly of: Pick<RecordingHeader, 'recording' | 'venue' | 'url' | 'symbols'>;
  readonly bounds: RecordingBounds;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** A file was begun. */
  readonly onFile: (path: string) => void;
}

/**
 * Writes the lines of a recording. What is flushed is a whole gzip member (RFC 1952, section 2.2: members follow one another), so
 * that a file that was cut off loses what came after the last flush and nothing else.
 * Its methods may not be called while another is going on, and throw TM_RECORD_FILE.
 */
export class RecordingWriter {
  readonly #options: RecordingWriterOptions;
  #file: FileHandle | null = null;
  #part = 0;
  #fileBytes = 0;
  #fileSinceMs = 0;
  #lines: string[] = [];
  #bytes = 0;
  #sinceMs = 0;

  constructor(options: RecordingWriterOptions) {
    this.#options = options;
  }

  /** Takes a line in; `flush` writes it. */
  add(line: string): void {
    if (this.#lines.length === 0) this.#sinceMs = this.#options.now();
    this.#lines.push(line);
    this.#bytes += Buffer.byteLength(line) + 1;
  }

  /** When the lines that were taken in are to be flushed, epoch milliseconds; Infinity when there are none. */
  get dueMs(): number {
    const { flushBytes, flushMs } = this.#options.bounds;
    if (this.#lines.length === 0) return Number.POSITIVE_INFINITY;
    return this.#bytes >= flushBytes ? this.#sinceMs : this.#sinceMs + flushMs;
  }

  /** Writes what was taken in, to the next file where this one is full or old. */
  async flush(): Promise<void> {
    const { bounds, now } = this.#options;
    if (this.#lines.length === 0) return;
    const isFull = this.#fileBytes >= bounds.fileBytes || now() - this.#fileSinceMs >= bounds.fileMs;
    try {
      if (this.#file !== null && isFull) await this.#closeFile();
      const file = this.#file ?? (await this.#nextFile());
      await file.appendFile(await compressed(`${this.#lines.join('\n')}\n`));
    } catch (cause) {
      throw this.#error(cause);
    }
    this.#fileBytes += this.#bytes;
    this.#lines = [];
    this.#bytes = 0;
  }

  /** Ends the recording: nothing comes after it. */
  async end(): Promise<void> {
    this.add(END_LINE);
    await this.flush();
    await this.close();
  }

  /** Closes the file as it is. What was not flushed is not in it. */
  async close(): Promise<void> {
    try {
      await this.#closeFile();
    } catch (cause) {
      throw this.#error(cause);
    }
  }

  async #nextFile(): Promise<FileHandle> {
    const { directory, of, now, onFile } = this.#options;
    const startedMicros = Math.floor(now()) * MICROS_PER_MS;
    await mkdir(directory, { recursive: true });
    const part = ++this.#part;
    const path = join(directory, fileName(of, startedMicros, part));
    const header: RecordingHeader = { format: FORMAT, ...of, part, startedMicros };
    const bytes = await compressed(`${JSON.stringify(header)}\n`);
    // It gets its name once it has its header: before, a kill would leave a file that is no recording.
    const file = await open(`${path}.new`, 'wx');
    this.#file = file;
    this.#fileBytes = 0;
    this.#fileSinceMs = now();
    await file.appendFile(bytes);
    await rename(`${path}.new`, path);
    onFile(path);
    return file;
  }

  async #closeFile(): Promise<void> {
    const file = this.#file;
    this.#file = null;
    if (file === null) return;
    try {
      await file.sync();
    } finally {
      await file.close();
    }
  }

  #error(cause: unknown): TidemarkError {
    const reason = cause instanceof Error ? cause.message : String(cause);
    return new TidemarkError('TM_RECORD_FILE', `the recording cannot be written: ${reason}`, {
      where: this.#options.directory,
      hint: 'what was written before can be played; give a directory that can be written to, with room for it',
      cause,
    });
  }
}

/** Names sort by time; the recording's id keeps two recorders of a venue apart. */
function fileName({ venue, recording }: RecordingWriterOptions['of'], startedMicros: number, part: number): string {
  const time = new Date(startedMicros / MICROS_PER_MS).toISOString().replace(/[-:]|\.\d+/g, '');
  return `${venue}-${time}-${recording.slice(0, 8)}-${String(part).padStart(5, '0')}.ndjson.gz`;
}
