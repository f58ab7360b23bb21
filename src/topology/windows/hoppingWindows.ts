import type { KeyTable } from '../../core/keyTable.ts';
import { startAtOrBefore, type WindowDefinition } from './definition.ts';
import type { Firings } from './firings.ts';
import { EXPIRED, type KeyedWindows, UNASSIGNED } from './keyedWindows.ts';
import { MinHeap } from './minHeap.ts';
import { SlotIndex } from './slotIndex.ts';
import type { SlotStore } from './slotStore.ts';

interface Emission {
  revision: number;
  /** Highest offset that the window held when it last fired. */
  lastOffset: number;
}

/**
 * Hopping windows over shared panes (Li et al., "No pane, no gain", SIGMOD Record 2005): time is cut at every start and
 * every end, a record goes into the one pane that holds it, and a window is the merge of its panes when it fires.
 */
export class HoppingWindows implements KeyedWindows {
  readonly sizeMicros: number;
  refirePending = false;
  readonly #definition: WindowDefinition;
  readonly #ordinal: number;
  readonly #latenessMicros: number;
  readonly #slots: SlotStore;
  readonly #keys: KeyTable;
  /** Where ends fall between two starts: size modulo slide. */
  readonly #cutMicros: number;
  readonly #index = new SlotIndex();
  readonly #panes = new Map<number, number[]>();
  readonly #paneHeap = new MinHeap();
  /** Emissions by key id, of each window that is kept. */
  readonly #windows = new Map<number, Map<number, Emission>>();
  readonly #closing = new MinHeap();
  readonly #kept = new MinHeap();
  #lastKeyId = -1;
  #lastTime = 0;
  #lastWatermark = 0;

  constructor(definition: WindowDefinition, ordinal: number, latenessMicros: number, slots: SlotStore, keys: KeyTable) {
    this.sizeMicros = definition.sizeMicros;
    this.#definition = definition;
    this.#ordinal = ordinal;
    this.#latenessMicros = latenessMicros;
    this.#slots = slots;
    this.#keys = keys;
    this.#cutMicros = definition.sizeMicros % definition.slideMicros;
  }

  get nextClosing(): number {
    return this.#closing.lowest + this.sizeMicros - 1;
  }

