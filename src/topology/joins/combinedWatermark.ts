import { NO_WATERMARK, type Progress } from '../elements.ts';

export interface SavedWatermark {
  readonly current: number;
  readonly ports: readonly [number, number];
  readonly active: readonly boolean[];
}

/**
 * The watermark of two streams together: the lower of theirs, of the active ones. It moves at the record that moves it,
 * however the streams were cut into chunks.
 */
export class CombinedWatermark {
  #current = NO_WATERMARK;
  #ports: [number, number] = [NO_WATERMARK, NO_WATERMARK];
  #active: boolean[] = [true, true];

  get current(): number {
    return this.#current;
  }

  get isActive(): boolean {
    return this.#active.some((isActive) => isActive);
  }

  isPortActive(port: 0 | 1): boolean {
    return this.#active[port] === true;
  }

  /** The steps by which it rises while both streams progress; of records with one arrival the first stream's counts first. */
  advance(left: Progress, right: Progress): Progress {
    const count = left.arrivals.length + right.arrivals.length;
    const arrivals = new Float64Array(count);
    const watermarks = new Float64Array(count);
    let steps = 0;
    let l = 0;
    let r = 0;
    while (l + r < count) {
      const takeLeft =
        r >= right.arrivals.length ||
        (l < left.arrivals.length && (left.arrivals[l] as number) <= (right.arrivals[r] as number));
      const arrival = (takeLeft ? left.arrivals[l] : right.arrivals[r]) as number;
      const reached = (takeLeft ? left.watermarks[l++] : right.watermarks[r++]) as number;
      if (!this.#raise(takeLeft ? 0 : 1, reached)) continue;
      arrivals[steps] = arrival;
      watermarks[steps] = this.#current;
      steps++;
    }
    return { arrivals: arrivals.subarray(0, steps), watermarks: watermarks.subarray(0, steps) };
  }

  /** A watermark that came from outside. True when the combined one rises. */
  set(port: 0 | 1, tsMicros: number): boolean {
    return this.#raise(port, tsMicros);
  }

  /** True when the combined watermark rises. */
  setActive(port: 0 | 1, isActive: boolean): boolean {
    this.#active[port] = isActive;
    // While both are idle, only what moves one of them moves it.
    return this.isActive && this.#rise(this.combined(this.#ports));
  }

  snapshot(): SavedWatermark {
    return { current: this.#current, ports: this.#ports, active: this.#active };
  }

  restore({ current, ports, active }: SavedWatermark): void {
    this.#current = current;
    this.#ports = [...ports];
    this.#active = [...active];
  }

  /** What watermarks of the two streams come to: the lowest of the active ones; of idle ones, where both are, the highest. */
  combined(ports: readonly [number, number]): number {
    const [left, right] = ports;
    const [isLeftActive, isRightActive] = this.#active as [boolean, boolean];
    if (isLeftActive === isRightActive) return isLeftActive ? Math.min(left, right) : Math.max(left, right);
    return isLeftActive ? left : right;
  }

  #raise(port: 0 | 1, reached: number): boolean {
    if (reached <= this.#ports[port]) return false;
    this.#ports[port] = reached;
    return this.#rise(this.combined(this.#ports));
  }

  #rise(reached: number): boolean {
    if (reached <= this.#current) return false;
    this.#current = reached;
    return true;
  }
}
