import type { WindowSet } from './definition.ts';
import { type Emitted, FINAL, PROVISIONAL, RETRACTION } from './emitted.ts';
import type { Firings } from './firings.ts';
import { type FoundWindow, foundWindow } from './foundWindow.ts';
import { MinHeap } from './minHeap.ts';
import { mustFire, type SlotStore } from './slotStore.ts';
import { EXPIRED, type OpenWindow, type Run, type Windower } from './windower.ts';

/** When a session is due, as of when it was noted: it may have grown, or be gone. */
interface Due {
  readonly slot: number;
  readonly start: number;
  readonly end: number;
  readonly arrival: number;
  readonly key: Uint8Array;
}

/** Sessions of a key that a record at hand brings together, and the bounds that they then have. */
interface Union {
  readonly sessions: readonly number[];
  readonly start: number;
  readonly end: number;
}

interface Saved {
  readonly sessions: Int32Array;
  readonly emitted: Uint8Array;
}

const NO_SLOT = -1;

/** Rows that a join releases together have one arrival: then the keys decide. */
function isDueBefore(a: Due, b: Due): boolean {
  const order = a.end - b.end || a.start - b.start || a.arrival - b.arrival;
  return order === 0 ? Buffer.compare(a.key, b.key) < 0 : order < 0;
}

/**
 * Session windows: one slot for each session. A record that reaches several merges them; whether it is late is judged by
 * what they are together (Akidau et al., "The Dataflow Model", VLDB 2015).
 */
export class SessionWindows implements Windower {
  readonly width = 1;
  readonly #definition: number;
  readonly #gapMicros: number;
  readonly #latenessMicros: number;
  readonly #isDiscarding: boolean;
  readonly #onEachChange: boolean;
  readonly #slots: SlotStore;
  /** By key id: its sessions, by start. */
  readonly #byKey: number[][] = [];
  /** 1 for sessions that were emitted with the bounds that they have. */
  #emitted = new Uint8Array(0);
  readonly #closing = new MinHeap<Due>(isDueBefore);
  readonly #kept = new MinHeap<Due>(isDueBefore);
  #union: Union | null = null;
  #refireSlot = NO_SLOT;
  #watermark = Number.NEGATIVE_INFINITY;

  constructor(
    { gapMicros, definition }: { readonly gapMicros: number; readonly definition: number },
    { latenessMicros, accumulation, emission }: WindowSet,
    slots: SlotStore,
  ) {
    this.#definition = definition;
    this.#gapMicros = gapMicros;
    this.#latenessMicros = latenessMicros;
    this.#isDiscarding = accumulation === 'discarding';
    this.#onEachChange = emission === 'eachChange';
    this.#slots = slots;
  }

  get mustPrepare(): boolean {
    return this.#union !== null;
  }

  get mustRefire(): boolean {
    return this.#refireSlot !== NO_SLOT;
  }

  get nextClosing(): number {
    const first = this.#current(this.#closing);
    return first === null ? Number.POSITIVE_INFINITY : first.end - 1;
  }

  get nextStart(): number {
    return this.#current(this.#closing)?.start ?? Number.POSITIVE_INFINITY;
  }

