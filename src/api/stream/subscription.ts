import type { BarEvent, IsWanted, StreamTopic } from './streamTopic.ts';

/** Why a stream ends: the reader was too slow or has gone, another generation is served, or this side stops or failed. */
export type EndReason = 'slow' | 'gone' | 'generation' | 'stopping' | 'failed';

/** An event, and the topic that it came from. */
export interface TopicEvent {
  readonly topic: string;
  readonly event: BarEvent;
}

/** What waits for one reader of a live stream. A reader that takes too little of it loses the rest, and is told so. */
export class Subscription {
  readonly #maxEvents: number;
  readonly #onClose: (own: Subscription) => void;
  readonly #isWanted: IsWanted;
  #waiting: TopicEvent[] = [];
  #wake: () => void = () => {};
  #reason: EndReason | null = null;

  constructor(options: {
    readonly maxEvents: number;
    readonly isWanted: IsWanted;
    readonly onClose: (own: Subscription) => void;
  }) {
    this.#maxEvents = options.maxEvents;
    this.#isWanted = options.isWanted;
    this.#onClose = options.onClose;
  }

  get reason(): EndReason | null {
    return this.#reason;
  }

  /** Whether anything waits. */
  get hasMore(): boolean {
    return this.#waiting.length > 0;
  }

  add(topic: StreamTopic, events: readonly BarEvent[]): void {
    if (this.#reason !== null) return;
    for (const event of events) if (this.#isWanted(event)) this.#waiting.push({ topic: topic.topic, event });
    if (this.#waiting.length > this.#maxEvents) this.end('slow');
    else this.#wake();
  }

  end(reason: EndReason): void {
    this.#reason ??= reason;
    if (reason === 'slow') this.#waiting = [];
    this.#wake();
  }

  /** What has come since the last call; empty when nothing came within `waitMs`, or it has ended. */
  async take(waitMs: number): Promise<readonly TopicEvent[]> {
    if (this.#waiting.length === 0 && this.#reason === null) await this.#news(waitMs);
    const taken = this.#waiting;
    this.#waiting = [];
    return taken;
  }

  close(): void {
    this.#onClose(this);
    this.#wake();
  }

  #news(waitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, waitMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
