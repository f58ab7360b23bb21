import { fileError, gunzipped, isGzip, storedBytes } from '../fileBytes.ts';

const LF = 0x0a;
/** What is kept of a line's beginning, so that memory stays bounded in a file without lines: no frame is longer. */
const MAX_KEPT_BYTES = 67_108_864;

/** Lines of a file, one after another. */
export interface LineBlock {
  readonly lines: readonly string[];
  /** The only line of the block has no end: the file was cut off in it, or stops there. */
  readonly isOpen: boolean;
}

/** The lines of a text file, plain or gzip, which may end in the middle. @throws TM_PRODUCE_FILE */
export async function* recordedLines(path: string): AsyncGenerator<LineBlock> {
  let rest: Buffer = Buffer.alloc(0);
  try {
    const content: AsyncIterable<Buffer> = (await isGzip(path)) ? gunzipped(path, true) : storedBytes(path);
    for await (const bytes of content) {
      const end = bytes.lastIndexOf(LF) + 1;
      if (end === 0) {
        rest = Buffer.concat([rest, bytes]).subarray(0, MAX_KEPT_BYTES);
        continue;
      }
      const lines = Buffer.concat([rest, bytes.subarray(0, end - 1)])
        .toString('utf8')
        .split('\n');
      rest = bytes.subarray(end);
      yield { lines, isOpen: false };
    }
  } catch (cause) {
    throw fileError(path, cause);
  }
  if (rest.length > 0) yield { lines: [rest.toString('utf8')], isOpen: true };
}
