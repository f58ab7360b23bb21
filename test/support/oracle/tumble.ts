/** Lengths of the intervals that the oracles know, in milliseconds. */
export const INTERVAL_MS = { '1s': 1_000, '1m': 60_000, '5m': 300_000, '1h': 3_600_000, '1d': 86_400_000 } as const;

export type Interval = keyof typeof INTERVAL_MS;

/** One tumbling window of one instrument with the events in it, in the order in which they were given. */
export interface WindowOf<E> {
  readonly symbol: string;
  readonly interval: Interval;
  /** Inclusive. */
  readonly startMs: number;
  /** Exclusive. */
  readonly endMs: number;
  readonly events: readonly E[];
}

export interface TimedEvent {
  readonly symbol: string;
  readonly timeMs: number;
}

/** Puts each event into the half-open tumbling window [start, start + length) that holds its time; ordered by symbol, start. */
export function tumble<E extends TimedEvent>(events: readonly E[], interval: Interval): WindowOf<E>[] {
  const lengthMs = INTERVAL_MS[interval];
  const windows = new Map<string, WindowOf<E> & { events: E[] }>();
  for (const event of events) {
    const startMs = Math.floor(event.timeMs / lengthMs) * lengthMs;
    const id = `${event.symbol} ${startMs}`;
    let window = windows.get(id);
    if (window === undefined) {
      window = { symbol: event.symbol, interval, startMs, endMs: startMs + lengthMs, events: [] };
      windows.set(id, window);
    }
    window.events.push(event);
  }
  return [...windows.values()].sort((a, b) => compareText(a.symbol, b.symbol) || a.startMs - b.startMs);
}

/** Order of code units, as a database orders ASCII text; not the locale's. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

export function isoTime(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
