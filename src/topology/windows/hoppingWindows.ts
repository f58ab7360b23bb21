import { type Emitted, FINAL, PROVISIONAL } from './emitted.ts';
import type { Firings } from './firings.ts';
import { type FoundWindow, foundWindow } from './foundWindow.ts';
import { firstStartAcross, startAtOrBefore } from './grid.ts';
import { StartHeap } from './minHeap.ts';
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
  readonly #metIn = new Map<number, number>();
  #firing = 0;

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
    const buckets = Array.from(this.#slicesOf(start), ([level, at]) => level.buckets.get(at) ?? []);
    const cursors = buckets.map(() => 0);
    for (;;) {
      let first = -1;
      let lowest = Number.POSITIVE_INFINITY;
      for (let b = 0; b < buckets.length; b++) {
        const slot = buckets[b]?.[cursors[b] as number];
        if (slot === undefined || (firstArrivals[slot] as number) >= lowest) continue;
        lowest = firstArrivals[slot] as number;
        first = b;
      }
      if (first < 0) return;
      const slot = buckets[first]?.[cursors[first] as number] as number;
      cursors[first] = (cursors[first] as number) + 1;
      const keyId = keyIds[slot] as number;
      if (this.#metIn.get(keyId) === firing) continue;
      this.#metIn.set(keyId, firing);
      this.fireKey(keyId, start, watermark, emitted, firings);
      if (firings.spend()) yield;
    }
  }

  fireKey(keyId: number, start: number, watermark: number, emitted: Emitted, firings: Firings): void {
    const emissions = this.#windows.get(start);
    const before = emissions?.get(keyId);
    const panes = this.#panes(keyId, start, watermark);
    const lastArrival = this.#lastArrival(panes);
    const mustSettle = emitted === FINAL && before?.isProvisional === true;
    if (before?.lastArrival === lastArrival && !mustSettle) return;
    const revision = (before?.revision ?? -1) + 1;
    for (const slot of panes) firings.addPane(slot);
    firings.add(this.definition, start, start + this.sizeMicros, revision, keyId, emitted);
    emissions?.set(keyId, { revision, lastArrival, isProvisional: emitted === PROVISIONAL });
  }

  find(keyId: number, start: number, watermark: number): FoundWindow | null {
    const before = this.#windows.get(start)?.get(keyId);
    const lastArrival = this.#lastArrival(this.#panes(keyId, start, watermark));
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
    if (this.#windows.size === 0) this.#metIn.clear();
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

  /** The slots that together hold what a window holds of a key. */
  #panes(keyId: number, start: number, watermark: number): readonly number[] {
    const panes: number[] = [];
    for (const [level, at] of this.#slicesOf(start)) collect(level, keyId, at, watermark, panes);
    return panes;
  }

  #lastArrival(panes: readonly number[]): number {
    const { lastArrivals } = this.#slots;
    return panes.reduce((last, slot) => Math.max(last, lastArrivals[slot] as number), NEVER_FIRED);
  }

  /** The slices that a window is made of: the widest that fit, in order of time. */
  *#slicesOf(start: number): Iterable<readonly [SliceLevel, number]> {
    const end = start + this.sizeMicros;
    let at = start;
    while (at < end) {
      let level = this.base;
      for (const wider of this.#levels) {
        if (wider.startOf(at) === at && at + wider.plan.sizeMicros <= end) level = wider;
      }
      yield [level, at];
      at += level.plan.sizeMicros;
    }
  }
}

/** Adds the slots that together hold a key's records of a slice: its own, and those of finer ones not yet merged into it. */
export function collect(level: SliceLevel, keyId: number, start: number, watermark: number, panes: number[]): void {
  const slot = level.index.get(keyId, start);
  if (slot < 0) return;
  panes.push(slot);
  const { source } = level;
  const end = start + level.plan.sizeMicros;
  if (source === null || watermark >= end - 1) return;
  const firstOpen = source.startOf(Math.max(start, watermark + 1));
  const last = Math.min(end - 1, source.highestStart);
  for (let at = firstOpen; at <= last; at += source.plan.sizeMicros) collect(source, keyId, at, watermark, panes);
}

/** The window of a key that a slice is, of which finer slices may not be merged yet; null where it holds no records. */
export function findSlice(
  level: SliceLevel,
  slots: SlotStore,
  keyId: number,
  start: number,
  watermark: number,
): FoundWindow | null {
  const panes: number[] = [];
  collect(level, keyId, start, watermark, panes);
  const [slot] = panes;
  if (slot === undefined) return null;
  return foundWindow(slots, slot, Math.max(...panes.map((pane) => slots.lastArrivals[pane] as number)));
}
