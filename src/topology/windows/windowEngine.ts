import type { KeyTable } from '../../core/keyTable.ts';
import { MICROS_PER_MS } from '../../core/time.ts';
import { TidemarkError } from '../../errors.ts';
import {
  type Barrier,
  type Chunk,
  type Element,
  type Explain,
  NO_WATERMARK,
  noteWaiting,
  type Restore,
  type Shape,
  type Snapshot,
} from '../elements.ts';
import type { WindowSet } from './definition.ts';
import { type Emitted, FINAL, PROVISIONAL } from './emitted.ts';
import { Firings } from './firings.ts';
import type { FoundWindow } from './foundWindow.ts';
import { GlobalWindows } from './globalWindows.ts';
import { multipleAfter } from './grid.ts';
import { GridWindows } from './gridWindows.ts';
import { LateRecords } from './lateRecords.ts';
import { SessionWindows } from './sessionWindows.ts';
import type { NumberedGrid } from './slicePlan.ts';
import { SlidingWindows } from './slidingWindows.ts';
import { type SavedSlots, SlotStore } from './slotStore.ts';
import type { OpenWindow, Run, Windower } from './windower.ts';

interface Saved {
  readonly watermark: number;
  readonly lastArrival: number;
  readonly unassigned: number;
  readonly refired: number;
  readonly slots: SavedSlots;
  readonly windowers: readonly unknown[];
}

/** What there is once the keys are known. */
interface Opened {
  readonly keys: KeyTable;
  readonly slots: SlotStore;
  readonly firings: Firings;
  readonly windowers: readonly Windower[];
  /** Of each windower, the arrays of slots that it fills. */
  assigned: readonly (readonly Int32Array[])[];
}

/**
 * Puts records into windows and says when windows fire: all definitions of one `window` step in one pass. A chunk is cut
 * into runs that end where a window fires, so firing falls between the same two records however the stream was cut into
 * chunks. Long firings are broken off every thousand windows: what comes in meanwhile waits until `run` has done them.
 */
export class WindowEngine {
  readonly #set: WindowSet;
  readonly #shape: Shape;
  readonly #emit: (element: Element) => void;
  readonly #late: LateRecords;
  readonly #waiting: Element[] = [];
  #work: Generator<void> | null = null;
  /** The watermark in force before each record of the chunk at hand, up to `at`, and the last arrival before it. */
  #path: { watermarks: Float64Array; arrivals: Float64Array; at: number; before: number } | null = null;
  #opened: Opened | null = null;
  #watermark = NO_WATERMARK;
  #lastArrival = Number.NaN;
  #refired = 0;
  /** The watermark at which windows that are not complete are to be shown next. */
  #nextShowing: number;

  /** @param shape of the records */
  constructor(set: WindowSet, shape: Shape, emit: (element: Element) => void) {
    this.#set = set;
    this.#shape = shape;
    this.#emit = emit;
    this.#nextShowing = this.#showingAfter(NO_WATERMARK);
    this.#late = new LateRecords(set.definitions.map(({ interval }) => interval));
  }

  /** Takes an element in, and works on it until it is done or a break is due. */
  accept(element: Element): void {
    this.#waiting.push(element);
    if (this.#work === null) this.run();
  }

  /** Goes on with what was broken off. True when there is still more. */
  run(): boolean {
    this.#opened?.firings.renewBudget();
    for (;;) {
      if (this.#work === null) {
        const element = this.#waiting.shift();
        if (element === undefined) return false;
        this.#work = this.#process(element);
      }
      if (this.#work.next().done !== true) {
        this.#opened?.firings.handOut();
        return true;
      }
      this.#work = null;
    }
  }

  *#process(element: Element): Generator<void> {
    if (element.kind === 'chunk') {
      yield* this.#takeChunk(element);
      return;
    }
    if (element.kind === 'watermark' || element.kind === 'wallClock') yield* this.#advance(element.tsMicros);
    else if (element.kind === 'flush' && this.#opened !== null) yield* this.#emitOpen(this.#opened, FINAL);
    else if (element.kind === 'barrier') this.#report(element);
    else if (element.kind === 'snapshot') this.#save(element);
    else if (element.kind === 'restore') this.#load(element);
    this.#opened?.firings.handOut();
    this.#emit(element.kind === 'explain' ? this.#explain(element) : element);
  }

  *#takeChunk(chunk: Chunk): Generator<void> {
    const { keys, keyIds, watermarks, timesMicros, arrivals } = chunk;
    if (keys === null || keyIds === null || watermarks === null) {
      throw new TidemarkError('TM_TOPOLOGY', 'a window needs a key and a watermark', {
        hint: 'Put watermark(...) and keyBy(...) before window(...).',
      });
    }
    this.#opened ??= this.#open(keys);
    const count = chunk.columns.length;
    this.#path = { watermarks, arrivals, at: 0, before: this.#lastArrival };
    const run: Run = {
      timesMicros,
      watermarks,
      arrivals,
      keyIds,
      late: this.#late,
      extraRows: [],
      extraSlots: [],
      revisits: false,
    };
    this.#reserve(this.#opened, count);
    this.#opened.slots.growAhead();
    let from = 0;
    while (from < count) {
      yield* this.#advance(watermarks[from] as number);
      const to = this.#assignRun(this.#opened, chunk, run, from, this.#showingIn(watermarks, from));
      if (to > from) this.#lastArrival = arrivals[to - 1] as number;
      this.#refire(this.#opened);
      from = to;
    }
    yield* this.#advance(chunk.watermarkAfter);
    this.#opened.firings.handOut();
    this.#path = null;
    const late = this.#late.take(this.#shape, chunk, keys, keyIds);
    if (late !== null) this.#emit(late);
  }