  assign(keyId: number, tsMicros: number, watermark: number, offset: number): number {
    const lastStart = startAtOrBefore(this.#definition, tsMicros);
    this.refirePending = false;
    if (tsMicros >= lastStart + this.sizeMicros) return UNASSIGNED;
    if (watermark >= lastStart + this.sizeMicros - 1 + this.#latenessMicros) return EXPIRED;
    const pane = this.#paneOf(tsMicros, lastStart);
    let slot = this.#index.get(keyId, pane);
    if (slot < 0) slot = this.#open(keyId, pane, watermark, offset);
    this.#slots.lastOffsets[slot] = offset;
    this.refirePending = watermark >= this.#firstStart(pane) + this.sizeMicros - 1;
    this.#lastKeyId = keyId;
    this.#lastTime = tsMicros;
    this.#lastWatermark = watermark;
    return slot;
  }

  refire(firings: Firings): number {
    this.refirePending = false;
    const last = startAtOrBefore(this.#definition, this.#lastTime);
    let fired = 0;
    for (let start = this.#firstStart(this.#lastTime); start <= last; start += this.#definition.slideMicros) {
      const lastInstant = start + this.sizeMicros - 1;
      const expired = this.#lastWatermark >= lastInstant + this.#latenessMicros;
      if (expired || this.#lastWatermark < lastInstant) continue;
      this.#fireKey(this.#lastKeyId, start, firings);
      fired++;
    }
    return fired;
  }

  fireClosing(firings: Firings): void {
    this.flush(this.#closing.pop(), firings);
  }

  starts(): Iterable<number> {
    return this.#windows.keys();
  }

  flush(startMicros: number, firings: Firings): void {
    const emissions = this.#windows.get(startMicros);
    const first = new Map<number, number>();
    const last = new Map<number, number>();
    for (const pane of this.#panesOf(startMicros)) {
      for (const slot of this.#panes.get(pane) ?? []) {
        const keyId = this.#slots.keyIds[slot] as number;
        const firstOffset = this.#slots.firstOffsets[slot] as number;
        const lastOffset = this.#slots.lastOffsets[slot] as number;
        first.set(keyId, Math.min(first.get(keyId) ?? firstOffset, firstOffset));
        last.set(keyId, Math.max(last.get(keyId) ?? lastOffset, lastOffset));
      }
    }
    const changed = [...first].filter(([keyId]) => emissions?.get(keyId)?.lastOffset !== last.get(keyId));
    changed.sort(([, a], [, b]) => a - b);
    for (const [keyId] of changed) this.#fireKey(keyId, startMicros, firings);
  }

  expire(watermark: number, released: number[]): void {
    const keptFor = this.sizeMicros - 1 + this.#latenessMicros;
    while (watermark >= this.#kept.lowest + keptFor) this.#windows.delete(this.#kept.pop());
    while (watermark >= startAtOrBefore(this.#definition, this.#paneHeap.lowest) + keptFor) {
      const pane = this.#paneHeap.pop();
      for (const slot of this.#panes.get(pane) ?? []) {
        const keyId = this.#slots.keyIds[slot] as number;
        this.#index.delete(keyId, pane);
        this.#keys.release(keyId);
        this.#slots.close(slot);
        released.push(slot);
      }
      this.#panes.delete(pane);
    }
  }

  #paneOf(tsMicros: number, lastStart: number): number {
    return tsMicros >= lastStart + this.#cutMicros ? lastStart + this.#cutMicros : lastStart;
  }

  /** Start of the first window that holds an instant. */
  #firstStart(tsMicros: number): number {
    return startAtOrBefore(this.#definition, tsMicros - this.sizeMicros) + this.#definition.slideMicros;
  }

  *#panesOf(startMicros: number): Iterable<number> {
    const end = startMicros + this.sizeMicros;
    for (let start = startMicros; start < end; start += this.#definition.slideMicros) {
      yield start;
      const cut = start + this.#cutMicros;
      if (this.#cutMicros > 0 && cut < end) yield cut;
    }
  }

  #open(keyId: number, pane: number, watermark: number, offset: number): number {
    const slot = this.#slots.open(keyId, offset, watermark);
    this.#index.set(keyId, pane, slot);
    this.#keys.retain(keyId);
    const slots = this.#panes.get(pane);
    if (slots !== undefined) {
      slots.push(slot);
    } else {
      this.#panes.set(pane, [slot]);
      this.#paneHeap.push(pane);
      this.#keepWindowsOf(pane, watermark);
    }
    return slot;
  }

  #keepWindowsOf(pane: number, watermark: number): void {
    const last = startAtOrBefore(this.#definition, pane);
    for (let start = this.#firstStart(pane); start <= last; start += this.#definition.slideMicros) {
      const lastInstant = start + this.sizeMicros - 1;
      if (this.#windows.has(start) || watermark >= lastInstant + this.#latenessMicros) continue;
      this.#windows.set(start, new Map());
      this.#kept.push(start);
      if (watermark < lastInstant) this.#closing.push(start);
    }
  }

  #fireKey(keyId: number, start: number, firings: Firings): void {
    let lastOffset = -1;
    for (const pane of this.#panesOf(start)) {
      const slot = this.#index.get(keyId, pane);
      if (slot < 0) continue;
      firings.addPane(slot);
      lastOffset = Math.max(lastOffset, this.#slots.lastOffsets[slot] as number);
    }
    const emissions = this.#windows.get(start);
    const revision = (emissions?.get(keyId)?.revision ?? -1) + 1;
    emissions?.set(keyId, { revision, lastOffset });
    firings.add(this.#ordinal, start, start + this.sizeMicros, revision, keyId);
  }
}
