/** Below this, moving values one by one is quicker than merging. */
const RUN = 16;

/**
 * The indexes of times in ascending order; equal times stay as they are. A merge sort from the bottom: it allocates two
 * arrays, calls nothing for a comparison, and is done in one pass where the times ascend already.
 */
export function orderByTime(times: Float64Array): Int32Array {
  const count = times.length;
  let from: Int32Array = Int32Array.from({ length: count }, (_, i) => i);
  if (isAscending(times)) return from;
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
