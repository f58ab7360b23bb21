import { copyBytes } from './binaryBytes.ts';
import type { BinaryColumn } from './columns.ts';

/** The keys that something refers to, as plain data: key i has the id `ids[i]` and ends at `ends[i]` in `bytes`. */
export interface SavedKeys {
  /** Whether the table told keys apart by their ends. */
  readonly hashesEnds: boolean;
  readonly ids: Int32Array;
  readonly bytes: Uint8Array;
  readonly ends: Int32Array;
}

const NO_BYTES = new Uint8Array(0);
// What is kept of an id, side by side: a record's key touches one cache line of it.
const HASH = 0;
/** Where its bytes begin in the arena. */
const START = 1;
const LENGTH = 2;
const REFERENCES = 3;
const WIDTH = 4;
/** In place of the length of an id that was given back. */
const FREED = -1;
const END_BYTES = 8;
/** So many keys may have the same last bytes before all of each key is hashed. */
const MOST_ALIKE = 4;

/**
 * Integer ids for keys: the bytes of a key are hashed once a record, and everything after that works on the id. Ids
 * without a reference are given back by `sweep`, so the table is as large as the keys that have state, not as all keys
 * ever seen.
 */
export class KeyTable {
  #buckets = new Int32Array(1024).fill(-1);
  #records = new Int32Array(512 * WIDTH);
  #capacity = 0;
  /** The bytes of all keys. */
  #arena = new DataView(new ArrayBuffer(8192));
  #arenaBytes = new Uint8Array(this.#arena.buffer);
  #arenaUsed = 0;
  /** Of those in use, the bytes of keys that were given back. */
  #arenaFreed = 0;
  /** By id, the keys that were asked for, or null. */
  readonly #asked: (Uint8Array | null)[] = [];
  /** The latest source of keys, and a view of it: most calls have the same one as the call before. */
  #source: Uint8Array = NO_BYTES;
  #view = new DataView(NO_BYTES.buffer);
  readonly #free: number[] = [];
  #unreferenced: number[] = [];
  #live = 0;
  /** Keys mostly differ in their last bytes: as long as they do, these alone are hashed. */
  #hashesEnds = true;

  /** Keys that have an id now. */
  get size(): number {
    return this.#live;
  }

  /** One more than the highest id ever given: the length that an array by key id needs. */
  get capacity(): number {
    return this.#capacity;
  }

