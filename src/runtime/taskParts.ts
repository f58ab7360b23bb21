import type { TransactionalWriter } from '../log/log.ts';
import type { Assembly } from '../topology/assemble.ts';
import type { Outbox } from './outbox.ts';
import type { RecordedControl } from './recordedControls.ts';
import type { SnapshotSchedule } from './snapshotSchedule.ts';
import type { SnapshotPointer, Snapshots } from './snapshots.ts';
import type { TaskInputs } from './taskInputs.ts';

/** A commit happens at whichever bound is met first. */
export interface CommitBounds {
  readonly maxRecords: number;
  readonly maxBytes: number;
  readonly intervalMs: number;
}

/** Where a task stands when it is opened: a committed position, or the beginning. */
export interface TaskStart {
  /** Outputs are muted below this place in the order of its records: they were committed. */
  readonly position: number;
  /** The offsets there, by input. */
  readonly offsets: readonly number[];
  readonly controlSequence: number;
  /** No record before the position has a later event time. */
  readonly maxEventTime: number;
  /** By input, the offset that it began at when nothing was committed. */
  readonly began: readonly number[];
  /** Where it reads from, for the state at the position. */
  readonly from: ReadFrom;
  /** Recorded controls that the re-read repeats, by sequence. */
  readonly controls: readonly RecordedControl[];
  /** The newest snapshots, newest first. */
  readonly snapshots: readonly SnapshotPointer[];
  /** The end of the partition of control records. */
  readonly controlEnd: number;
}

/** A place with the state there: that of a snapshot, or a watermark and nothing else. */
export interface ReadFrom {
  readonly position: number;
  readonly offsets: readonly number[];
  readonly state: Uint8Array | null;
  readonly watermark: number;
  /** Controls that had applied there; later ones are recorded from the offset on. */
  readonly controlSequence: number;
  readonly controlOffset: number;
}

/** What a snapshot's bytes hold. */
export interface SavedTask {
  readonly steps: readonly unknown[];
  readonly inputs: unknown;
}

export interface TaskParts {
  /** The consumer group: the topology's name. */
  readonly group: string;
  readonly partition: number;
  /** Of each input. */
  readonly partitions: number;
  readonly fingerprint: string;
  readonly controlTopic: string;
  readonly start: TaskStart;
  readonly writer: TransactionalWriter;
  readonly inputs: TaskInputs;
  readonly assembly: Assembly;
  /** Whether it writes what a next stage reads. */
  readonly feedsStage: boolean;
  readonly outbox: Outbox;
  readonly snapshots: Snapshots;
  readonly schedule: SnapshotSchedule;
  readonly bounds: CommitBounds;
  readonly now: () => number;
  /** Told how long each commit took. */
  readonly onCommit: (durationMs: number) => void;
}
