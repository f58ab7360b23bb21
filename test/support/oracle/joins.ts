/** Joins by their definition: arrays, sorting and looking at every pair. Imports nothing from the engine. */

export interface OracleRow {
  readonly side: number;
  readonly key: string;
  readonly time: number;
  readonly arrival: number;
  readonly offset: number;
}

export interface OracleOut {
  readonly left: OracleRow;
  readonly right: OracleRow | null;
  /** The watermark before the row came out, and the arrival after which it did. */
  readonly watermark: number;
  readonly arrival: number;
}

interface Timeline {
  readonly inTime: readonly OracleRow[];
  readonly late: readonly (OracleRow & { readonly watermark: number })[];
  /** The combined watermark after each arrival, and again after the arrival that was a side's last. */
  readonly steps: readonly { readonly arrival: number; readonly watermark: number }[];
}

/**
 * Watermarks of two sides that allow for some disorder each, and which rows they found late. A side without further rows
 * holds nothing back.
 */
export function timelineOf(rows: readonly OracleRow[], delays: readonly number[]): Timeline {
  const highest = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
  const steps: { arrival: number; watermark: number }[] = [];
  const inTime: OracleRow[] = [];
  const late: (OracleRow & { watermark: number })[] = [];
  let watermark = Number.NEGATIVE_INFINITY;
  rows.forEach((row, at) => {
    if (row.time > watermark) inTime.push(row);
    else late.push({ ...row, watermark });
    highest[row.side] = Math.max(highest[row.side] as number, row.time - (delays[row.side] as number));
    for (const from of [at, at + 1]) {
      const open = highest.filter((_, side) => rows.slice(from).some((later) => later.side === side));
      if (open.length > 0) watermark = Math.max(watermark, Math.min(...open));
      steps.push({ arrival: row.arrival, watermark });
    }
  });
  return { inTime, late, steps };
}

/** When a row comes out: with the first arrival after which the watermark has reached its time; at the end otherwise. */
function released(time: number, arrivedAt: number, { steps }: Timeline): { watermark: number; arrival: number } {
  const at = steps.findIndex(({ watermark }) => watermark >= time);
  const step = steps[at];
  const before = step === undefined ? steps.at(-1) : steps[at - 1];
  return { watermark: before?.watermark ?? Number.NEGATIVE_INFINITY, arrival: step?.arrival ?? arrivedAt };
}

/** Each left row with the latest right row of its key at or before it, unless that is too old; in the order of time. */
export function asOfOracle(timeline: Timeline, maxAge: number): readonly OracleOut[] {
  const left = timeline.inTime.filter(({ side }) => side === 0);
  const ordered = left.toSorted((a, b) => a.time - b.time || a.arrival - b.arrival);
  return ordered.map((row) => {
    const candidates = timeline.inTime
      .filter(({ side, key, time }) => side === 1 && key === row.key && time <= row.time)
      .sort((a, b) => a.time - b.time || a.arrival - b.arrival);
    const last = candidates.at(-1);
    const right = last === undefined || row.time - last.time > maxAge ? null : last;
    return { left: row, right, ...released(row.time, row.arrival, timeline) };
  });
}

/**
 * Every pair of one key whose right time is in `[left - before, left + after]`, in the order of the later time; there the
 * pairs that a right row completes come first.
 */
export function intervalOracle(timeline: Timeline, before: number, after: number): readonly OracleOut[] {
  const left = timeline.inTime.filter(({ side }) => side === 0);
  const right = timeline.inTime.filter(({ side }) => side === 1);
  const pairs = left.flatMap((l) =>
    right
      .filter(({ key, time }) => key === l.key && time >= l.time - before && time <= l.time + after)
      .map((r) => (l.time >= r.time ? { l, r, last: l, first: r } : { l, r, last: r, first: l })),
  );
  pairs.sort(
    (a, b) =>
      a.last.time - b.last.time ||
      b.last.side - a.last.side ||
      a.last.arrival - b.last.arrival ||
      a.first.time - b.first.time ||
      a.first.arrival - b.first.arrival,
  );
  return pairs.map(({ l, r, last }) => ({ left: l, right: r, ...released(last.time, last.arrival, timeline) }));
}