  /** Moves the watermark, and on the way fires the windows that complete and shows those that are due to be shown. */
  *#advance(watermark: number): Generator<void> {
    if (watermark > this.#watermark) this.#watermark = watermark;
    if (this.#opened === null) return;
    if (this.#nextShowing !== NO_WATERMARK && this.#watermark >= this.#nextShowing) {
      yield* this.#closeTo(this.#opened, this.#nextShowing);
      yield* this.#emitOpen(this.#opened, PROVISIONAL);
    }
    yield* this.#closeTo(this.#opened, this.#watermark);
    this.#nextShowing = this.#showingAfter(this.#watermark);
  }

  /** Fires the windows that are complete at a watermark, by end, then start, then first record. */
  *#closeTo({ firings, windowers }: Opened, watermark: number): Generator<void> {
    const causeOf = (instant: number) => this.#causeOf(instant);
    for (let next = nextOf(windowers); next.nextClosing <= watermark; next = nextOf(windowers)) {
      firings.afterArrival = causeOf(next.nextClosing);
      yield* next.close(firings, windowers.length === 1 ? watermark : next.nextClosing, causeOf);
    }
    for (const windower of windowers) yield* windower.expire(watermark, firings);
  }

  /** Arrival of the record that moved the watermark to an instant. */
  #causeOf(instant: number): number {
    const path = this.#path;
    if (path === null) return this.#lastArrival;
    while (path.at < path.watermarks.length && (path.watermarks[path.at] as number) < instant) path.at++;
    return path.at === 0 ? path.before : (path.arrivals[path.at - 1] as number);
  }

  /** Emits every window that is kept and whose contents changed since it last fired. */
  *#emitOpen({ firings, windowers }: Opened, emitted: Emitted): Generator<void> {
    const open: OpenWindow[] = windowers.flatMap((windower) => [...windower.openWindows()]);
    open.sort((a, b) => a.endMicros - b.endMicros || a.startMicros - b.startMicros || a.definition - b.definition);
    firings.afterArrival = this.#lastArrival;
    for (const window of open) yield* window.flush(firings, emitted);
    firings.handOut();
  }

  /** The record before which open windows are shown, or the end of the chunk. */
  #showingIn(watermarks: Float64Array, from: number): number {
    if (this.#nextShowing === Number.POSITIVE_INFINITY) return watermarks.length;
    // Before the first watermark it is not known yet: that comes first then.
    const next = Math.max(this.#nextShowing, -Number.MAX_VALUE);
    let to = from;
    while (to < watermarks.length && (watermarks[to] as number) < next) to++;
    return to;
  }

  /** The first watermark past another at which open windows are shown. */
  #showingAfter(watermark: number): number {
    const { emission } = this.#set;
    if (typeof emission === 'string') return Number.POSITIVE_INFINITY;
    return multipleAfter(watermark, emission.everyMs * MICROS_PER_MS);
  }

  #explain(explain: Explain): Explain {
    return { ...explain, answer: { windows: this.#set, watermark: this.#watermark, found: this.#find(explain) } };
  }

  #find({ key, interval, atMicros }: Explain): FoundWindow | null {
    if (this.#opened === null) return null;
    const { keys, windowers } = this.#opened;
    const keyId = keys.idOf(key);
    const definition = this.#set.definitions.findIndex((each) => each.interval === interval);
    for (const windower of windowers) {
      const found = windower.find(definition, keyId, atMicros);
      if (found !== null) return found;
    }
    return null;
  }

  #report(barrier: Barrier): void {
    barrier.unassigned += this.#late.unassigned;
    barrier.refired += this.#refired;
    if (this.#opened !== null) noteWaiting(barrier, nextOf(this.#opened.windowers).nextClosing);
  }

  #open(keys: KeyTable): Opened {
    const slots = new SlotStore(keys);
    const grids: NumberedGrid[] = [];
    const windowers: Windower[] = [];
    for (const [definition, window] of this.#set.definitions.entries()) {
      const numbered = { ...window, definition };
      if (numbered.kind === 'session') windowers.push(new SessionWindows(numbered, this.#set, slots));
      else if (numbered.kind === 'sliding') windowers.push(new SlidingWindows(numbered, this.#set, slots));
      else if (numbered.kind === 'global') windowers.push(new GlobalWindows(numbered, this.#set, slots));
      else grids.push({ grid: numbered, definition });
    }
    if (grids.length > 0) windowers.unshift(new GridWindows(grids, this.#set, slots));
    return { keys, slots, windowers, firings: new Firings(keys, slots, this.#emit), assigned: [] };
  }

  #reserve(opened: Opened, count: number): void {
    if ((opened.assigned[0]?.[0]?.length ?? 0) >= count) return;
    opened.assigned = opened.windowers.map(({ width }) => Array.from({ length: width }, () => new Int32Array(count)));
  }

  /** Puts records into windows until one of them makes a window fire; emits them. Returns where the run ends. */
  #assignRun(opened: Opened, chunk: Chunk, run: Run, from: number, count: number): number {
    const { windowers, assigned } = opened;
    const [only, ...others] = windowers;
    let start = from;
    let at = from;
    if (only !== undefined && others.length === 0) {
      at = only.assign(run, assigned[0] as readonly Int32Array[], from, count);
      if (only.mustPrepare) start = this.#prepare(opened, only, chunk, run, start, at);
    } else {
      let stop = false;
      while (at < count && !stop && (run.watermarks[at] as number) < nextOf(windowers).nextClosing) {
        for (const [w, windower] of windowers.entries()) {
          const slots = assigned[w] as readonly Int32Array[];
          windower.assign(run, slots, at, at + 1);
          if (windower.mustPrepare) {
            start = this.#prepare(opened, windower, chunk, run, start, at);
            windower.assign(run, slots, at, at + 1);
          }
          stop ||= windower.mustRefire;
        }
        at++;
      }
    }
    this.#emitRun(opened, chunk, run, start, at);
    return at;
  }

  /** Hands out the records before the one at hand, then makes room for it. */
  #prepare(opened: Opened, windower: Windower, chunk: Chunk, run: Run, from: number, at: number): number {
    this.#emitRun(opened, chunk, run, from, at);
    opened.firings.afterArrival = run.arrivals[at] as number;
    windower.prepare?.(opened.firings);
    opened.firings.handOut();
    return at;
  }

  #emitRun({ assigned, slots, firings }: Opened, chunk: Chunk, run: Run, from: number, to: number): void {
    const { extraRows, extraSlots } = run;
    if (run.revisits) firings.handOut();
    run.revisits = false;
    if (from < to || extraRows.length > 0) {
      this.#emit({
        kind: 'assigned',
        chunk,
        from,
        to,
        slots: assigned.flat(),
        extraRows: Int32Array.from(extraRows),
        extraSlots: Int32Array.from(extraSlots),
        slotsUsed: slots.used,
      });
    }
    extraRows.length = 0;
    extraSlots.length = 0;
  }

  #refire({ windowers, firings }: Opened): void {
    firings.afterArrival = this.#lastArrival;
    for (const windower of windowers) if (windower.mustRefire) this.#refired += windower.refire(firings);
    // What is not complete takes more records.
    if (this.#set.emission === 'eachChange') firings.handOut();
  }

  #save(snapshot: Snapshot): void {
    const opened = this.#opened;
    if (opened === null) {
      snapshot.parts.push(null);
      return;
    }
    const windowers = opened.windowers.map((windower) => windower.snapshot(opened.firings));
    opened.firings.handOut();
    const saved: Saved = {
      watermark: this.#watermark,
      lastArrival: this.#lastArrival,
      unassigned: this.#late.unassigned,
      refired: this.#refired,
      slots: opened.slots.snapshot(),
      windowers,
    };
    snapshot.parts.push(saved);
    snapshot.slots = saved.slots.slots;
  }

  #load(restore: Restore): void {
    const saved = restore.parts.shift() as Saved | null;
    if (saved === null || restore.keys === null) return;
    const opened = this.#open(restore.keys);
    this.#opened = opened;
    this.#watermark = saved.watermark;
    this.#nextShowing = this.#showingAfter(saved.watermark);
    this.#lastArrival = saved.lastArrival;
    this.#late.unassigned = saved.unassigned;
    this.#refired = saved.refired;
    opened.slots.restore(saved.slots);
    for (const [i, windower] of opened.windowers.entries()) windower.restore(saved.windowers[i], saved.watermark);
    restore.slots = saved.slots.slots;
    restore.slotsUsed = opened.slots.used;
  }
}

/** The windower whose next closing comes first. There is at least one. */
function nextOf(windowers: readonly Windower[]): Windower {
  let next = windowers[0] as Windower;
  for (let w = 1; w < windowers.length; w++) {
    const windower = windowers[w] as Windower;
    const later = windower.nextClosing - next.nextClosing;
    if (later < 0 || (later === 0 && windower.nextStart < next.nextStart)) next = windower;
  }
  return next;
}
