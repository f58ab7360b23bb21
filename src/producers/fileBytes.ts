import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline, type Readable } from 'node:stream';
import { constants, createGunzip } from 'node:zlib';
import { TidemarkError } from '../errors.ts';

const READ_BYTES = 262_144;
const GZIP_MAGIC = [0x1f, 0x8b];

/** What the commonest failures mean, and what to do then. */
const FAILURES: ReadonlyMap<unknown, readonly [reason: string, hint: string]> = new Map([
  ['ENOENT', ['there is none', 'see that the name is right']],
  ['EISDIR', ['it is a directory', 'give the files in it']],
  ['EACCES', ['it may not be read', 'give yourself the right to read it']],
]);

/** What a failure to read a file is to the user. */
export function fileError(path: string, cause: unknown): TidemarkError {
  const { message, code } = (cause instanceof Error ? cause : new Error(String(cause))) as NodeJS.ErrnoException;
  const [reason, hint] = FAILURES.get(code) ?? [
    message,
    'give a whole, readable copy and run the same command; what was committed stays, and it goes on from there',
  ];
  return new TidemarkError('TM_PRODUCE_FILE', `the file cannot be read: ${reason}`, { where: path, hint, cause });
}

/** Whether a file is gzip, by its content. */
export async function isGzip(path: string): Promise<boolean> {
  const start = Buffer.alloc(GZIP_MAGIC.length);
  const file = await open(path);
  try {
    await file.read(start, 0, start.length, 0);
  } finally {
    await file.close();
  }
  return GZIP_MAGIC.every((byte, index) => start[index] === byte);
}

/** The bytes of a file as they are stored. */
export function storedBytes(path: string): Readable {
  return createReadStream(path, { highWaterMark: READ_BYTES });
}

/** What is in a gzip file. With `mayBeCut` one that ends in the middle gives what is there; otherwise it is an error. */
export function gunzipped(path: string, mayBeCut = false): Readable {
  const end = mayBeCut ? { finishFlush: constants.Z_SYNC_FLUSH } : {};
  const content = createGunzip({ chunkSize: READ_BYTES, ...end });
  // pipeline hands an error of the file on to the stream that is read; there is nothing more to do about it here.
  pipeline(storedBytes(path), content, () => undefined);
  return content;
}
