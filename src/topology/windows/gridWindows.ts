import { Int32List } from '../../core/int32List.ts';
import { namedWindow, type WindowSet } from './definition.ts';
import { type Emitted, FINAL, PROVISIONAL } from './emitted.ts';
import type { Firings } from './firings.ts';
import type { FoundWindow } from './foundWindow.ts';
import { startAtOrBefore } from './grid.ts';
import { collect, findSlice, HoppingWindows, type SavedEmissions, unmerged } from './hoppingWindows.ts';
import type { Slice } from './slice.ts';
import { SliceLevel } from './sliceLevel.ts';
import { type NumberedGrid, planSlices } from './slicePlan.ts';
import { mustFire, type SlotStore } from './slotStore.ts';
import { EXPIRED, type OpenWindow, type Run, UNASSIGNED, type Windower } from './windower.ts';

interface Refire {
  readonly definition: number;
  readonly start: number;
  readonly emitted: Emitted;
  readonly fire: (firings: Firings) => void;
}

interface Saved {
  /** Of each level, the slots of its slices, each slice in order. */
  readonly buckets: readonly Int32Array[];
  readonly emissions: readonly SavedEmissions[];
}

/** Tumbling and hopping windows, over slices that they share. */
export class GridWindows implements Windower {
  readonly mustPrepare = false;
  readonly #grids: readonly NumberedGrid[];
  readonly #slots: SlotStore;
  readonly #latenessMicros: number;
  readonly #isDiscarding: boolean;
  readonly #onEachChange: boolean;
  readonly #levels: readonly SliceLevel[];
  readonly #bases: readonly SliceLevel[];
  readonly #hopping: readonly HoppingWindows[];
  #nextClosing = Number.POSITIVE_INFINITY;
  /** The watermark up to which everything has been closed. */
  #watermark = Number.NEGATIVE_INFINITY;
  #refires: Refire[] = [];
  /** Set when the record at hand may be late for a definition, or outside its windows. */
  #mustJudge = false;