  bytesOf(id: number): Uint8Array {
    const asked = this.#asked[id];
    if (asked !== undefined && asked !== null) return asked;
    if (!this.#isLive(id)) throw new RangeError(`no key has the id ${id}`);
    const bytes = this.#bytesIn(this.#arenaBytes, id).slice();
    this.#asked[id] = bytes;
    return bytes;
  }

  /** The keys of ids as a column of texts. */
  column(ids: Int32Array): BinaryColumn {
    const records = this.#records;
    const offsets = new Int32Array(ids.length + 1);
    for (let i = 0; i < ids.length; i++) {
      offsets[i + 1] = (offsets[i] as number) + (records[(ids[i] as number) * WIDTH + LENGTH] as number);
    }
    const bytes = new Uint8Array(offsets[ids.length] as number);
    const arena = this.#arenaBytes;
    for (let i = 0; i < ids.length; i++) {
      const at = (ids[i] as number) * WIDTH;
      const start = records[at + START] as number;
      copyBytes(arena, start, start + (records[at + LENGTH] as number), bytes, offsets[i] as number);
    }
    return { kind: 'string', bytes, offsets };
  }

  /** The id of `source[start, end)`; a new key gets a new id. */
  intern(source: Uint8Array, start: number, end: number): number {
    if (source !== this.#source) {
      this.#source = source;
      this.#view = viewOf(source);
    }
    const view = this.#view;
    const hash = this.#hashOf(view, start, end);
    const records = this.#records;
    const mask = this.#buckets.length - 1;
    let at = hash & mask;
    for (;;) {
      const id = this.#buckets[at] as number;
      if (id === -1) return this.#add(source.subarray(start, end), hash);
      if (records[id * WIDTH + HASH] === hash && this.#equals(id, view, start, end)) return id;
      at = (at + 1) & mask;
    }
  }

  /** The id here of a key that has an id in another table. */
  internFrom(other: KeyTable, id: number): number {
    const start = other.#records[id * WIDTH + START] as number;
    return this.intern(other.#arenaBytes, start, start + (other.#records[id * WIDTH + LENGTH] as number));
  }

  /** The id that a key has, or -1. It looks at every key: for questions, not for records. */
  idOf(key: Uint8Array): number {
    for (let id = 0; id < this.#capacity; id++) {
      if (this.#isLive(id) && Buffer.compare(this.#bytesIn(this.#arenaBytes, id), key) === 0) return id;
    }
    return -1;
  }

  retain(id: number): void {
    (this.#records[id * WIDTH + REFERENCES] as number)++;
  }

  release(id: number): void {
    const left = --(this.#records[id * WIDTH + REFERENCES] as number);
    if (left === 0) this.#unreferenced.push(id);
  }

  /** Gives back the ids that nothing refers to. Call it when no chunk that carries ids is on its way. */
  sweep(): void {
    if (this.#unreferenced.length === 0) return;
    const candidates = this.#unreferenced;
    this.#unreferenced = [];
    for (const id of candidates) {
      const at = id * WIDTH;
      if (this.#records[at + REFERENCES] !== 0 || !this.#isLive(id)) continue;
      this.#removeFromBuckets(id);
      this.#arenaFreed += this.#records[at + LENGTH] as number;
      this.#records[at + LENGTH] = FREED;
      this.#asked[id] = null;
      this.#free.push(id);
      this.#live--;
    }
  }

  snapshot(): SavedKeys {
    const ids = Int32Array.from(this.#referenced());
    const { bytes, offsets } = this.column(ids);
    return { hashesEnds: this.#hashesEnds, ids, bytes, ends: offsets.slice(1) };
  }

  /** Takes the keys of a snapshot into a table that is empty, with their ids. Whoever has state of a key retains it again. */
  restore({ hashesEnds, ids, bytes, ends }: SavedKeys): void {
    const capacity = ids.reduce((highest, id) => Math.max(highest, id + 1), 0);
    for (let id = 0; id < capacity; id++) this.#records[this.#newId() * WIDTH + LENGTH] = FREED;
    for (let i = 0; i < ids.length; i++) {
      const id = ids[i] as number;
      this.#putIntoArena(id, bytes.subarray(ends[i - 1] ?? 0, ends[i]));
      this.#unreferenced.push(id);
    }
    this.#live = ids.length;
    this.#hashBy(hashesEnds);
    for (let id = capacity - 1; id >= 0; id--) if (!this.#isLive(id)) this.#free.push(id);
  }

  *#referenced(): Iterable<number> {
    for (let id = 0; id < this.#capacity; id++) {
      if ((this.#records[id * WIDTH + REFERENCES] as number) > 0) yield id;
    }
  }

  #isLive(id: number): boolean {
    return id >= 0 && id < this.#capacity && this.#records[id * WIDTH + LENGTH] !== FREED;
  }

  #bytesIn(arena: Uint8Array, id: number): Uint8Array {
    const start = this.#records[id * WIDTH + START] as number;
    return arena.subarray(start, start + (this.#records[id * WIDTH + LENGTH] as number));
  }

  #equals(id: number, view: DataView, start: number, end: number): boolean {
    const length = end - start;
    const at = id * WIDTH;
    if (this.#records[at + LENGTH] !== length) return false;
    const arena = this.#arena;
    const own = this.#records[at + START] as number;
    if (length < 4) {
      for (let k = 0; k < length; k++) if (arena.getUint8(own + k) !== view.getUint8(start + k)) return false;
      return true;
    }
    const last = length - 4;
    for (let k = 0; k < last; k += 4) {
      if (arena.getInt32(own + k, true) !== view.getInt32(start + k, true)) return false;
    }
    return arena.getInt32(own + last, true) === view.getInt32(start + last, true);
  }

  /** Copies a key to the end of the arena, which grows, or closes up over freed keys if these are most of it. */
  #putIntoArena(id: number, key: Uint8Array): void {
    if (this.#arenaUsed + key.length > this.#arena.byteLength) this.#renewArena(key.length);
    this.#append(id, key);
  }

  #renewArena(room: number): void {
    const arena = this.#arenaBytes;
    const live = this.#arenaUsed - this.#arenaFreed;
    const size = live * 2 > this.#arenaUsed ? arena.byteLength * 2 : arena.byteLength;
    this.#arena = new DataView(new ArrayBuffer(Math.max(size, (live + room) * 2)));
    this.#arenaBytes = new Uint8Array(this.#arena.buffer);
    this.#arenaUsed = 0;
    this.#arenaFreed = 0;
    for (let id = 0; id < this.#capacity; id++) if (this.#isLive(id)) this.#append(id, this.#bytesIn(arena, id));
  }

  #append(id: number, key: Uint8Array): void {
    const at = id * WIDTH;
    this.#arenaBytes.set(key, this.#arenaUsed);
    this.#records[at + START] = this.#arenaUsed;
    this.#records[at + LENGTH] = key.length;
    this.#arenaUsed += key.length;
  }

  #add(key: Uint8Array, hash: number): number {
    if (this.#hashesEnds && this.#countAlike(hash) === MOST_ALIKE) {
      this.#hashBy(false);
      return this.#add(key, this.#hashOf(viewOf(key), 0, key.length));
    }
    const id = this.#free.pop() ?? this.#newId();
    this.#records[id * WIDTH + LENGTH] = FREED;
    this.#putIntoArena(id, key);
    this.#records[id * WIDTH + HASH] = hash;
    this.#records[id * WIDTH + REFERENCES] = 0;
    this.#unreferenced.push(id);
    this.#live++;
    if (this.#live * 2 > this.#buckets.length) this.#rehash();
    else this.#place(id);
    return id;
  }

  /** How many keys have a hash. */
  #countAlike(hash: number): number {
    const mask = this.#buckets.length - 1;
    let alike = 0;
    for (let at = hash & mask; this.#buckets[at] !== -1; at = (at + 1) & mask) {
      if (this.#records[(this.#buckets[at] as number) * WIDTH + HASH] === hash) alike++;
    }
    return alike;
  }

  /** From now on the ends of keys are hashed, or all of each. */
  #hashBy(ends: boolean): void {
    this.#hashesEnds = ends;
    for (let id = 0; id < this.#capacity; id++) {
      const at = id * WIDTH;
      const start = this.#records[at + START] as number;
      if (this.#isLive(id)) {
        this.#records[at + HASH] = this.#hashOf(this.#arena, start, start + (this.#records[at + LENGTH] as number));
      }
    }
    this.#rehash();
  }

  #hashOf(view: DataView, start: number, end: number): number {
    return this.#hashesEnds && end - start >= END_BYTES ? hashOfEnd(view, start, end) : hashOf(view, start, end);
  }

  /** An id above all others. */
  #newId(): number {
    const id = this.#capacity++;
    this.#asked.push(null);
    if (id * WIDTH === this.#records.length) this.#records = doubled(this.#records);
    return id;
  }

  #rehash(): void {
    let size = this.#buckets.length;
    while (this.#live * 2 > size) size *= 2;
    this.#buckets = new Int32Array(size).fill(-1);
    for (let id = 0; id < this.#capacity; id++) if (this.#isLive(id)) this.#place(id);
  }

  #place(id: number): void {
    const mask = this.#buckets.length - 1;
    let at = this.#home(id);
    while (this.#buckets[at] !== -1) at = (at + 1) & mask;
    this.#buckets[at] = id;
  }

  #home(id: number): number {
    const hash = this.#records[id * WIDTH + HASH] as number;
    return hash & (this.#buckets.length - 1);
  }

  /** Backward-shift deletion (Knuth 6.4, algorithm R): no tombstones, so look-ups stay short. */
  #removeFromBuckets(id: number): void {
    const mask = this.#buckets.length - 1;
    let hole = this.#home(id);
    while (this.#buckets[hole] !== id) hole = (hole + 1) & mask;
    let at = hole;
    for (;;) {
      at = (at + 1) & mask;
      const moved = this.#buckets[at] as number;
      if (moved === -1) break;
      const distanceFromHome = (at - this.#home(moved)) & mask;
      if (distanceFromHome >= ((at - hole) & mask)) {
        this.#buckets[hole] = moved;
        hole = at;
      }
    }
    this.#buckets[hole] = -1;
  }
}

function doubled(values: Int32Array): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(values.length * 2);
  larger.set(values);
  return larger;
}

function viewOf(bytes: Uint8Array): DataView<ArrayBuffer> {
  return new DataView(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * A key is hashed for every record: eight bytes at a time, in two halves that do not wait for each other; the last eight
 * may overlap those before. Multiplications and folded high bits are MurmurHash3's (Appleby, public domain).
 */
function hashOf(view: DataView, start: number, end: number): number {
  let low = 0x811c9dc5 ^ (end - start);
  let high = 0x9e3779b1 | 0;
  if (end - start < 8) {
    for (let i = start; i < end; i++) low = Math.imul(low ^ view.getUint8(i), 0x01000193);
  } else {
    const last = end - 8;
    for (let i = start; i < last; i += 8) {
      low = Math.imul(low ^ view.getInt32(i, true), 0x85ebca6b);
      high = Math.imul(high ^ view.getInt32(i + 4, true), 0xc2b2ae35);
      low ^= low >>> 15;
      high ^= high >>> 13;
    }
    low = Math.imul(low ^ view.getInt32(last, true), 0x85ebca6b);
    high = Math.imul(high ^ view.getInt32(last + 4, true), 0xc2b2ae35);
    low ^= low >>> 15;
    high ^= high >>> 13;
  }
  const mixed = Math.imul(low ^ high, 0x2c1b3c6d);
  return mixed ^ (mixed >>> 16);
}

/** The hash of the length and the last `END_BYTES` bytes. */
function hashOfEnd(view: DataView, start: number, end: number): number {
  const low = Math.imul(view.getInt32(end - END_BYTES, true) ^ (end - start), 0x85ebca6b);
  const mixed = Math.imul(low ^ (low >>> 15) ^ view.getInt32(end - 4, true), 0x9e3779b1);
  return mixed ^ (mixed >>> 15);
}
