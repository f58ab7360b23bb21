import { Int32List } from '../../core/int32List.ts';
import { type Emitted, FINAL, PROVISIONAL } from './emitted.ts';
import type { Firings } from './firings.ts';
import { type FoundWindow, foundWindow } from './foundWindow.ts';
import { firstStartAcross, startAtOrBefore } from './grid.ts';
import { StartHeap } from './minHeap.ts';
import type { Slice } from './slice.ts';
import type { SliceLevel } from './sliceLevel.ts';
import type { HoppingPlan } from './slicePlan.ts';
import { NEVER_FIRED, type SlotStore } from './slotStore.ts';

interface Emission {
  revision: number;
  /** Highest arrival that the window held when it last fired. */
  lastArrival: number;
  isProvisional: boolean;
}

/** The emissions of windows that are kept, as plain data. */
export type SavedEmissions = ReadonlyMap<number, ReadonlyMap<number, Emission>>;

/** Windows that overlap: each is merged from slices when it fires. */
export class HoppingWindows {
  readonly definition: number;
  readonly #plan: HoppingPlan;
  readonly #latenessMicros: number;
  readonly #slots: SlotStore;
  /** Finest first. */
  readonly #levels: readonly SliceLevel[];
  readonly closing = new StartHeap();
  readonly #kept = new StartHeap();
  /** Emissions by key id, of each window that is kept. */
  #windows = new Map<number, Map<number, Emission>>();
  /** By key id, the last firing that met the key: for emitting each key of a window once. */
  #metIn = new Float64Array(0);
  #firing = 0;
  /** The slots of the key at hand. */
  readonly #panes = new Int32List();

  constructor(plan: HoppingPlan, latenessMicros: number, levels: readonly SliceLevel[], slots: SlotStore) {
    this.definition = plan.definition;
    this.#plan = plan;
    this.#latenessMicros = latenessMicros;
    this.#levels = levels;
    this.#slots = slots;
  }

  get base(): SliceLevel {
    return this.#levels[0] as SliceLevel;
  }

  /** The instant at which a window is complete next; infinity for none. */
  get nextClosing(): number {
    return this.closing.lowest + this.sizeMicros - 1;
  }

  get sizeMicros(): number {
    return this.#plan.sizeMicros;
  }

