import { Buffer } from 'node:buffer';
import { copyBytes } from '../../core/binaryBytes.ts';
import type { BinaryColumn } from '../../core/columns.ts';

/** A string column of `count` values, given as UTF-8. */
export function utf8Column(count: number, valueAt: (index: number) => Uint8Array): BinaryColumn {
  const offsets = new Int32Array(count + 1);
  for (let i = 0; i < count; i++) offsets[i + 1] = (offsets[i] as number) + valueAt(i).length;
  const bytes = new Uint8Array(offsets[count] as number);
  for (let i = 0; i < count; i++) {
    const value = valueAt(i);
    copyBytes(value, 0, value.length, bytes, offsets[i] as number);
  }
  return { kind: 'string', bytes, offsets };
}

/** A string column of texts; `nulls` are there when one of them is null. */
export function textColumn(texts: readonly (string | null)[]): BinaryColumn {
  const encoded = texts.map((text) => Buffer.from(text ?? ''));
  const column = utf8Column(texts.length, (index) => encoded[index] as Uint8Array);
  return texts.includes(null)
    ? { ...column, nulls: Uint8Array.from(texts, (text) => (text === null ? 1 : 0)) }
    : column;
}
