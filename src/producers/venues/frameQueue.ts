/** A text message as it came. */
export interface Frame {
  readonly text: string;
  /** When it came, by this machine's clock, epoch microseconds. */
  readonly receivedMicros: number;
}

/** What a frame takes besides its characters. */
const FRAME_OVERHEAD_BYTES = 100;

/** Frames that have come and are not taken yet, within a bound. */
export class FrameQueue {
  readonly #maxBytes: number;
  #frames: Frame[] = [];
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get isEmpty(): boolean {
    return this.#frames.length === 0;
  }

  /** False, and not taken in, when there is no room. */
  push(frame: Frame): boolean {
    const bytes = frame.text.length + FRAME_OVERHEAD_BYTES;
    if (this.#bytes + bytes > this.#maxBytes) return false;
    this.#bytes += bytes;
    this.#frames.push(frame);
    return true;
  }

  /** All of them, in order. */
  take(): readonly Frame[] {
    const taken = this.#frames;
    this.#frames = [];
    this.#bytes = 0;
    return taken;
  }
}