  /** Takes note of the windows that hold a slice of the base level. */
  keepWindowsAcross(slice: number, watermark: number): void {
    const last = startAtOrBefore(this.#plan, slice);
    for (let start = this.#firstStart(slice); start <= last; start += this.#plan.slideMicros) {
      const lastInstant = start + this.sizeMicros - 1;
      if (this.#windows.has(start) || watermark >= lastInstant + this.#latenessMicros) continue;
      this.#windows.set(start, new Map());
      this.#kept.push(start);
      if (watermark < lastInstant) this.closing.push(start);
    }
  }

  /** Starts of the windows that hold an instant and have not expired. */
  *startsAcross(tsMicros: number, watermark: number): Iterable<number> {
    const last = startAtOrBefore(this.#plan, tsMicros);
    for (let start = this.#firstStart(tsMicros); start <= last; start += this.#plan.slideMicros) {
      const lastInstant = start + this.sizeMicros - 1;
      if (watermark < lastInstant || watermark < lastInstant + this.#latenessMicros) yield start;
    }
  }

  starts(): Iterable<number> {
    return this.#windows.keys();
  }

  isComplete(start: number, watermark: number): boolean {
    return watermark >= start + this.sizeMicros - 1;
  }

  /** Emits a window for each key whose contents changed since it last fired, by first record; a step for each. */
  *fire(start: number, watermark: number, emitted: Emitted, firings: Firings): Generator<void> {
    const { firstArrivals, keyIds } = this.#slots;
    const firing = ++this.#firing;
    const slices = this.#slicesOf(start, watermark);
    const cursors = new Int32Array(slices.length);
    const arrivals = Float64Array.from(slices, ({ slots }) => firstArrivals[slots.at(0)] as number);
    for (;;) {
      let first = 0;
      for (let i = 1; i < slices.length; i++) if ((arrivals[i] as number) < (arrivals[first] as number)) first = i;
      const slice = slices[first];
      if (slice === undefined || arrivals[first] === Number.POSITIVE_INFINITY) return;
      const { slots } = slice;
      const cursor = cursors[first] as number;
      const isLast = cursor + 1 === slots.length;
      cursors[first] = cursor + 1;
      arrivals[first] = isLast ? Number.POSITIVE_INFINITY : (firstArrivals[slots.at(cursor + 1)] as number);
      if (!this.#meet(keyIds[slots.at(cursor)] as number, firing)) continue;
      this.#fire(keyIds[slots.at(cursor)] as number, start, slices, emitted, firings);
      if (firings.spend()) yield;
    }
  }

  fireKey(keyId: number, start: number, watermark: number, emitted: Emitted, firings: Firings): void {
    this.#fire(keyId, start, this.#slicesOf(start, watermark), emitted, firings);
  }

  #fire(keyId: number, start: number, slices: readonly Slice[], emitted: Emitted, firings: Firings): void {
    const emissions = this.#windows.get(start);
    const before = emissions?.get(keyId);
    const panes = this.#panes;
    const lastArrival = collect(slices, this.#slots, keyId, panes);
    const mustSettle = emitted === FINAL && before?.isProvisional === true;
    if (before?.lastArrival === lastArrival && !mustSettle) return;
    const revision = (before?.revision ?? -1) + 1;
    for (let i = 0; i < panes.length; i++) firings.addPane(panes.at(i));
    firings.add(this.definition, start, start + this.sizeMicros, revision, keyId, emitted);
    emissions?.set(keyId, { revision, lastArrival, isProvisional: emitted === PROVISIONAL });
  }

  /** True when a firing meets a key for the first time. */
  #meet(keyId: number, firing: number): boolean {
    if (keyId >= this.#metIn.length) {
      const larger = new Float64Array(Math.max(2 * keyId, 1024));
      larger.set(this.#metIn);
      this.#metIn = larger;
    }
    if (this.#metIn[keyId] === firing) return false;
    this.#metIn[keyId] = firing;
    return true;
  }

  find(keyId: number, start: number, watermark: number): FoundWindow | null {
    const before = this.#windows.get(start)?.get(keyId);
    const lastArrival = collect(this.#slicesOf(start, watermark), this.#slots, keyId, this.#panes);
    if (lastArrival === NEVER_FIRED) return null;
    return {
      startMicros: start,
      endMicros: start + this.sizeMicros,
      emissions: (before?.revision ?? -1) + 1,
      hasUnshown: before?.lastArrival !== lastArrival,
    };
  }

  expire(watermark: number): void {
    const keptFor = this.sizeMicros - 1 + this.#latenessMicros;
    while (watermark >= this.#kept.lowest + keptFor) this.#windows.delete(this.#kept.pop());
  }

  snapshot(): SavedEmissions {
    return this.#windows;
  }

  restore(saved: SavedEmissions, watermark: number): void {
    for (const [start, emissions] of saved) {
      this.#windows.set(start, new Map(emissions));
      this.#kept.push(start);
      if (watermark < start + this.sizeMicros - 1) this.closing.push(start);
    }
  }

  #firstStart(tsMicros: number): number {
    return firstStartAcross(this.#plan, this.sizeMicros, tsMicros);
  }

  /** The slices that a window is made of: the widest that fit, in order of time, and finer ones not yet merged into them. */
  #slicesOf(start: number, watermark: number): readonly Slice[] {
    const end = start + this.sizeMicros;
    const slices: Slice[] = [];
    let at = start;
    while (at < end) {
      let level = this.base;
      for (const wider of this.#levels) {
        if (wider.startOf(at) === at && at + wider.plan.sizeMicros <= end) level = wider;
      }
      slices.push(...unmerged(level, at, watermark));
      at += level.plan.sizeMicros;
    }
    return slices;
  }
}

/** The slices that together hold the records of a slice: itself, and finer ones that are not yet merged into it. */
export function unmerged(level: SliceLevel, start: number, watermark: number): readonly Slice[] {
  const slice = level.sliceAt(start);
  if (slice === null) return [];
  const { source } = level;
  const end = start + level.plan.sizeMicros;
  const slices = [slice];
  if (source === null || watermark >= end - 1) return slices;
  const firstOpen = source.startOf(Math.max(start, watermark + 1));
  const last = Math.min(end - 1, source.highestStart);
  for (let at = firstOpen; at <= last; at += source.plan.sizeMicros) slices.push(...unmerged(source, at, watermark));
  return slices;
}

/** Puts a key's slots in slices into `panes`, in place of what was there; the last arrival in them, or `NEVER_FIRED`. */
export function collect(slices: readonly Slice[], slots: SlotStore, keyId: number, panes: Int32List): number {
  const { keyIds, lastArrivals } = slots;
  let lastArrival = NEVER_FIRED;
  panes.clear();
  for (let i = 0; i < slices.length; i++) {
    const slot = (slices[i] as Slice).find(keyId, keyIds);
    if (slot < 0) continue;
    panes.push(slot);
    lastArrival = Math.max(lastArrival, lastArrivals[slot] as number);
  }
  return lastArrival;
}

/** The window of a key that a slice is, of which finer slices may not be merged yet; null where it holds no records. */
export function findSlice(
  level: SliceLevel,
  slots: SlotStore,
  keyId: number,
  start: number,
  watermark: number,
): FoundWindow | null {
  const slot = level.find(keyId, start);
  if (slot < 0) return null;
  return foundWindow(slots, slot, collect(unmerged(level, start, watermark), slots, keyId, new Int32List()));
}
