/** A binary min-heap. */
export class MinHeap<T> {
  readonly #isBefore: (a: T, b: T) => boolean;
  readonly #items: T[] = [];

  constructor(isBefore: (a: T, b: T) => boolean) {
    this.#isBefore = isBefore;
  }

  get first(): T | undefined {
    return this.#items[0];
  }

  push(item: T): void {
    const items = this.#items;
    let at = items.length;
    items.push(item);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = items[parent] as T;
      if (!this.#isBefore(item, above)) break;
      items[at] = above;
      at = parent;
    }
    items[at] = item;
  }

  pop(): T | undefined {
    const items = this.#items;
    const first = items[0];
    const last = items.pop();
    if (last === undefined || items.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= items.length) break;
      if (child + 1 < items.length && this.#isBefore(items[child + 1] as T, items[child] as T)) child++;
      if (!this.#isBefore(items[child] as T, last)) break;
      items[at] = items[child] as T;
      at = child;
    }
    items[at] = last;
    return first;
  }
}

/** Starts of windows or slices, the lowest first. */
export class StartHeap {
  readonly #heap = new MinHeap<number>((a, b) => a < b);

  /** Infinity when empty. */
  get lowest(): number {
    return this.#heap.first ?? Number.POSITIVE_INFINITY;
  }

  push(start: number): void {
    this.#heap.push(start);
  }

  /** Infinity when empty. */
  pop(): number {
    return this.#heap.pop() ?? Number.POSITIVE_INFINITY;
  }
}