  constructor(grids: readonly NumberedGrid[], { latenessMicros, accumulation, emission }: WindowSet, slots: SlotStore) {
    this.#grids = grids;
    this.#slots = slots;
    this.#latenessMicros = latenessMicros;
    this.#isDiscarding = accumulation === 'discarding';
    this.#onEachChange = emission === 'eachChange';
    const plan = planSlices(grids, accumulation);
    const levels: SliceLevel[] = [];
    for (const level of plan.levels)
      levels.push(new SliceLevel(level, levels[level.source] ?? null, latenessMicros, slots));
    this.#levels = levels;
    this.#bases = levels.filter(({ source }) => source === null);
    this.#hopping = plan.hopping.map(
      (hopping) =>
        new HoppingWindows(
          hopping,
          latenessMicros,
          hopping.levels.map((index) => levels[index] as SliceLevel),
          slots,
        ),
    );
  }

  get width(): number {
    return this.#bases.length;
  }

  get mustRefire(): boolean {
    return this.#refires.length > 0;
  }

  get nextClosing(): number {
    return this.#nextClosing;
  }

  /** Slices are merged before anything fires. */
  get nextStart(): number {
    const closing = this.nextClosing;
    if (this.#levelToFold(closing) !== null) return Number.NEGATIVE_INFINITY;
    return this.#firstToFire(closing)?.start ?? Number.POSITIVE_INFINITY;
  }

  assign(run: Run, slots: readonly Int32Array[], from: number, to: number): number {
    const { timesMicros, watermarks } = run;
    const bases = this.#bases;
    const only = bases.length === 1 && !this.#onEachChange ? bases[0] : undefined;
    for (let at = from; at < to; at++) {
      if (only !== undefined) at = only.repeatSlots(run, slots[0] as Int32Array, at, to);
      if (at === to) break;
      const watermark = watermarks[at] as number;
      // A record in a gap moves the watermark and shows nothing; what the next one shows comes after what that completes.
      if (this.#onEachChange && watermark >= this.#nextClosing) return at;
      for (let b = 0; b < bases.length; b++) {
        const level = bases[b] as SliceLevel;
        const into = slots[b] as Int32Array;
        if (level.repeatSlots(run, into, at, at + 1) > at) continue;
        if (watermark >= this.#nextClosing && this.#isBehind(timesMicros[at] as number, watermark)) return at;
        into[at] = this.#place(level, run, at);
      }
      if (this.#onEachChange) this.#showChange(run, at);
      if (this.#mustJudge) this.#judge(run, at);
      if (this.#refires.length > 0) return at + 1;
    }
    return to;
  }

  refire(firings: Firings): number {
    const refires = this.#refires;
    this.#refires = [];
    if (refires.length > 1) refires.sort((a, b) => a.definition - b.definition || a.start - b.start);
    for (const { fire } of refires) fire(firings);
    return refires.filter(({ emitted }) => emitted === FINAL).length;
  }

  *close(firings: Firings): Generator<void> {
    const closing = this.#nextClosing;
    this.#watermark = closing;
    const level = this.#levelToFold(closing);
    const steps =
      level === null ? this.#firstToFire(closing)?.take()(firings) : this.#fold(level, level.folding.pop(), firings);
    this.#findNextClosing();
    yield* steps ?? [];
  }

  *openWindows(): Iterable<OpenWindow> {
    for (const level of this.#levels) {
      const { definition, sizeMicros } = level.plan;
      if (definition < 0) continue;
      for (const startMicros of level.starts()) {
        // Its slices may be kept longer, for hopping windows.
        if (this.#watermark >= startMicros + sizeMicros - 1 + this.#latenessMicros) continue;
        const flush = (firings: Firings, emitted: Emitted) => this.#fireSlice(level, startMicros, emitted, firings);
        yield { startMicros, endMicros: startMicros + sizeMicros, definition, flush };
      }
    }
    for (const hopping of this.#hopping) {
      const { definition, sizeMicros } = hopping;
      for (const startMicros of hopping.starts()) {
        const flush = (firings: Firings, emitted: Emitted) =>
          hopping.fire(startMicros, this.#watermark, emitted, firings);
        yield { startMicros, endMicros: startMicros + sizeMicros, definition, flush };
      }
    }
  }

  find(definition: number, keyId: number, atMicros: number): FoundWindow | null {
    const grid = this.#grids.find((numbered) => numbered.definition === definition)?.grid;
    const bounds = grid === undefined ? null : namedWindow(grid, atMicros);
    if (bounds === null) return null;
    const hopping = this.#hopping.find((each) => each.definition === definition);
    if (hopping !== undefined) return hopping.find(keyId, bounds.start, this.#watermark);
    const level = this.#levels.find(
      (each) => each.plan.definition === definition && each.startOf(bounds.start) === bounds.start,
    );
    return level === undefined ? null : findSlice(level, this.#slots, keyId, bounds.start, this.#watermark);
  }

  *expire(watermark: number, firings: Firings): Generator<void> {
    this.#watermark = watermark;
    for (const hopping of this.#hopping) hopping.expire(watermark);
    for (const level of this.#levels) {
      for (let slice = level.takeExpired(watermark); slice !== null; slice = level.takeExpired(watermark)) {
        for (let i = 0; i < slice.slots.length; i++) {
          const slot = slice.slots.at(i);
          level.remove(slot);
          firings.close(slot);
          if (firings.spend()) yield;
        }
      }
    }
  }

  snapshot(): Saved {
    return {
      buckets: this.#levels.map((level) => level.slotsInOrder()),
      emissions: this.#hopping.map((hopping) => hopping.snapshot()),
    };
  }

  restore({ buckets, emissions }: Saved, watermark: number): void {
    this.#watermark = watermark;
    for (const [index, level] of this.#levels.entries()) {
      for (const slot of buckets[index] ?? []) {
        level.add(slot, watermark >= (this.#slots.ends[slot] as number) - 1);
      }
    }
    for (const [index, hopping] of this.#hopping.entries()) hopping.restore(emissions[index] ?? new Map(), watermark);
    this.#findNextClosing();
  }

  /** Whether a record comes into a slice that is complete. */
  #isBehind(tsMicros: number, watermark: number): boolean {
    return this.#bases.some((level) => watermark >= level.startOf(tsMicros) + level.plan.sizeMicros - 1);
  }

  /** Puts a record into a level's slice, and, where that is complete, into the coarser ones too. Returns the slot. */
  #place(level: SliceLevel, run: Run, at: number): number {
    const tsMicros = run.timesMicros[at] as number;
    const watermark = run.watermarks[at] as number;
    const { sizeMicros, definition } = level.plan;
    const start = level.startOf(tsMicros);
    const end = start + sizeMicros;
    if (tsMicros >= end) {
      this.#mustJudge = true;
      return UNASSIGNED;
    }
    const isComplete = watermark >= end - 1;
    if (isComplete) run.revisits = true;
    const slot = watermark < level.keptUntil(start) ? this.#slotFor(level, run, at, start) : EXPIRED;
    if (slot >= 0) {
      this.#slots.touch(slot, run.arrivals[at] as number);
    }
    if (!isComplete) return slot;
    this.#mustJudge = true;
    if (definition >= 0 && slot >= 0) this.#refireSlot(definition, slot, watermark);
    this.#refireHopping(level, run, at);
    for (const dependent of level.dependents) {
      const further = this.#place(dependent, run, at);
      if (further < 0) continue;
      run.extraRows.push(at);
      run.extraSlots.push(further);
    }
    return slot;
  }

  #refireSlot(definition: number, slot: number, watermark: number): void {
    if (watermark >= (this.#slots.ends[slot] as number) - 1 + this.#latenessMicros) return;
    const fire = (firings: Firings) => this.#fireSlot(definition, slot, FINAL, firings);
    this.#refires.push({ definition, start: this.#slots.starts[slot] as number, emitted: FINAL, fire });
  }

  #refireHopping(level: SliceLevel, run: Run, at: number): void {
    const watermark = run.watermarks[at] as number;
    for (const hopping of this.#hopping) {
      if (hopping.base !== level) continue;
      for (const start of hopping.startsAcross(run.timesMicros[at] as number, watermark)) {
        if (hopping.isComplete(start, watermark)) this.#refireWindow(hopping, start, run, at, FINAL);
      }
    }
  }

  #refireWindow(hopping: HoppingWindows, start: number, run: Run, at: number, emitted: Emitted): void {
    const keyId = run.keyIds[at] as number;
    const watermark = run.watermarks[at] as number;
    const fire = (firings: Firings) => hopping.fireKey(keyId, start, watermark, emitted, firings);
    this.#refires.push({ definition: hopping.definition, start, emitted, fire });
  }

  /** Has the windows emitted that hold the record and are not complete. */
  #showChange(run: Run, at: number): void {
    const tsMicros = run.timesMicros[at] as number;
    const watermark = run.watermarks[at] as number;
    this.#watermark = watermark;
    for (const level of this.#levels) {
      const { definition, sizeMicros } = level.plan;
      const start = level.startOf(tsMicros);
      if (definition < 0 || tsMicros >= start + sizeMicros || watermark >= start + sizeMicros - 1) continue;
      const keyId = run.keyIds[at] as number;
      const fire = (firings: Firings) => {
        const slices = unmerged(level, start, watermark);
        this.#fireOpen(definition, level.find(keyId, start), slices, PROVISIONAL, firings);
      };
      this.#refires.push({ definition, start, emitted: PROVISIONAL, fire });
    }
    for (const hopping of this.#hopping) {
      for (const start of hopping.startsAcross(tsMicros, watermark)) {
        if (tsMicros >= start + hopping.sizeMicros || hopping.isComplete(start, watermark)) continue;
        this.#refireWindow(hopping, start, run, at, PROVISIONAL);
      }
    }
  }

  /** Says for which definitions a record is late, all its windows having expired, and for which it has none. */
  #judge(run: Run, at: number): void {
    this.#mustJudge = false;
    const tsMicros = run.timesMicros[at] as number;
    for (const { grid, definition } of this.#grids) {
      const lastEnd = startAtOrBefore(grid, tsMicros) + grid.sizeMicros;
      if (tsMicros >= lastEnd) run.late.addUnassigned(at);
      else if ((run.watermarks[at] as number) >= lastEnd - 1 + this.#latenessMicros) run.late.add(at, definition);
    }
  }

  #slotFor(level: SliceLevel, run: Run, at: number, start: number): number {
    const keyId = run.keyIds[at] as number;
    const found = level.find(keyId, start);
    if (found >= 0) return found;
    return this.#open(level, keyId, start, run.watermarks[at] as number, run.arrivals[at] as number);
  }

  /** Opens a key's slot in a slice and, so that their keys stand by first record, in the coarser ones that hold it. */
  #open(level: SliceLevel, keyId: number, start: number, watermark: number, arrival: number): number {
    const end = start + level.plan.sizeMicros;
    const slot = this.#slots.open(keyId, start, end, arrival);
    if (level.add(slot, watermark >= end - 1)) {
      for (const hopping of this.#hopping) if (hopping.base === level) hopping.keepWindowsAcross(start, watermark);
      this.#findNextClosing();
    }
    for (const dependent of level.dependents) {
      const wider = dependent.startOf(start);
      if (watermark >= dependent.keptUntil(wider) || dependent.find(keyId, wider) >= 0) continue;
      this.#open(dependent, keyId, wider, watermark, arrival);
    }
    return slot;
  }

  #findNextClosing(): void {
    let next = Number.POSITIVE_INFINITY;
    for (const level of this.#levels) next = Math.min(next, level.nextClosing);
    for (const hopping of this.#hopping) next = Math.min(next, hopping.nextClosing);
    this.#nextClosing = next;
  }

  #levelToFold(closing: number): SliceLevel | null {
    return this.#levels.find(({ folding, plan }) => folding.lowest + plan.sizeMicros - 1 === closing) ?? null;
  }

  /** What fires first at an instant; `take` takes it out and gives its steps. */
  #firstToFire(closing: number) {
    let first: { start: number; definition: number; take: () => (firings: Firings) => Iterable<void> } | null = null;
    for (const level of this.#levels) {
      const { sizeMicros, definition } = level.plan;
      const start = level.closing.lowest;
      if (start + sizeMicros - 1 !== closing || !isBefore(start, definition, first)) continue;
      const take = () => (firings: Firings) => this.#fireSlice(level, level.closing.pop(), FINAL, firings);
      first = { start, definition, take };
    }
    for (const hopping of this.#hopping) {
      const { definition, sizeMicros } = hopping;
      const start = hopping.closing.lowest;
      if (start + sizeMicros - 1 !== closing || !isBefore(start, definition, first)) continue;
      const take = () => (firings: Firings) => hopping.fire(hopping.closing.pop(), closing, FINAL, firings);
      first = { start, definition, take };
    }
    return first;
  }

  /** Merges a slice that has completed into the coarser ones that hold it. */
  *#fold(level: SliceLevel, start: number, firings: Firings): Generator<void> {
    const { keyIds, lastArrivals } = this.#slots;
    const slots = level.slotsAt(start);
    for (const dependent of level.dependents) {
      const wider = dependent.startOf(start);
      for (let i = 0; i < slots.length; i++) {
        const slot = slots.at(i);
        const into = dependent.find(keyIds[slot] as number, wider);
        firings.merge(slot, into);
        this.#slots.touch(into, lastArrivals[slot] as number);
        if (firings.spend()) yield;
      }
    }
  }

  /** Emits a tumbling window for each key whose contents changed since it last fired, by first record. */
  *#fireSlice(level: SliceLevel, start: number, emitted: Emitted, firings: Firings): Generator<void> {
    const slots = level.slotsAt(start);
    const slices = unmerged(level, start, this.#watermark);
    for (let i = 0; i < slots.length; i++) {
      if (slices.length === 1) this.#fireSlot(level.plan.definition, slots.at(i), emitted, firings);
      else this.#fireOpen(level.plan.definition, slots.at(i), slices, emitted, firings);
      if (firings.spend()) yield;
    }
  }

  #fireSlot(definition: number, slot: number, emitted: Emitted, firings: Firings): void {
    if (!mustFire(this.#slots, slot, emitted, this.#isDiscarding)) return;
    firings.addSlot(definition, slot, emitted);
    if (this.#isDiscarding) firings.empty(slot);
  }

  /** Emits the window of a slot that finer slices are not merged into yet: the first of the slices is its own. */
  #fireOpen(definition: number, slot: number, slices: readonly Slice[], emitted: Emitted, firings: Firings): void {
    const finer = new Int32List();
    this.#slots.touch(slot, collect(slices.slice(1), this.#slots, this.#slots.keyIds[slot] as number, finer));
    if (!mustFire(this.#slots, slot, emitted, this.#isDiscarding)) return;
    for (let i = 0; i < finer.length; i++) firings.addPane(finer.at(i));
    this.#fireSlot(definition, slot, emitted, firings);
  }
}

function isBefore(start: number, definition: number, other: { start: number; definition: number } | null): boolean {
  return other === null || start < other.start || (start === other.start && definition < other.definition);
}
