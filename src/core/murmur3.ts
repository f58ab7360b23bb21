/** MurmurHash3_x86_32 (A. Appleby, public domain), as an unsigned number. */
export function murmur3(bytes: Uint8Array, seed: number): number {
  const { length } = bytes;
  const wholeWords = length & ~3;
  let hash = seed;
  for (let i = 0; i < wholeWords; i += 4) {
    hash ^= scrambled(wordAt(bytes, i, 4));
    hash = Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64;
  }
  hash ^= scrambled(wordAt(bytes, wholeWords, length - wholeWords));
  hash ^= length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** Up to four bytes, the first one lowest. */
function wordAt(bytes: Uint8Array, start: number, count: number): number {
  let word = 0;
  for (let i = 0; i < count; i++) word |= (bytes[start + i] as number) << (8 * i);
  return word;
}

function scrambled(word: number): number {
  const mixed = Math.imul(word, 0xcc9e2d51);
  return Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593);
}
