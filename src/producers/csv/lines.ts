import { fileError, gunzipped, isGzip, storedBytes } from '../fileBytes.ts';

/** A row of more is refused. */
export const MAX_LINE_CHARACTERS = 262_144;
/** What is kept of a line's beginning, so that memory stays bounded in a file without lines: surely more than a row may have. */
const MAX_KEPT_BYTES = 4 * (MAX_LINE_CHARACTERS + 1);

const LF = 0x0a;
const CR = 0x0d;
const BYTE_ORDER_MARK = '\ufeff';

/**
 * The lines of a text file in blocks, without their ends (LF or CRLF) and without a byte order mark. Gzip is recognised by
 * the content, whatever the file is called. A quoted field may not hold a line's end.
 * @throws TM_PRODUCE_FILE when the file cannot be read or its gzip data are damaged
 */
export async function* readLines(path: string): AsyncGenerator<readonly string[]> {
  let rest: Buffer = Buffer.alloc(0);
  let isFirst = true;
  try {
    const content: AsyncIterable<Buffer> = (await isGzip(path)) ? gunzipped(path) : storedBytes(path);
    for await (const bytes of content) {
      const end = bytes.lastIndexOf(LF) + 1;
      if (end === 0) {
        rest = Buffer.concat([rest, bytes]).subarray(0, MAX_KEPT_BYTES);
        continue;
      }
      const text = decode(Buffer.concat([rest, bytes.subarray(0, end - 1)]), isFirst);
      rest = bytes.subarray(end);
      isFirst = false;
      yield splitLines(text);
    }
  } catch (cause) {
    throw fileError(path, cause);
  }
  if (rest.length > 0) yield splitLines(decode(rest, isFirst));
}

/**
 * Reads a gzip file through, so that a damaged one is refused before any of its rows is used: its whole copy has other bytes,
 * and would be another source.
 * @throws TM_PRODUCE_FILE
 */
export async function checkContent(path: string): Promise<void> {
  try {
    if (!(await isGzip(path))) return;
    for await (const _ of gunzipped(path));
  } catch (cause) {
    throw fileError(path, cause);
  }
}

function decode(bytes: Buffer, isFirst: boolean): string {
  const text = bytes.toString('utf8');
  return isFirst && text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text;
}

function splitLines(text: string): readonly string[] {
  const lines = text.split('\n');
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i] as string;
    if (line.charCodeAt(line.length - 1) === CR) lines[i] = line.slice(0, -1);
  }
  return lines;
}
