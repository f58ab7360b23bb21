/**
 * What windows of one definition emit in each mode, the slow and obvious way: windows are lists of records, and each is
 * looked at whenever something may be due. Times are whole milliseconds.
 */

export type EmissionWindow =
  | { readonly kind: 'grid'; readonly sizeMs: number; readonly slideMs: number }
  | { readonly kind: 'session'; readonly gapMs: number }
  | { readonly kind: 'sliding'; readonly sizeMs: number };

export interface EmissionSetup {
  readonly window: EmissionWindow;
  readonly outOfOrdernessMs: number;
  readonly allowedLatenessMs: number;
  readonly accumulation: 'accumulating' | 'discarding';
  readonly emit: 'final' | 'eachChange' | { readonly everyMs: number };
}

export interface EmissionRecord {
  readonly key: string;
  readonly timeMs: number;
}

interface Numbered extends EmissionRecord {
  /** Place of arrival. */
  readonly n: number;
}

interface Open {
  readonly key: string;
  readonly start: number;
  readonly end: number;
  records: readonly Numbered[];
  /** Place of the first record that it ever held. */
  readonly born: number;
  /** Of its next emission. */
  revision: number;
  /** Something came in since it last fired. */
  changed: boolean;
  /** What it emitted last was provisional, and it holds that still. */
  unsettled: boolean;
  /** It was emitted with these bounds. */
  shown: boolean;
}

class Emission {
  readonly rows: string[] = [];
  readonly #setup: EmissionSetup;
  #watermark = Number.NEGATIVE_INFINITY;
  /** The watermark at which changed windows are shown next; none before the first watermark. */
  #nextShowing = Number.POSITIVE_INFINITY;
  #windows: Open[] = [];
  readonly #accepted: Numbered[] = [];

  constructor(setup: EmissionSetup) {
    this.#setup = setup;
  }

