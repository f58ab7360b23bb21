import type { SlidingDefinition } from '../../src/topology/windows/definition.ts';
import { Bar, type BarRow, type TickObject } from './bar.ts';

/** The ticks of a key at one event time, for which a window looks back. */
interface Moment {
  readonly tsMicros: number;
  readonly ticks: TickObject[];
  revision: number;
}

/** The look-back windows of one definition: each is added up from its ticks, so it serves to check, not to be timed. */
export class BaselineSliding {
  readonly #definition: SlidingDefinition;
  readonly #latenessMicros: number;
  readonly #emit: (row: BarRow) => void;
  /** By key, and all that are to fire: by event time. */
  readonly #byKey = new Map<string, Moment[]>();
  readonly #waiting: (readonly [Moment, Moment[]])[] = [];

  constructor(definition: SlidingDefinition, latenessMicros: number, emit: (row: BarRow) => void) {
    this.#definition = definition;
    this.#latenessMicros = latenessMicros;
    this.#emit = emit;
  }

  get nextInstant(): number {
    return this.#waiting[0]?.[0].tsMicros ?? Number.POSITIVE_INFINITY;
  }

  advance(watermark: number): void {
    while (this.nextInstant <= watermark) {
      const [next] = this.#waiting.splice(0, 1);
      if (next !== undefined) this.#fire(...next);
    }
  }

  /** False when the tick is late: its own window has expired, and so have those of later ticks that look back on it. */
  add(tick: TickObject): boolean {
    const { tsMicros, watermark, instrument } = tick;
    const moments = this.#byKey.get(instrument) ?? [];
    const expiredTo = watermark - this.#latenessMicros;
    const next = moments[indexFrom(moments, expiredTo + 1, (moment) => moment.tsMicros)];
    const isHeldLater = next !== undefined && next.tsMicros < tsMicros + this.#definition.sizeMicros;
    if (tsMicros <= expiredTo && !isHeldLater) return false;
    this.#byKey.set(instrument, moments);
    const at = indexFrom(moments, tsMicros, (moment) => moment.tsMicros);
    const isNew = moments[at]?.tsMicros !== tsMicros;
    if (isNew) moments.splice(at, 0, { tsMicros, ticks: [], revision: 0 });
    const moment = moments[at] as Moment;
    moment.ticks.push(tick);
    if (watermark < tsMicros) {
      const place = indexFrom(this.#waiting, tsMicros, ([waiting]) => waiting.tsMicros);
      if (isNew) this.#waiting.splice(place, 0, [moment, moments]);
      return true;
    }
    for (const later of moments.slice(at)) {
      if (later.tsMicros >= tsMicros + this.#definition.sizeMicros || later.tsMicros > watermark) break;
      if (later.tsMicros > expiredTo) this.#fire(later, moments);
    }
    return true;
  }

  #fire(moment: Moment, moments: readonly Moment[]): void {
    const { interval, sizeMicros } = this.#definition;
    const { tsMicros } = moment;
    const from = indexFrom(moments, tsMicros - sizeMicros + 1, (one) => one.tsMicros);
    const to = moments.indexOf(moment, from) + 1;
    const [first, ...others] = moments.slice(from, to).flatMap(({ ticks }) => ticks);
    if (first === undefined) return;
    const bar = new Bar(first);
    for (const tick of others) bar.add(tick);
    bar.revision = moment.revision++;
    this.#emit(bar.fire(interval, tsMicros - sizeMicros + 1, tsMicros + 1));
  }
}

/** Index of the first that is at or after a time, of a list by time. */
function indexFrom<T>(list: readonly T[], tsMicros: number, timeOf: (item: T) => number): number {
  let from = 0;
  let to = list.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    if (timeOf(list[middle] as T) < tsMicros) from = middle + 1;
    else to = middle;
  }
  return from;
}
