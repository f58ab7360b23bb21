/**
 * What a scenario must print, the slow and obvious way: windows are lists of events, every list is searched from end to
 * end, and every result is recomputed from its events. Times are milliseconds throughout.
 */
import { jsonOf, type OracleAggregate, type OracleEvent, valueJson } from './scenarioValues.ts';

export type OracleWindow =
  | { readonly type: 'tumbling'; readonly sizeMs: number; readonly offsetMs?: number }
  | { readonly type: 'hopping'; readonly sizeMs: number; readonly slideMs: number; readonly offsetMs?: number }
  | { readonly type: 'session'; readonly gapMs: number }
  | { readonly type: 'sliding'; readonly sizeMs: number };

export type OracleEntry =
  | { readonly kind: 'event'; readonly key: string | null; readonly timestampMs: number; readonly value: unknown }
  | { readonly kind: 'watermark'; readonly timestampMs: number }
  | { readonly kind: 'endOfInput' };

export interface OracleScenario {
  readonly id: string;
  readonly window: OracleWindow;
  readonly watermarks: 'explicit' | 'perEvent';
  readonly outOfOrdernessMs?: number;
  readonly allowedLatenessMs?: number;
  readonly accumulation?: 'accumulating' | 'discarding';
  readonly aggregates: Readonly<Record<string, OracleAggregate>>;
  readonly input: readonly OracleEntry[];
}

/** A window of one key. */
interface Open {
  readonly key: string | null;
  start: number;
  end: number;
  events: OracleEvent[];
  /** Of its next emission. */
  revision: number;
  /** Something came in since it last fired. */
  changed: boolean;
}

class Oracle {
  readonly results: string[] = [];
  readonly late: string[] = [];
  readonly watermarks: string[] = [];
  readonly #scenario: OracleScenario;
  readonly #lateness: number;
  #watermark = Number.NEGATIVE_INFINITY;
  #windows: Open[] = [];
  /** Events that were not late, for windows that look back. */
  readonly #accepted: OracleEvent[] = [];

  constructor(scenario: OracleScenario, isFlushedAfter: (index: number) => boolean) {
    this.#scenario = scenario;
    this.#lateness = scenario.allowedLatenessMs ?? 0;
    for (const [index, entry] of scenario.input.entries()) {
      this.#take(entry, index);
      if (isFlushedAfter(index)) this.#fireInOrder(this.#windows, index);
    }
  }

