/**
 * Windows the slow, obvious way: every record is kept, every window is recomputed from all its records when it fires.
 * Times are microseconds.
 */

export interface OracleTick {
  readonly instrument: string;
  readonly eventTime: number;
  readonly price: number;
  readonly size: number;
  readonly sequence: number | null;
}

export interface OracleWindow {
  readonly interval: string;
  readonly sizeMicros: number;
  readonly slideMicros: number;
  readonly offsetMicros: number;
}

export interface OracleSetup {
  readonly windows: readonly OracleWindow[];
  readonly outOfOrdernessMicros: number;
  readonly latenessMicros: number;
}

export interface OracleResult {
  readonly instrument: string;
  readonly interval: string;
  readonly start: number;
  readonly end: number;
  readonly revision: number;
  readonly count: number;
  readonly open: number;
  readonly close: number;
  readonly high: number;
  readonly low: number;
  /** In units of 10^-4, exact. */
  readonly volume: bigint;
}

interface State {
  readonly window: OracleWindow;
  readonly instrument: string;
  readonly start: number;
  readonly records: { readonly tick: OracleTick; readonly arrival: number }[];
  revision: number;
  /** How many records it held when it last fired. */
  firedWith: number;
  complete: boolean;
}

export type OracleEntry = OracleTick | 'flush';

/** What comes out, in order, for ticks and flushes in order of arrival. */
export function windowOracle(
  setup: OracleSetup,
  entries: readonly OracleEntry[],
): { readonly results: OracleResult[]; readonly late: { readonly arrival: number; readonly intervals: string }[] } {
  const results: OracleResult[] = [];
  const late: { arrival: number; intervals: string }[] = [];
  const states: State[] = [];
  let watermark = Number.NEGATIVE_INFINITY;
  let arrival = 0;
  const fire = (state: State): void => {
    results.push(resultOf(state));
    state.revision++;
    state.firedWith = state.records.length;
  };
  const lastInstant = (state: State): number => state.start + state.window.sizeMicros - 1;
  const fireInOrder = (due: State[]): void => {
    due.sort(
      (a, b) =>
        lastInstant(a) - lastInstant(b) ||
        a.start - b.start ||
        setup.windows.indexOf(a.window) - setup.windows.indexOf(b.window) ||
        (a.records[0]?.arrival ?? 0) - (b.records[0]?.arrival ?? 0),
    );
    for (const state of due) fire(state);
  };
  for (const entry of entries) {
    if (entry === 'flush') {
      const kept = states.filter((state) => watermark < lastInstant(state) + setup.latenessMicros);
      fireInOrder(kept.filter((state) => state.firedWith !== state.records.length));
      continue;
    }
    const missed: string[] = [];
    for (const window of setup.windows) {
      const starts = startsOf(window, entry.eventTime);
      const alive = starts.filter((start) => watermark < start + window.sizeMicros - 1 + setup.latenessMicros);
      if (starts.length > 0 && alive.length === 0) missed.push(window.interval);
      // A record that some window of the definition still takes belongs to all its windows; only those kept can fire.
      for (const start of alive) {
        let state = states.find((s) => s.window === window && s.start === start && s.instrument === entry.instrument);
        if (state === undefined) {
          state = {
            window,
            instrument: entry.instrument,
            start,
            records: [],
            revision: 0,
            firedWith: 0,
            complete: false,
          };
          states.push(state);
        }
        state.records.push({ tick: entry, arrival });
        if (watermark >= lastInstant(state)) {
          state.complete = true;
          fire(state);
        }
      }
    }
    if (missed.length > 0) late.push({ arrival, intervals: missed.join(',') });
    arrival++;
    watermark = Math.max(watermark, entry.eventTime - setup.outOfOrdernessMicros - 1);
    const due = states.filter((state) => !state.complete && watermark >= lastInstant(state));
    for (const state of due) state.complete = true;
    fireInOrder(due.filter((state) => state.firedWith !== state.records.length));
  }
  return { results, late };
}

/** Every start = offset + n * slide with start <= t < start + size, by counting down from the last. */
function startsOf(window: OracleWindow, t: number): number[] {
  const { sizeMicros, slideMicros, offsetMicros } = window;
  const sinceStart = (((t - offsetMicros) % slideMicros) + slideMicros) % slideMicros;
  let start = t - sinceStart;
  const starts: number[] = [];
  for (; start + sizeMicros > t; start -= slideMicros) starts.unshift(start);
  return starts;
}

function resultOf(state: State): OracleResult {
  const ordered = [...state.records].sort(
    (a, b) =>
      a.tick.eventTime - b.tick.eventTime || (a.tick.sequence ?? -1) - (b.tick.sequence ?? -1) || a.arrival - b.arrival,
  );
  const prices = ordered.map(({ tick }) => tick.price);
  return {
    instrument: state.instrument,
    interval: state.window.interval,
    start: state.start,
    end: state.start + state.window.sizeMicros,
    revision: state.revision,
    count: ordered.length,
    open: prices[0] as number,
    close: prices.at(-1) as number,
    high: Math.max(...prices),
    low: Math.min(...prices),
    volume: ordered.reduce((sum, { tick }) => sum + BigInt(Math.round(tick.size * 10_000)), 0n),
  };
}
