/** Below this, moving values one by one is quicker than merging. */
const RUN = 16;
/** Most times of one part of the span that are still put in order one by one. */
const CROWDED = 64;

/**
 * The indexes of times in ascending order; equal times stay as they are. Nothing is called for a comparison. Times that
 * ascend already take one pass; those that are spread out are put into as many parts of their span as there are times, which
 * takes a few passes; others are merged from the bottom.
 */
export function orderByTime(times: Float64Array): Int32Array {
  if (isAscending(times)) return identity(times.length);
  const order = spreadOut(times);
  if (order === null) return mergeSorted(times);
  insertionSort(order, times, 0, times.length);
  return order;
}

function identity(count: number): Int32Array {
  const order = new Int32Array(count);
  for (let i = 0; i < count; i++) order[i] = i;
  return order;
}

/** The indexes by parts of the span, so that none is far from its place; null where some part is crowded. */
function spreadOut(times: Float64Array): Int32Array | null {
  const count = times.length;
  let first = times[0] as number;
  let last = first;
  for (let i = 1; i < count; i++) {
    const time = times[i] as number;
    if (time < first) first = time;
    else if (time > last) last = time;
  }
  const parts = (count - 1) / (last - first);
  if (!Number.isFinite(parts) || parts === 0) return null;
  // How many times lie in each part; then, one further on, where the next of a part goes.
  const places = new Int32Array(count + 1);
  for (let i = 0; i < count; i++) {
    const part = Math.trunc(((times[i] as number) - first) * parts) + 1;
    if (++(places[part] as number) > CROWDED) return null;
  }
  for (let part = 1; part < count; part++) (places[part] as number) += places[part - 1] as number;
  const order = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    const part = Math.trunc(((times[i] as number) - first) * parts);
    order[(places[part] as number)++] = i;
  }
  return order;
}

/** A merge sort from the bottom. */
function mergeSorted(times: Float64Array): Int32Array {
  const count = times.length;
  let from = identity(count);
  for (let start = 0; start < count; start += RUN) insertionSort(from, times, start, Math.min(count, start + RUN));
  let to: Int32Array = new Int32Array(count);
  for (let width = RUN; width < count; width *= 2) {
    for (let start = 0; start < count; start += 2 * width) {
      const middle = Math.min(count, start + width);
      mergeRuns(from, to, times, start, middle, Math.min(count, start + 2 * width));
    }
    [from, to] = [to, from];
  }
  return from;
}

function isAscending(times: Float64Array): boolean {
  for (let i = 1; i < times.length; i++) if ((times[i] as number) < (times[i - 1] as number)) return false;
  return true;
}

function insertionSort(order: Int32Array, times: Float64Array, start: number, end: number): void {
  for (let i = start + 1; i < end; i++) {
    const index = order[i] as number;
    const time = times[index] as number;
    let at = i;
    while (at > start && (times[order[at - 1] as number] as number) > time) {
      order[at] = order[at - 1] as number;
      at--;
    }
    order[at] = index;
  }
}

function mergeRuns(
  from: Int32Array,
  to: Int32Array,
  times: Float64Array,
  start: number,
  middle: number,
  end: number,
): void {
  let left = start;
  let right = middle;
  for (let at = start; at < end; at++) {
    const takeRight =
      left >= middle ||
      (right < end && (times[from[right] as number] as number) < (times[from[left] as number] as number));
    to[at] = (takeRight ? from[right++] : from[left++]) as number;
  }
}