  assign(run: Run, [slots]: readonly Int32Array[], from: number, to: number): number {
    const { timesMicros, watermarks, keyIds, arrivals } = run;
    const out = slots as Int32Array;
    let closing = this.nextClosing;
    let { starts, ends, lastArrivals } = this.#slots;
    for (let at = from; at < to; at++) {
      const watermark = watermarks[at] as number;
      const tsMicros = timesMicros[at] as number;
      const sessions = this.#byKey[keyIds[at] as number];
      const last = sessions === undefined ? NO_SLOT : (sessions[sessions.length - 1] ?? NO_SLOT);
      if (last >= 0 && this.#emitted[last] === 0 && !this.#onEachChange) {
        const end = ends[last] as number;
        if (tsMicros >= (starts[last] as number) && tsMicros <= end && watermark < end - 1) {
          if (tsMicros + this.#gapMicros > end) ends[last] = tsMicros + this.#gapMicros;
          lastArrivals[last] = arrivals[at] as number;
          out[at] = last;
          continue;
        }
      }
      this.#watermark = watermark;
      if (watermark >= closing && this.#isBehind(keyIds[at] as number, tsMicros)) return at;
      out[at] = this.#place(run, at);
      if (this.mustPrepare) return at;
      if (this.mustRefire) return at + 1;
      ({ starts, ends, lastArrivals } = this.#slots);
      closing = this.nextClosing;
    }
    return to;
  }

  prepare(firings: Firings): void {
    if (this.#union === null) return;
    const { sessions, start, end } = this.#union;
    this.#union = null;
    const { revisions, firstArrivals, lastArrivals, starts, ends } = this.#slots;
    const revision = Math.max(...sessions.map((slot) => revisions[slot] as number));
    // A discarding session's emissions stand by themselves: nothing of them comes again.
    for (const slot of sessions) {
      if (this.#emitted[slot] === 1 && !this.#isDiscarding) firings.addSlot(this.#definition, slot, RETRACTION);
    }
    firings.handOut();
    const [into, ...others] = sessions as [number, ...number[]];
    for (const slot of others) {
      firings.merge(slot, into);
      firstArrivals[into] = Math.min(firstArrivals[into] as number, firstArrivals[slot] as number);
      this.#slots.touch(into, lastArrivals[slot] as number);
      this.#remove(slot, firings);
    }
    revisions[into] = revision;
    starts[into] = start;
    ends[into] = end;
    this.#emitted[into] = 0;
    this.#note(into);
  }

  refire(firings: Firings): number {
    const slot = this.#refireSlot;
    if (slot === NO_SLOT) return 0;
    this.#refireSlot = NO_SLOT;
    const isComplete = this.#watermark >= (this.#slots.ends[slot] as number) - 1;
    this.#fire(slot, firings, isComplete ? FINAL : PROVISIONAL);
    return isComplete ? 1 : 0;
  }

  *close(firings: Firings): Generator<void> {
    const due = this.#current(this.#closing);
    if (due === null) return;
    this.#closing.pop();
    this.#watermark = due.end - 1;
    this.#fire(due.slot, firings, FINAL);
    this.#kept.push(due);
    if (firings.spend()) yield;
  }

  *openWindows(): Iterable<OpenWindow> {
    const definition = this.#definition;
    const { starts, ends } = this.#slots;
    for (const slot of this.#slots.byFirstRecord(this.#byKey.flat())) {
      const flush = (firings: Firings, emitted: Emitted) => this.#flush(slot, firings, emitted);
      yield { startMicros: starts[slot] as number, endMicros: ends[slot] as number, definition, flush };
    }
  }

  find(definition: number, keyId: number, atMicros: number): FoundWindow | null {
    if (definition !== this.#definition) return null;
    const { starts, ends } = this.#slots;
    const isIn = (session: number): boolean =>
      (starts[session] as number) <= atMicros && atMicros < (ends[session] as number);
    const slot = this.#byKey[keyId]?.find(isIn);
    return slot === undefined ? null : foundWindow(this.#slots, slot);
  }

  *expire(watermark: number, firings: Firings): Generator<void> {
    this.#watermark = watermark;
    for (let due = this.#current(this.#kept); due !== null; due = this.#current(this.#kept)) {
      if (watermark < due.end - 1 + this.#latenessMicros) return;
      this.#kept.pop();
      this.#remove(due.slot, firings);
      if (firings.spend()) yield;
    }
  }

  snapshot(): Saved {
    const sessions = Int32Array.from(this.#byKey.flat());
    return { sessions, emitted: Uint8Array.from(sessions, (slot) => this.#emitted[slot] as number) };
  }

  restore({ sessions, emitted }: Saved, watermark: number): void {
    this.#watermark = watermark;
    for (let i = 0; i < sessions.length; i++) {
      const slot = sessions[i] as number;
      this.#take(slot);
      this.#emitted[slot] = emitted[i] as number;
      this.#note(slot);
    }
  }

  /** Puts a record into its session; sets `#union` instead where others must be merged or taken back first. */
  #place(run: Run, at: number): number {
    const tsMicros = run.timesMicros[at] as number;
    const arrival = run.arrivals[at] as number;
    const keyId = run.keyIds[at] as number;
    const { starts, ends } = this.#slots;
    const reached = this.#reachedBy(keyId, tsMicros);
    const start = Math.min(tsMicros, ...reached.map((slot) => starts[slot] as number));
    const end = Math.max(tsMicros + this.#gapMicros, ...reached.map((slot) => ends[slot] as number));
    if (this.#watermark >= end - 1 + this.#latenessMicros) {
      run.late.add(at, this.#definition);
      return EXPIRED;
    }
    const [found, ...others] = reached;
    const slot = found ?? this.#slots.open(keyId, start, end, arrival);
    if (found === undefined) {
      this.#take(slot);
      this.#note(slot);
    } else {
      const grows = start !== starts[found] || end !== ends[found];
      if (others.length > 0 || (grows && this.#emitted[found] === 1)) {
        this.#union = { sessions: reached, start, end };
        return EXPIRED;
      }
      // Noted anew where it is due sooner than noted, or was complete; one that is due later is found out when it comes up.
      const mustNote = start !== starts[found] || (grows && this.#watermark >= (ends[found] as number) - 1);
      starts[found] = start;
      ends[found] = end;
      if (mustNote) this.#note(found);
    }
    this.#slots.touch(slot, arrival);
    if (this.#onEachChange || this.#watermark >= end - 1) {
      run.revisits = true;
      this.#refireSlot = slot;
    }
    return slot;
  }

  /** Whether a record's session is complete, or takes in one that is, or one that was emitted and is taken back then. */
  #isBehind(keyId: number, tsMicros: number): boolean {
    if (this.#watermark >= tsMicros + this.#gapMicros - 1) return true;
    const { ends } = this.#slots;
    return this.#reachedBy(keyId, tsMicros).some(
      (slot) => this.#watermark >= (ends[slot] as number) - 1 || this.#emitted[slot] === 1,
    );
  }

  /** A key's sessions that have not expired and are at most a gap away from a record. */
  #reachedBy(keyId: number, tsMicros: number): number[] {
    const { starts, ends } = this.#slots;
    return (this.#byKey[keyId] ?? []).filter(
      (slot) =>
        (starts[slot] as number) <= tsMicros + this.#gapMicros &&
        (ends[slot] as number) >= tsMicros &&
        this.#watermark < (ends[slot] as number) - 1 + this.#latenessMicros,
    );
  }

  #fire(slot: number, firings: Firings, emitted: Emitted): void {
    if (!mustFire(this.#slots, slot, emitted, this.#isDiscarding)) return;
    firings.addSlot(this.#definition, slot, emitted);
    this.#emitted[slot] = 1;
    if (this.#isDiscarding) firings.empty(slot);
  }

  *#flush(slot: number, firings: Firings, emitted: Emitted): Generator<void> {
    this.#fire(slot, firings, emitted);
    if (firings.spend()) yield;
  }

  /** Adds a session to those of its key. */
  #take(slot: number): void {
    if (slot >= this.#emitted.length) {
      const larger = new Uint8Array(this.#slots.capacity);
      larger.set(this.#emitted);
      this.#emitted = larger;
    }
    this.#emitted[slot] = 0;
    const { keyIds, starts } = this.#slots;
    const keyId = keyIds[slot] as number;
    while (this.#byKey.length <= keyId) this.#byKey.push([]);
    const sessions = this.#byKey[keyId] as number[];
    const after = sessions.findIndex((other) => (starts[other] as number) > (starts[slot] as number));
    sessions.splice(after < 0 ? sessions.length : after, 0, slot);
  }

  #remove(slot: number, firings: Firings): void {
    const sessions = this.#byKey[this.#slots.keyIds[slot] as number] as number[];
    sessions.splice(sessions.indexOf(slot), 1);
    firings.close(slot);
  }

  /** Notes when a session completes, or, when it has, until when it is kept. */
  #note(slot: number): void {
    const due = this.#dueOf(slot);
    (this.#watermark >= due.end - 1 ? this.#kept : this.#closing).push(due);
  }

  #dueOf(slot: number): Due {
    const { starts, ends, firstArrivals } = this.#slots;
    const arrival = firstArrivals[slot] as number;
    return { slot, start: starts[slot] as number, end: ends[slot] as number, arrival, key: this.#slots.keyOf(slot) };
  }

  /** The first that is due, with the bounds that it has now. */
  #current(heap: MinHeap<Due>): Due | null {
    for (let first = heap.first; first !== undefined; first = heap.first) {
      const now = this.#dueOf(first.slot);
      const isGone = !this.#slots.isOpen(first.slot) || now.arrival !== first.arrival;
      if (!isGone && now.end === first.end && now.start === first.start) return first;
      heap.pop();
      const isElsewhere = heap === this.#kept && this.#watermark < now.end - 1;
      if (!isGone && !isElsewhere) heap.push(now);
    }
    return null;
  }
}
