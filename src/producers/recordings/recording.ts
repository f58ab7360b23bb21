import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { TidemarkError } from '../../errors.ts';
import { fileError, storedBytes } from '../fileBytes.ts';
import type { Venue } from '../venues/venue.ts';
import { VENUES } from '../venues/venues.ts';
import { parseHeader, parseRecordedLine, parseTextLine, type RecordedLine, textAddress } from './format.ts';
import { recordedLines } from './lines.ts';

/** What was recorded in one go: files that follow one another. */
export interface Recording {
  /** Names it for ever. */
  readonly id: string;
  readonly label: string;
  readonly venue: Venue;
  readonly files: readonly { readonly path: string; readonly name: string }[];
  /** Lines at the beginning of each file that are no recorded ones. */
  readonly headerLines: number;
  readonly parseLine: (line: string) => RecordedLine;
  /** Ends where its last file ends, even without a line that says so. */
  readonly isWhole: boolean;
}

/** Hosts of addresses in recordings, also such as a venue no longer has. */
const HOSTS: ReadonlyMap<string, string> = new Map([
  ['ws-feed.pro.coinbase.com', 'coinbase'],
  ['www.bitmex.com', 'bitmex'],
  ...[...VENUES.values()].map(({ name, url }) => [new URL(url).hostname, name] as const),
]);

/** One file of a recording, or a session in cryptofeed's text format. */
interface OpenedFile {
  readonly path: string;
  readonly id: string;
  /** Null for a session, which is whole by itself. */
  readonly part: number | null;
  readonly venue: Venue;
}

/**
 * The recordings that files belong to; a file that is given twice counts once.
 * @throws TM_RECORDING for a file that is none, or whose recording lacks an earlier file; TM_PRODUCE_FILE
 */
export async function openRecordings(paths: readonly string[]): Promise<readonly Recording[]> {
  const byId = new Map<string, OpenedFile[]>();
  for (const path of paths) {
    const file = await openFile(path);
    const files = byId.get(file.id) ?? [];
    if (!files.some(({ part }) => part === file.part)) files.push(file);
    byId.set(file.id, files);
  }
  return [...byId.values()].map(recordingOf);
}

function recordingOf(files: readonly OpenedFile[]): Recording {
  const sorted = [...files].sort((a, b) => (a.part ?? 0) - (b.part ?? 0));
  const [first] = sorted;
  if (first === undefined) throw new Error('a recording has a file');
  const { id, venue, path } = first;
  const missing = sorted.findIndex(({ part }, index) => part !== null && part !== index + 1);
  if (missing >= 0) {
    throw recordingError(
      `file ${missing + 1} of the recording is missing`,
      sorted[missing]?.path ?? path,
      'give all files of the recording, from the first one on: what was produced before is not produced again',
    );
  }
  const isText = first.part === null;
  return {
    id,
    label: basename(path),
    venue,
    files: sorted.map((file) => ({ path: file.path, name: basename(file.path) })),
    headerLines: isText ? 0 : 1,
    parseLine: isText ? parseTextLine : parseRecordedLine,
    isWhole: isText,
  };
}

async function openFile(path: string): Promise<OpenedFile> {
  const line = await firstLine(path);
  if (line === null) throw recordingError('the file is empty', path, 'give files that tidemark record wrote');
  const address = textAddress(line);
  if (address !== null) {
    const { hostname } = new URL(address);
    const venue = VENUES.get(HOSTS.get(hostname) ?? '');
    if (venue === undefined) throw recordingError(`no venue is known at ${hostname}`, path, venueHint());
    return { path, id: `text.${await contentHash(path)}`, part: null, venue };
  }
  const header = parseHeader(line);
  if (header === null) {
    throw recordingError('the file is no recording', path, "give files that tidemark record wrote, or cryptofeed's");
  }
  const venue = VENUES.get(header.venue);
  if (venue === undefined) throw recordingError(`no venue is called ${header.venue}`, path, venueHint());
  return { path, id: header.recording, part: header.part, venue };
}

/** Null of a file with nothing in it. */
async function firstLine(path: string): Promise<string | null> {
  for await (const { lines } of recordedLines(path)) return lines[0] ?? '';
  return null;
}

/** @throws TM_PRODUCE_FILE */
async function contentHash(path: string): Promise<string> {
  const hash = createHash('sha256');
  try {
    for await (const bytes of storedBytes(path)) hash.update(bytes as Buffer);
  } catch (cause) {
    throw fileError(path, cause);
  }
  return hash.digest('hex').slice(0, 32);
}

function venueHint(): string {
  return `the venues are ${[...VENUES.keys()].join(', ')}`;
}

export function recordingError(message: string, where: string, hint: string): TidemarkError {
  return new TidemarkError('TM_RECORDING', message, { where, hint });
}
