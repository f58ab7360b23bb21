import { countParser, isSoundTime } from '../timeText.ts';

/**
 * A recording is gzip-compressed NDJSON in one or more files: a header, then a line for each text frame that came, each connection that
 * was opened or lost, and the end. A file that was cut off is a recording up to its last whole line.
 */
export interface RecordingHeader {
  readonly format: typeof FORMAT;
  /** The same in all files of one run of the recorder. */
  readonly recording: string;
  /** Files of it count from 1. */
  readonly part: number;
  readonly venue: string;
  readonly url: string;
  readonly symbols: readonly string[];
  readonly startedMicros: number;
}

export const FORMAT = 'tidemark-recording-1';

/** What a line after the header is. */
export type RecordedLine =
  | { readonly kind: 'frame'; readonly receivedMicros: number; readonly frame: string }
  /** A connection was opened: what came before it is not connected with what comes after. */
  | { readonly kind: 'open' | 'closed'; readonly receivedMicros: number }
  /** Nothing comes after it. */
  | { readonly kind: 'end' }
  /** Nothing that the venue sent. */
  | { readonly kind: 'none' }
  | { readonly kind: 'broken' };

const BROKEN: RecordedLine = { kind: 'broken' };
const NONE: RecordedLine = { kind: 'none' };
const END: RecordedLine = { kind: 'end' };

/** Null for a line that is none. */
export function parseHeader(line: string): RecordingHeader | null {
  const header = parseJson(line) as Partial<RecordingHeader> | null;
  if (typeof header !== 'object' || header?.format !== FORMAT) return null;
  const { recording, part = 0, venue, url, symbols, startedMicros = Number.NaN } = header;
  if (typeof recording !== 'string' || typeof venue !== 'string' || typeof url !== 'string') return null;
  if (!Number.isSafeInteger(part) || part < 1 || !Array.isArray(symbols) || !isSoundTime(startedMicros)) return null;
  return { format: FORMAT, recording, part, venue, url, symbols, startedMicros };
}

export function frameLine(receivedMicros: number, frame: string): string {
  return JSON.stringify({ receivedMicros, frame });
}

/** @param reason why it was closed */
export function connectionLine(receivedMicros: number, connection: 'open' | 'closed', reason?: string): string {
  return JSON.stringify({ receivedMicros, connection, reason });
}

export const END_LINE = JSON.stringify({ end: true });

/** A line after the header of a recording. */
export function parseRecordedLine(line: string): RecordedLine {
  const value = parseJson(line);
  if (typeof value !== 'object' || value === null) return BROKEN;
  const { receivedMicros, frame, connection, end } = value as Readonly<Record<string, unknown>>;
  if (end === true) return END;
  if (typeof receivedMicros !== 'number' || !Number.isInteger(receivedMicros) || !isSoundTime(receivedMicros))
    return BROKEN;
  if (typeof frame === 'string') return { kind: 'frame', receivedMicros, frame };
  return connection === 'open' || connection === 'closed' ? { kind: connection, receivedMicros } : BROKEN;
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

const readSeconds = countParser('s');
const OPENED = /^(wss:\/\/\S+) <-> (\d+(?:\.\d+)?)$/;
const RECEIVED = /^(\d+(?:\.\d+)?): (.*)$/;
const SENT = /^wss:\/\/\S+ <- \d/;
/** How Python prints bytes that are plain text. */
const BYTES = /^b'([^'\\]*)'$/;

/** The address in the first line of cryptofeed's raw text format; null where it is none. */
export function textAddress(line: string): string | null {
  return OPENED.exec(line)?.[1] ?? null;
}

/** A line of cryptofeed's raw text format: `seconds: frame`, an address where it connected, or what was sent. */
export function parseTextLine(line: string): RecordedLine {
  const [, seconds, text = ''] = RECEIVED.exec(line) ?? [];
  if (seconds !== undefined) {
    const receivedMicros = readSeconds(seconds);
    const frame = BYTES.exec(text)?.[1] ?? text;
    return isSoundTime(receivedMicros) ? { kind: 'frame', receivedMicros, frame } : BROKEN;
  }
  const opened = OPENED.exec(line)?.[2];
  if (opened !== undefined) return { kind: 'open', receivedMicros: readSeconds(opened) };
  return line === '' || SENT.test(line) ? NONE : BROKEN;
}
