const MARKER = '\r\n__exception__\r\n';

/** An error that ClickHouse met after it had sent the first rows of a result. */
export class ExceptionInBody extends Error {
  override readonly name = 'ExceptionInBody';
}

/**
 * The bytes of a response. ClickHouse writes an error that comes after the first row into the body, after a marker with
 * the tag that a header announced (since 25.11).
 *
 * @throws ExceptionInBody with ClickHouse's text
 */
export async function* readBody(stream: AsyncIterable<Uint8Array>, tag: string | null): AsyncIterable<Uint8Array> {
  if (tag === null) {
    yield* stream;
    return;
  }
  const marker = Buffer.from(MARKER + tag);
  let held = Buffer.alloc(0);
  for await (const part of stream) {
    const bytes =
      held.length === 0 ? Buffer.from(part.buffer, part.byteOffset, part.length) : Buffer.concat([held, part]);
    const at = bytes.indexOf(marker);
    if (at !== -1) throw new ExceptionInBody(await exceptionText(bytes.subarray(at + marker.length), stream));
    // The marker may be cut in two by the end of a part.
    const safe = Math.max(0, bytes.length - marker.length);
    if (safe > 0) yield bytes.subarray(0, safe);
    held = Buffer.from(bytes.subarray(safe));
  }
  if (held.length > 0) yield held;
}

/** The text between the first marker and the line with its length. */
async function exceptionText(start: Buffer, rest: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [start];
  for await (const part of rest) parts.push(part);
  const text = Buffer.concat(parts).toString('utf8');
  return text.replace(/\n\d+ \w+\r\n__exception__\s*$/, '').trim();
}
