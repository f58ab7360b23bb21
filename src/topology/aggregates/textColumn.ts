import { Buffer } from 'node:buffer';
import { BINARY_BYTES_PER_ROW, copyBytes, enlarged } from '../../core/binaryBytes.ts';
import type { BinaryColumn } from '../../core/columns.ts';

/** A string column of `count` values, given as UTF-8. Each is asked for once. */
export function utf8Column(count: number, valueAt: (index: number) => Uint8Array): BinaryColumn {
  const offsets = new Int32Array(count + 1);
  let bytes: Uint8Array = new Uint8Array(count * BINARY_BYTES_PER_ROW);
  let end = 0;
  for (let i = 0; i < count; i++) {
    const value = valueAt(i);
    if (end + value.length > bytes.length) bytes = enlarged(bytes, end + value.length, 'A column of texts');
    copyBytes(value, 0, value.length, bytes, end);
    end += value.length;
    offsets[i + 1] = end;
  }
  return { kind: 'string', bytes: bytes.slice(0, end), offsets };
}

/** A string column of texts; `nulls` are there when one of them is null. */
export function textColumn(texts: readonly (string | null)[]): BinaryColumn {
  const encoded = texts.map((text) => Buffer.from(text ?? ''));
  const column = utf8Column(texts.length, (index) => encoded[index] as Uint8Array);
  return texts.includes(null)
    ? { ...column, nulls: Uint8Array.from(texts, (text) => (text === null ? 1 : 0)) }
    : column;
}