  #take(entry: OracleEntry, index: number): void {
    const { watermarks, outOfOrdernessMs = 0 } = this.#scenario;
    if (entry.kind === 'event') {
      const taken = this.#place({ ...entry, index });
      if (!taken) this.late.push(`{"input":${index},"key":${jsonOf(entry.key)},"timestampMs":${entry.timestampMs}}`);
      if (watermarks === 'perEvent') this.#advance(entry.timestampMs - outOfOrdernessMs - 1, index);
    } else {
      this.#advance(entry.kind === 'watermark' ? entry.timestampMs : Number.POSITIVE_INFINITY, index);
    }
    const w = this.#watermark;
    this.watermarks.push(Number.isFinite(w) ? String(w) : w > 0 ? '"end"' : 'null');
  }

  #advance(watermark: number, after: number): void {
    this.#watermark = Math.max(this.#watermark, watermark);
    const complete = this.#windows.filter((window) => this.#isComplete(window));
    this.#fireInOrder(complete, after);
    this.#windows = this.#windows.filter((window) => !this.#isExpired(window));
  }

  /** Windows that complete together, or are flushed, fire by end, start, and first appearance of the key. */
  #fireInOrder(windows: readonly Open[], after: number): void {
    const due = windows.filter(({ changed }) => changed);
    due.sort(
      (a, b) => a.end - b.end || a.start - b.start || this.#firstAppearance(a.key) - this.#firstAppearance(b.key),
    );
    for (const window of due) this.#fire(window, after);
  }

  /** False where the event is late. */
  #place(event: OracleEvent): boolean {
    const { window } = this.#scenario;
    if (window.type === 'session') return this.#placeInSession(event, window.gapMs);
    if (window.type === 'sliding') return this.#placeLookingBack(event, window.sizeMs);
    const slide = window.type === 'hopping' ? window.slideMs : window.sizeMs;
    const spans = gridSpans(event.timestampMs, window.sizeMs, slide, window.offsetMs ?? 0);
    const alive = spans.filter((span) => !this.#isExpired(span));
    for (const span of alive) this.#add(event, this.#openAt(event.key, span.start, span.end));
    return spans.length === 0 || alive.length > 0;
  }

  #placeInSession(event: OracleEvent, gap: number): boolean {
    const { key, timestampMs: t } = event;
    const met = this.#windows.filter((session) => session.key === key && t <= session.end && t + gap >= session.start);
    const start = Math.min(t, ...met.map((session) => session.start));
    const end = Math.max(t + gap, ...met.map((session) => session.end));
    if (this.#isExpired({ end })) return false;
    const merged: Open = {
      key,
      start,
      end,
      events: met.flatMap(({ events }) => events).sort((a, b) => a.index - b.index),
      revision: Math.max(0, ...met.map(({ revision }) => revision)),
      changed: true,
    };
    this.#windows = [...this.#windows.filter((session) => !met.includes(session)), merged];
    this.#add(event, merged);
    return true;
  }

  /** A window for each time of an event, with all of the key's that it looks back on; by time. */
  #placeLookingBack(event: OracleEvent, size: number): boolean {
    const { key, timestampMs: t } = event;
    const ownIsExpired = this.#isExpired({ end: t + 1 });
    const isHeld = this.#windows.some((window) => window.key === key && window.start <= t && t < window.end);
    if (ownIsExpired && !isHeld) return false;
    this.#accepted.push(event);
    if (!ownIsExpired && !this.#windows.some((window) => window.key === key && window.end === t + 1)) {
      const earlier = this.#accepted.filter((e) => e !== event && e.key === key && e.timestampMs <= t);
      const events = earlier.filter((e) => e.timestampMs > t - size);
      this.#windows.push({ key, start: t - size + 1, end: t + 1, events, revision: 0, changed: true });
    }
    const holding = this.#windows.filter((window) => window.key === key && window.start <= t && t < window.end);
    holding.sort((a, b) => a.end - b.end);
    for (const window of holding) this.#add(event, window);
    return true;
  }

  #openAt(key: string | null, start: number, end: number): Open {
    const found = this.#windows.find((window) => window.key === key && window.start === start);
    if (found !== undefined) return found;
    const opened: Open = { key, start, end, events: [], revision: 0, changed: false };
    this.#windows.push(opened);
    return opened;
  }

  #add(event: OracleEvent, window: Open): void {
    window.events.push(event);
    window.changed = true;
    if (this.#isComplete(window)) this.#fire(window, event.index);
  }

  #fire(window: Open, after: number): void {
    const { aggregates, accumulation } = this.#scenario;
    const { key, start, end, events, revision } = window;
    const values = Object.entries(aggregates).map(
      ([name, aggregate]) => `${JSON.stringify(name)}:${valueJson(aggregate, events)}`,
    );
    const bounds = `"startMs":${start},"endMs":${end}`;
    this.results.push(
      `{"after":${after},"key":${jsonOf(key)},${bounds},"revision":${revision},"values":{${values.join(',')}}}`,
    );
    window.revision++;
    window.changed = false;
    if (accumulation === 'discarding') window.events = [];
  }

  #isComplete({ end }: { readonly end: number }): boolean {
    return this.#watermark >= end - 1;
  }

  #isExpired({ end }: { readonly end: number }): boolean {
    return this.#watermark >= end - 1 + this.#lateness;
  }

  #firstAppearance(key: string | null): number {
    return this.#scenario.input.findIndex((entry) => entry.kind === 'event' && entry.key === key);
  }
}

/** Every window [offset + n * slide, offset + n * slide + size) that holds the time, by start. */
function gridSpans(t: number, size: number, slide: number, offset: number): { start: number; end: number }[] {
  const spans: { start: number; end: number }[] = [];
  const last = offset + Math.floor((t - offset) / slide) * slide;
  for (let start = last; start + size > t; start -= slide) spans.unshift({ start, end: start + size });
  return spans;
}

/** The line that a scenario prints; `isFlushedAfter` some entries, which a file cannot say. */
export function scenarioOracle(scenario: OracleScenario, isFlushedAfter = (_index: number): boolean => false): string {
  const { results, late, watermarks } = new Oracle(scenario, isFlushedAfter);
  return `{"id":${JSON.stringify(scenario.id)},"results":[${results}],"late":[${late}],"watermarks":[${watermarks}]}`;
}
