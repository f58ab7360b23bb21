/** Most of a task's working time that its snapshots may take. */
const MAX_SHARE = 0.05;

/**
 * Says when a task takes a snapshot: before a restart would have to read more records again than it may, but not so often
 * that snapshots take more than a twentieth of the task's time. Where state is so large that both cannot be, restarts take
 * longer.
 */
export class SnapshotSchedule {
  readonly #maxRereadRecords: number;
  readonly #maxRecordsPerCommit: number;
  #records = 0;
  #workedMs = 0;
  /** What the last one cost. */
  #costMs = 0;

  constructor(maxRereadRecords: number, maxRecordsPerCommit: number) {
    this.#maxRereadRecords = maxRereadRecords;
    this.#maxRecordsPerCommit = maxRecordsPerCommit;
  }

  /** Records were processed, those that a restart reads again too, in so much time. */
  worked(records: number, durationMs: number): void {
    this.#records += records;
    this.#workedMs += durationMs;
  }

  taken(durationMs: number): void {
    this.#costMs = durationMs;
    this.#records = 0;
    this.#workedMs = 0;
  }

  get isDue(): boolean {
    const wouldBePassed = this.#records > 0 && this.#records + this.#maxRecordsPerCommit > this.#maxRereadRecords;
    return wouldBePassed && this.#costMs <= this.#workedMs * MAX_SHARE;
  }
}
