import type { GridDefinition } from '../../src/topology/windows/definition.ts';
import { Bar, type BarRow, type TickObject } from './bar.ts';

/** The windows of one tumbling or hopping definition: bars by start, then by key. */
export class BaselineGrid {
  /** The watermark at which the next window fires or expires. */
  nextInstant = Number.POSITIVE_INFINITY;
  readonly #definition: GridDefinition;
  readonly #latenessMicros: number;
  readonly #emit: (row: BarRow) => void;
  readonly #barsByStart = new Map<number, Map<string, Bar>>();
  readonly #fired = new Set<number>();
  #watermark = Number.NEGATIVE_INFINITY;

  constructor(definition: GridDefinition, latenessMicros: number, emit: (row: BarRow) => void) {
    this.#definition = definition;
    this.#latenessMicros = latenessMicros;
    this.#emit = emit;
  }

  /** Fires the windows that are complete at a watermark, and gives up those that have expired. */
  advance(watermark: number): void {
    this.#watermark = watermark;
    const starts = [...this.#barsByStart.keys()].sort((a, b) => a - b);
    this.nextInstant = Number.POSITIVE_INFINITY;
    for (const start of starts) {
      const instant = this.#lastInstant(start);
      if (watermark >= instant && !this.#fired.has(start)) {
        for (const bar of this.#barsByStart.get(start)?.values() ?? []) this.#fire(bar, start);
        this.#fired.add(start);
      }
      if (watermark >= instant + this.#latenessMicros) {
        this.#barsByStart.delete(start);
        this.#fired.delete(start);
      } else {
        this.#expect(start);
      }
    }
  }

  /** False when the tick is late: all its windows have expired. */
  add(tick: TickObject): boolean {
    const { sizeMicros, slideMicros } = this.#definition;
    let taken = false;
    const last = Math.floor(tick.tsMicros / slideMicros) * slideMicros;
    for (let start = last; start > tick.tsMicros - sizeMicros; start -= slideMicros) {
      if (tick.watermark >= this.#lastInstant(start) + this.#latenessMicros) break;
      taken = true;
      const bar = this.#addTo(start, tick);
      if (tick.watermark >= this.#lastInstant(start)) this.#fire(bar, start);
    }
    return taken;
  }

  #addTo(start: number, tick: TickObject): Bar {
    let byKey = this.#barsByStart.get(start);
    if (byKey === undefined) {
      byKey = new Map();
      this.#barsByStart.set(start, byKey);
      this.#watermark = tick.watermark;
      if (tick.watermark >= this.#lastInstant(start)) this.#fired.add(start);
      this.#expect(start);
    }
    let bar = byKey.get(tick.instrument);
    if (bar === undefined) {
      bar = new Bar(tick);
      byKey.set(tick.instrument, bar);
    } else {
      bar.add(tick);
    }
    return bar;
  }

  #fire(bar: Bar, start: number): void {
    const { interval, sizeMicros } = this.#definition;
    this.#emit(bar.fire(interval, start, start + sizeMicros));
  }

  #expect(start: number): void {
    const instant = this.#lastInstant(start);
    const next = this.#watermark >= instant ? instant + this.#latenessMicros : instant;
    this.nextInstant = Math.min(this.nextInstant, next);
  }

  #lastInstant(start: number): number {
    return start + this.#definition.sizeMicros - 1;
  }
}
