/**
 * The order of a k-way merge: lanes by the time of their heads, equal times by lane number. A lane keeps its own order,
 * whether or not its times rise; where all of them do, so does the merged sequence.
 */
export class MergeQueue {
  /** A binary heap of lanes. */
  readonly #lanes: number[] = [];
  readonly #times: number[] = [];

  add(lane: number, time: number): void {
    this.#times[lane] = time;
    let at = this.#lanes.length;
    this.#lanes.push(lane);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#isBefore(at, parent)) return;
      this.#swap(at, parent);
      at = parent;
    }
  }

  /** The lane whose head is next, or -1 when all have ended. */
  get first(): number {
    return this.#lanes[0] ?? -1;
  }

  /** The first lane has a new head. */
  moveFirst(time: number): void {
    this.#times[this.first] = time;
    this.#sink();
  }

  /** The first lane has ended. */
  removeFirst(): void {
    const last = this.#lanes.pop();
    if (last === undefined || this.#lanes.length === 0) return;
    this.#lanes[0] = last;
    this.#sink();
  }

  #sink(): void {
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      const right = left + 1;
      let least = at;
      if (left < this.#lanes.length && this.#isBefore(left, least)) least = left;
      if (right < this.#lanes.length && this.#isBefore(right, least)) least = right;
      if (least === at) return;
      this.#swap(at, least);
      at = least;
    }
  }

  #isBefore(a: number, b: number): boolean {
    const laneA = this.#lanes[a] as number;
    const laneB = this.#lanes[b] as number;
    const timeA = this.#times[laneA] as number;
    const timeB = this.#times[laneB] as number;
    return timeA < timeB || (timeA === timeB && laneA < laneB);
  }

  #swap(a: number, b: number): void {
    const lane = this.#lanes[a] as number;
    this.#lanes[a] = this.#lanes[b] as number;
    this.#lanes[b] = lane;
  }
}
