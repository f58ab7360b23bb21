/** The keys that something refers to, as plain data: key i has the id `ids[i]` and ends at `ends[i]` in `bytes`. */
export interface SavedKeys {
  /** Whether the table told keys apart by their ends. */
  readonly hashesEnds: boolean;
  readonly ids: Int32Array;
  readonly bytes: Uint8Array;
  readonly ends: Int32Array;
}

const FREED = new Uint8Array(0);
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
  #hashes = new Int32Array(512);
  #references = new Int32Array(512);
  readonly #keys: Uint8Array[] = [];
  /** The bytes of all keys once more, where they are compared: that of id i begins at `#starts[i]`. */
  #arena = new DataView(new ArrayBuffer(8192));
  #arenaUsed = 0;
  /** Of those in use, the bytes of keys that were given back. */
  #arenaFreed = 0;
  #starts = new Int32Array(512);
  #lengths = new Int32Array(512);
  /** The latest source of keys, and a view of it: most calls have the same one as the call before. */
  #source: Uint8Array = FREED;
  #view = new DataView(FREED.buffer);
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
    return this.#keys.length;
  }

  bytesOf(id: number): Uint8Array {
    const bytes = this.#keys[id];
    if (bytes === undefined) throw new RangeError(`no key has the id ${id}`);
    return bytes;
  }

  /** The id of `source[start, end)`; a new key gets a new id. */
  intern(source: Uint8Array, start: number, end: number): number {
    if (source !== this.#source) {
      this.#source = source;
      this.#view = viewOf(source);
    }
    const view = this.#view;
    const hash = this.#hashOf(view, start, end);
    const mask = this.#buckets.length - 1;
    let at = hash & mask;
    for (;;) {
      const id = this.#buckets[at] as number;
      if (id === -1) return this.#add(source.slice(start, end), hash);
      if (this.#hashes[id] === hash && this.#equals(id, view, start, end)) return id;
      at = (at + 1) & mask;
    }
  }

  /** The id that a key has, or -1. It looks at every key: for questions, not for records. */
  idOf(key: Uint8Array): number {
    return this.#keys.findIndex((other) => other !== FREED && Buffer.compare(other, key) === 0);
  }

  retain(id: number): void {
    (this.#references[id] as number)++;
  }

  release(id: number): void {
    const left = --(this.#references[id] as number);
    if (left === 0) this.#unreferenced.push(id);
  }

  /** Gives back the ids that nothing refers to. Call it when no chunk that carries ids is on its way. */
  sweep(): void {
    if (this.#unreferenced.length === 0) return;
    const candidates = this.#unreferenced;
    this.#unreferenced = [];
    for (const id of candidates) {
      if (this.#references[id] !== 0 || this.#keys[id] === FREED) continue;
      this.#removeFromBuckets(id);
      this.#keys[id] = FREED;
      this.#arenaFreed += this.#lengths[id] as number;
      this.#free.push(id);
      this.#live--;
    }
  }

  snapshot(): SavedKeys {
    const ids = Int32Array.from(this.#referenced());
    const ends = new Int32Array(ids.length);
    let end = 0;
    for (let i = 0; i < ids.length; i++) {
      end += this.bytesOf(ids[i] as number).length;
      ends[i] = end;
    }
    const bytes = new Uint8Array(end);
    for (let i = 0; i < ids.length; i++) bytes.set(this.bytesOf(ids[i] as number), ends[i - 1] ?? 0);
    return { hashesEnds: this.#hashesEnds, ids, bytes, ends };
  }

  /** Takes the keys of a snapshot into a table that is empty, with their ids. Whoever has state of a key retains it again. */
  restore({ hashesEnds, ids, bytes, ends }: SavedKeys): void {
    const capacity = ids.reduce((highest, id) => Math.max(highest, id + 1), 0);
    while (this.#hashes.length < capacity) this.#growIds();
    while (this.#keys.length < capacity) this.#keys.push(FREED);
    for (let i = 0; i < ids.length; i++) {
      const id = ids[i] as number;
      const key = bytes.slice(ends[i - 1] ?? 0, ends[i]);
      this.#keys[id] = key;
      this.#putIntoArena(id, key);
      this.#unreferenced.push(id);
    }
    this.#live = ids.length;
    this.#hashBy(hashesEnds);
    for (let id = capacity - 1; id >= 0; id--) if (this.#keys[id] === FREED) this.#free.push(id);
  }

  *#referenced(): Iterable<number> {
    for (let id = 0; id < this.#keys.length; id++) if ((this.#references[id] as number) > 0) yield id;
  }

  #equals(id: number, view: DataView, start: number, end: number): boolean {
    const length = end - start;
    if (this.#lengths[id] !== length) return false;
    const arena = this.#arena;
    const own = this.#starts[id] as number;
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
    if (this.#arenaUsed + key.length > this.#arena.byteLength) {
      const live = this.#arenaUsed - this.#arenaFreed;
      const size = live * 2 > this.#arenaUsed ? this.#arena.byteLength * 2 : this.#arena.byteLength;
      this.#arena = new DataView(new ArrayBuffer(Math.max(size, (live + key.length) * 2)));
      this.#arenaUsed = 0;
      this.#arenaFreed = 0;
      for (let other = 0; other < this.#keys.length; other++) {
        if (other !== id && this.#keys[other] !== FREED) this.#putIntoArena(other, this.#keys[other] as Uint8Array);
      }
    }
    new Uint8Array(this.#arena.buffer).set(key, this.#arenaUsed);
    this.#starts[id] = this.#arenaUsed;
    this.#lengths[id] = key.length;
    this.#arenaUsed += key.length;
  }

  #add(key: Uint8Array, hash: number): number {
    if (this.#hashesEnds && this.#countAlike(hash) === MOST_ALIKE) {
      this.#hashBy(false);
      return this.#add(key, this.#hashOf(viewOf(key), 0, key.length));
    }
    const id = this.#free.pop() ?? this.#keys.length;
    if (id >= this.#hashes.length) this.#growIds();
    this.#keys[id] = key;
    this.#putIntoArena(id, key);
    this.#hashes[id] = hash;
    this.#references[id] = 0;
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
      if (this.#hashes[this.#buckets[at] as number] === hash) alike++;
    }
    return alike;
  }

  /** From now on the ends of keys are hashed, or all of each. */
  #hashBy(ends: boolean): void {
    this.#hashesEnds = ends;
    for (let id = 0; id < this.#keys.length; id++) {
      const key = this.#keys[id] as Uint8Array;
      this.#hashes[id] = this.#hashOf(viewOf(key), 0, key.length);
    }
    this.#rehash();
  }

  #hashOf(view: DataView, start: number, end: number): number {
    return this.#hashesEnds && end - start >= END_BYTES ? hashOfEnd(view, start, end) : hashOf(view, start, end);
  }

  #growIds(): void {
    this.#hashes = doubled(this.#hashes);
    this.#references = doubled(this.#references);
    this.#starts = doubled(this.#starts);
    this.#lengths = doubled(this.#lengths);
  }

  #rehash(): void {
    let size = this.#buckets.length;
    while (this.#live * 2 > size) size *= 2;
    this.#buckets = new Int32Array(size).fill(-1);
    for (let id = 0; id < this.#keys.length; id++) if (this.#keys[id] !== FREED) this.#place(id);
  }

  #place(id: number): void {
    const mask = this.#buckets.length - 1;
    let at = this.#home(id);
    while (this.#buckets[at] !== -1) at = (at + 1) & mask;
    this.#buckets[at] = id;
  }

  #home(id: number): number {
    const hash = this.#hashes[id] as number;
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
