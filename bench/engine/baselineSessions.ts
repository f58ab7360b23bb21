import type { SessionDefinition } from '../../src/topology/windows/definition.ts';
import { Bar, type BarRow, type TickObject } from './bar.ts';

interface Session {
  start: number;
  end: number;
  /** It was emitted with the bounds that it has. */
  isFired: boolean;
  readonly bar: Bar;
}

/** The sessions of one definition, by key. */
export class BaselineSessions {
  /** The watermark at which the next session may be complete. */
  nextInstant = Number.POSITIVE_INFINITY;
  readonly #definition: SessionDefinition;
  readonly #latenessMicros: number;
  readonly #emit: (row: BarRow) => void;
  readonly #byKey = new Map<string, Session[]>();
  readonly #open = new Set<Session>();

  constructor(definition: SessionDefinition, latenessMicros: number, emit: (row: BarRow) => void) {
    this.#definition = definition;
    this.#latenessMicros = latenessMicros;
    this.#emit = emit;
  }

  /** Fires the sessions that are complete at a watermark. */
  advance(watermark: number): void {
    this.nextInstant = Number.POSITIVE_INFINITY;
    for (const session of this.#open) {
      if (watermark >= session.end - 1) this.#fire(session);
      else this.nextInstant = Math.min(this.nextInstant, session.end - 1);
    }
  }

  /** False when the tick is late: the session that it would belong to has expired. */
  add(tick: TickObject): boolean {
    const { tsMicros, watermark } = tick;
    const { gapMicros } = this.#definition;
    const kept = (this.#byKey.get(tick.instrument) ?? []).filter((session) => !this.#hasExpired(session, watermark));
    const reached = kept.filter(({ start, end }) => start <= tsMicros + gapMicros && end >= tsMicros);
    const start = Math.min(tsMicros, ...reached.map((session) => session.start));
    const end = Math.max(tsMicros + gapMicros, ...reached.map((session) => session.end));
    if (watermark >= end - 1 + this.#latenessMicros) return false;
    const [first, ...others] = reached;
    const session = first ?? { start, end, isFired: false, bar: new Bar(tick) };
    if (first !== undefined) {
      this.#unite(first, others, start, end);
      first.bar.add(tick);
    }
    this.#byKey.set(
      tick.instrument,
      first === undefined ? [...kept, session] : kept.filter((one) => !others.includes(one)),
    );
    if (watermark >= end - 1) {
      this.#fire(session);
    } else {
      this.#open.add(session);
      this.nextInstant = Math.min(this.nextInstant, end - 1);
    }
    return true;
  }

  /** Gives a session new bounds, with all that others hold. Those that were emitted with other bounds are taken back. */
  #unite(into: Session, others: readonly Session[], start: number, end: number): void {
    if (others.length === 0 && into.start === start && into.end === end) return;
    const all = [into, ...others];
    const revision = Math.max(...all.map(({ bar }) => bar.revision));
    for (const { isFired, bar, start: from, end: to } of all) {
      if (isFired) this.#emit(bar.fire(this.#definition.interval, from, to, true));
    }
    for (const other of others) {
      into.bar.merge(other.bar);
      this.#open.delete(other);
    }
    into.bar.revision = revision;
    into.start = start;
    into.end = end;
    into.isFired = false;
  }

  #fire(session: Session): void {
    this.#emit(session.bar.fire(this.#definition.interval, session.start, session.end));
    session.isFired = true;
    this.#open.delete(session);
  }

  #hasExpired({ end }: Session, watermark: number): boolean {
    return watermark >= end - 1 + this.#latenessMicros;
  }
}