  take(record: Numbered): void {
    for (const window of this.#place(record)) {
      window.records = [...window.records, record].sort((a, b) => a.n - b.n);
      window.changed = true;
      if (this.#isComplete(window)) this.#fire(window, true);
      else if (this.#setup.emit === 'eachChange') this.#fire(window, false);
    }
    this.#advance(record.timeMs - this.#setup.outOfOrdernessMs - 1);
  }

  flush(): void {
    for (const window of inOrder(this.#windows.filter(({ changed, unsettled }) => changed || unsettled))) {
      this.#fire(window, true);
    }
  }

  #advance(watermark: number): void {
    if (watermark <= this.#watermark) return;
    const { emit } = this.#setup;
    if (watermark >= this.#nextShowing) {
      this.#close(this.#nextShowing);
      const due = this.#windows.filter((window) => window.changed && !this.#isComplete(window));
      for (const window of inOrder(due)) this.#fire(window, false);
    }
    this.#close(watermark);
    if (typeof emit !== 'string') {
      this.#nextShowing = (Math.floor((watermark + 1) / emit.everyMs) + 1) * emit.everyMs - 1;
    }
  }

  #close(watermark: number): void {
    this.#watermark = watermark;
    const due = this.#windows.filter((window) => this.#isComplete(window) && (window.changed || window.unsettled));
    for (const window of inOrder(due)) this.#fire(window, true);
    this.#windows = this.#windows.filter((window) => !this.#isExpired(window));
  }

  /** The windows that take a record in, in order; none where it is late. */
  #place(record: Numbered): readonly Open[] {
    const { window } = this.#setup;
    if (window.kind === 'session') return this.#placeInSession(record, window.gapMs);
    if (window.kind === 'sliding') return this.#placeLookingBack(record, window.sizeMs);
    const starts: number[] = [];
    const last = Math.floor(record.timeMs / window.slideMs) * window.slideMs;
    for (let start = last; start + window.sizeMs > record.timeMs; start -= window.slideMs) starts.unshift(start);
    const alive = starts.filter((start) => !this.#isExpired({ end: start + window.sizeMs }));
    return alive.map((start) => {
      const found = this.#windows.find((open) => open.key === record.key && open.start === start);
      return found ?? this.#open(record, start, start + window.sizeMs);
    });
  }

  #placeInSession(record: Numbered, gap: number): readonly Open[] {
    const { key, timeMs, n } = record;
    const met = this.#windows.filter((open) => open.key === key && timeMs <= open.end && timeMs + gap >= open.start);
    const start = Math.min(timeMs, ...met.map((open) => open.start));
    const end = Math.max(timeMs + gap, ...met.map((open) => open.end));
    if (this.#isExpired({ end })) return [];
    const grown = met.filter((open) => open.start !== start || open.end !== end);
    grown.sort((a, b) => a.start - b.start);
    for (const { shown, ...open } of grown) {
      if (shown && this.#setup.accumulation === 'accumulating') this.rows.push(rowText(open, 'taken back'));
    }
    this.#windows = this.#windows.filter((open) => !met.includes(open));
    const merged = this.#open(record, start, end);
    this.#windows.pop();
    const whole = {
      ...merged,
      born: Math.min(n, ...met.map(({ born }) => born)),
      records: met.flatMap(({ records }) => records),
      revision: Math.max(0, ...met.map(({ revision }) => revision)),
      shown: met.some((open) => open.shown && !grown.includes(open)),
    };
    this.#windows.push(whole);
    return [whole];
  }

  #placeLookingBack(record: Numbered, size: number): readonly Open[] {
    const { key, timeMs } = record;
    const held = this.#windows.filter((open) => open.key === key && open.start <= timeMs && timeMs < open.end);
    const ownIsExpired = this.#isExpired({ end: timeMs + 1 });
    if (ownIsExpired && held.length === 0) return [];
    if (!ownIsExpired && !held.some(({ end }) => end === timeMs + 1)) {
      const own = this.#open(record, timeMs - size + 1, timeMs + 1);
      own.records = this.#accepted.filter((r) => r.key === key && r.timeMs > timeMs - size && r.timeMs <= timeMs);
      held.push(own);
    }
    this.#accepted.push(record);
    return held.sort((a, b) => a.end - b.end);
  }

  #open({ key, n }: Numbered, start: number, end: number): Open {
    const status = { revision: 0, changed: false, unsettled: false, shown: false };
    const opened = { key, start, end, records: [], born: n, ...status };
    this.#windows.push(opened);
    return opened;
  }

  #fire(window: Open, isFinal: boolean): void {
    const isDiscarding = this.#setup.accumulation === 'discarding';
    this.rows.push(rowText(window, isFinal ? 'final' : 'provisional'));
    window.revision++;
    window.shown = true;
    window.changed = false;
    window.unsettled = !isFinal && !isDiscarding;
    if (isDiscarding) window.records = [];
  }

  #isComplete({ end }: Pick<Open, 'end'>): boolean {
    return this.#watermark >= end - 1;
  }

  #isExpired({ end }: Pick<Open, 'end'>): boolean {
    return this.#watermark >= end - 1 + this.#setup.allowedLatenessMs;
  }
}

function inOrder(windows: readonly Open[]): readonly Open[] {
  return [...windows].sort((a, b) => a.end - b.end || a.start - b.start || a.born - b.born);
}

type Shown = Pick<Open, 'key' | 'start' | 'end' | 'revision' | 'records'>;

/** What a window that is taken back held is left out. */
function rowText({ key, start, end, revision, records }: Shown, mark: 'final' | 'provisional' | 'taken back'): string {
  const held = mark === 'taken back' ? '' : ` ${records.map(({ n }) => n).join(' ')}`;
  return `${key} [${start},${end}) r${revision} ${mark}${held}`;
}

/** `key [start,end) revision mark places of arrival` of each row, in order. */
export function emissionOracle(setup: EmissionSetup, entries: readonly (EmissionRecord | 'flush')[]): string[] {
  const emission = new Emission(setup);
  let n = 0;
  for (const entry of entries) {
    if (entry === 'flush') emission.flush();
    else emission.take({ ...entry, n: n++ });
  }
  return emission.rows;
}
