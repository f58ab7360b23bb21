import type { TopicPartition } from '../log/log.ts';

/** For how long nothing has come in each partition, by the clock of this process: after a restart that begins anew. */
export interface Arrivals {
  /** Something came, or the partition is read from now on. */
  cameIn(place: TopicPartition): void;
  quietMs(place: TopicPartition): number;
}

export class ClockArrivals implements Arrivals {
  readonly #now: () => number;
  readonly #cameMs = new Map<string, number>();

  constructor(now: () => number) {
    this.#now = now;
  }

  cameIn(place: TopicPartition): void {
    this.#cameMs.set(nameOf(place), this.#now());
  }

  quietMs(place: TopicPartition): number {
    const nowMs = this.#now();
    // A clock that is put back does not make it negative.
    return Math.max(0, nowMs - (this.#cameMs.get(nameOf(place)) ?? nowMs));
  }
}

function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}
