import type { AvroType } from './avroType.ts';
import type { Cursor } from './cursor.ts';

/** Records within records deeper than this are taken for malformed, so that none can exhaust the stack. */
const MAX_DEPTH = 64;

/** Passes over a value that the reader has no use for. */
export function skip(cursor: Cursor, type: AvroType, depth = 0): void {
  if (depth > MAX_DEPTH) {
    cursor.fail('body');
    return;
  }
  switch (type.kind) {
    case 'null':
      return;
    case 'boolean':
      cursor.boolean();
      return;
    case 'int':
    case 'long':
      cursor.skipLong();
      return;
    case 'float':
      cursor.skip(4);
      return;
    case 'double':
      cursor.skip(8);
      return;
    case 'string':
    case 'bytes':
      cursor.skipBytes();
      return;
    case 'enum':
      cursor.index(type.symbols.length);
      return;
    case 'fixed':
      cursor.skip(type.size);
      return;
    case 'union':
      skipUnion(cursor, type.branches, depth);
      return;
    case 'record':
      for (const field of type.fields) {
        skip(cursor, field.type, depth + 1);
      }
      return;
    case 'array':
      skipBlocks(cursor, (each) => skip(each, type.items, depth + 1));
      return;
    case 'map':
      skipBlocks(cursor, (each) => {
        each.skipBytes();
        skip(each, type.values, depth + 1);
      });
      return;
  }
}

function skipUnion(cursor: Cursor, branches: readonly AvroType[], depth: number): void {
  const branch = branches[cursor.index(branches.length)];
  if (branch !== undefined && cursor.fault === null) {
    skip(cursor, branch, depth + 1);
  }
}

/**
 * Arrays and maps come in blocks: a count and the items; or a negative count, the block's size in bytes, the items. The
 * items are passed over one by one in either case, so that a size that is not theirs is found.
 */
function skipBlocks(cursor: Cursor, skipItem: (cursor: Cursor) => void): void {
  for (let count = cursor.long(); count !== 0; count = cursor.long()) {
    const size = count < 0 ? cursor.length() : null;
    const start = cursor.position;
    const items = Math.abs(count);
    if (items > cursor.end - start) {
      // Items without bytes (nulls) could be counted in any number; no sound writer makes such an array.
      cursor.fail('body');
      return;
    }
    for (let i = 0; i < items && cursor.fault === null; i++) {
      skipItem(cursor);
    }
    if (size !== null && cursor.position !== start + size) {
      cursor.fail('body');
    }
  }
}
