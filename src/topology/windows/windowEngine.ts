import type { KeyTable } from '../../core/keyTable.ts';
import { TidemarkError } from '../../errors.ts';
import { type Barrier, type Chunk, type Element, NO_WATERMARK } from '../elements.ts';
import type { WindowDefinition } from './definition.ts';
import { Firings } from './firings.ts';
import { HoppingWindows } from './hoppingWindows.ts';
import { EXPIRED, type KeyedWindows, UNASSIGNED } from './keyedWindows.ts';
import { LateRecords } from './lateRecords.ts';
import { SlotStore } from './slotStore.ts';
import { TumblingWindows } from './tumblingWindows.ts';

/** Most windows that one emitted element carries. */
const MAX_WINDOWS_PER_ELEMENT = 4096;

/**
 * Assigns records to windows and says when windows fire: all definitions of one `window` step in one pass.
 * A chunk is cut into runs that end where a window fires, so firing falls between the same two records however the
 * stream was cut into chunks.
 */
export class WindowEngine {
  readonly #definitions: readonly WindowDefinition[];
  readonly #latenessMicros: number;
  readonly #emit: (element: Element) => void;
  readonly #slots = new SlotStore();
  readonly #firings: Firings;
  readonly #late: LateRecords;
  #windows: readonly KeyedWindows[] = [];
  #keys: KeyTable | null = null;
  #assigned: Int32Array[] = [];
  #released: number[] = [];
  #watermark = NO_WATERMARK;
  #unassigned = 0;
  #refired = 0;

  constructor(definitions: readonly WindowDefinition[], latenessMicros: number, emit: (element: Element) => void) {
    this.#definitions = definitions;
    this.#latenessMicros = latenessMicros;
    this.#emit = emit;
    this.#firings = new Firings(MAX_WINDOWS_PER_ELEMENT, emit);
    this.#late = new LateRecords(definitions.map((definition) => definition.interval));
    this.#assigned = definitions.map(() => new Int32Array(0));
  }

  onChunk(chunk: Chunk): void {
    const { keys, keyIds, watermarks } = chunk;
    if (keys === null || keyIds === null || watermarks === null) {
      throw new TidemarkError('TM_TOPOLOGY', 'a window needs a key and a watermark', {
        hint: 'Put watermark(...) and keyBy(...) before window(...).',
      });
    }
    if (this.#keys === null) this.#start(keys);
    const count = chunk.columns.length;
    if ((this.#assigned[0]?.length ?? 0) < count) this.#assigned = this.#definitions.map(() => new Int32Array(count));
    let from = 0;
    while (from < count) {
      this.onWatermark(watermarks[from] as number);
      const to = this.#assignRun(chunk, keyIds, watermarks, from);
      this.#emit({ kind: 'assigned', chunk, from, to, slots: this.#assigned, slotCapacity: this.#slots.capacity });
      this.#refire();
      from = to;
    }
    this.onWatermark(chunk.watermarkAfter);
    this.#expire();
    const late = this.#late.take(chunk, keys, keyIds);
    if (late !== null) this.#emit(late);
  }

  /** Fires the windows that are complete at a watermark, by end, then start, then first record. */
  onWatermark(watermark: number): void {
    if (watermark > this.#watermark) this.#watermark = watermark;
    let fired = false;
    for (let next = this.#nextToClose(); next !== null && next.nextClosing <= watermark; next = this.#nextToClose()) {
      next.fireClosing(this.#firings);
      fired = true;
    }
    if (!fired) return;
    this.#firings.handOut();
    this.#expire();
  }

  /** Fires every window that is kept and whose contents changed since it last fired. */
  onFlush(): void {
    const open = this.#windows.flatMap((windows) =>
      [...windows.starts()].map((start) => ({ windows, start, end: start + windows.sizeMicros })),
    );
    open.sort((a, b) => a.end - b.end || a.start - b.start);
    for (const { windows, start } of open) windows.flush(start, this.#firings);
    this.#firings.handOut();
  }

  onBarrier(barrier: Barrier): void {
    const oldest = this.#slots.oldest();
    if (oldest >= 0 && (this.#slots.firstOffsets[oldest] as number) < barrier.restartOffset) {
      barrier.restartOffset = this.#slots.firstOffsets[oldest] as number;
      barrier.restartWatermark = this.#slots.firstWatermarks[oldest] as number;
    }
    barrier.unassigned += this.#unassigned;
    barrier.refired += this.#refired;
  }

  #start(keys: KeyTable): void {
    this.#keys = keys;
    this.#firings.useKeys(keys);
    this.#windows = this.#definitions.map((definition, ordinal) =>
      definition.kind === 'tumbling'
        ? new TumblingWindows(definition, ordinal, this.#latenessMicros, this.#slots, keys)
        : new HoppingWindows(definition, ordinal, this.#latenessMicros, this.#slots, keys),
    );
  }

  /** Assigns records until one of them makes a window fire. Returns where the run ends. */
  #assignRun(chunk: Chunk, keyIds: Int32Array, watermarks: Float64Array, from: number): number {
    const { timesMicros, offsets } = chunk;
    const windows = this.#windows;
    const count = timesMicros.length;
    let closing = this.#nextToClose()?.nextClosing ?? Number.POSITIVE_INFINITY;
    let at = from;
    while (at < count && (watermarks[at] as number) < closing) {
      const open = this.#slots.openCount;
      let refire = false;
      for (let d = 0; d < windows.length; d++) {
        const definition = windows[d] as KeyedWindows;
        const slot = definition.assign(
          keyIds[at] as number,
          timesMicros[at] as number,
          watermarks[at] as number,
          offsets[at] as number,
        );
        (this.#assigned[d] as Int32Array)[at] = slot;
        if (slot === EXPIRED) this.#late.add(at, d);
        else if (slot === UNASSIGNED) this.#countUnassigned(at);
        refire ||= definition.refirePending;
      }
      at++;
      if (refire) break;
      if (this.#slots.openCount !== open) closing = this.#nextToClose()?.nextClosing ?? Number.POSITIVE_INFINITY;
    }
    return at;
  }

  #countUnassigned(at: number): void {
    this.#late.addUnassigned(at);
    this.#unassigned++;
  }

  #refire(): void {
    for (const windows of this.#windows) if (windows.refirePending) this.#refired += windows.refire(this.#firings);
    this.#firings.handOut();
  }

  #nextToClose(): KeyedWindows | null {
    let next: KeyedWindows | null = null;
    for (const windows of this.#windows) {
      if (windows.nextClosing === Number.POSITIVE_INFINITY) continue;
      const sooner = next === null || windows.nextClosing < next.nextClosing;
      const tieButEarlierStart = next?.nextClosing === windows.nextClosing && windows.sizeMicros > next.sizeMicros;
      if (sooner || tieButEarlierStart) next = windows;
    }
    return next;
  }

  #expire(): void {
    for (const windows of this.#windows) windows.expire(this.#watermark, this.#released);
    if (this.#released.length === 0) return;
    const slots = Int32Array.from(this.#released);
    this.#released.length = 0;
    this.#emit({ kind: 'released', slots });
  }
}
