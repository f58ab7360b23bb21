import type { ClickHouse } from '../sinks/clickhouse/connect.ts';
import { INSERT_SETTINGS } from '../sinks/clickhouse/insertSettings.ts';

export type RunState = 'running' | 'done' | 'failed' | 'interrupted';

/** What a run did: what its command said of it. */
export interface RunCounts {
  readonly rowsRead: number;
  readonly rowsWritten: number;
  readonly skipped: number;
  readonly rejected: number;
  readonly bytes: number;
}

export const NOTHING_DONE: RunCounts = { rowsRead: 0, rowsWritten: 0, skipped: 0, rejected: 0, bytes: 0 };

/** One attempt to run a job. Attempts of one run share its id. */
export interface Run extends RunCounts {
  readonly id: string;
  readonly job: string;
  readonly attempt: number;
  readonly state: RunState;
  /** Epoch milliseconds: when it was due, when it began and when it ended. */
  readonly scheduledMs: number;
  readonly startedMs: number;
  readonly endedMs: number | null;
  readonly errorCode: string | null;
  readonly error: string | null;
  readonly configHash: string;
  readonly command: readonly string[];
  /** How long it may take; 0 of runs of which that was not written yet. */
  readonly timeoutMs: number;
  /** What the job waited for, as it was when the run began. */
  readonly mark: string | null;
}

const COLUMNS =
  'id, job, attempt, state, toUnixTimestamp64Milli(scheduled) AS scheduledMs, toUnixTimestamp64Milli(started) AS startedMs, ' +
  'toUnixTimestamp64Milli(ended) AS endedMs, rowsRead, rowsWritten, skipped, rejected, bytes, errorCode, error, configHash, ' +
  'command, timeoutMs, mark';

/** 64-bit integers as numbers: counts and milliseconds stay below 2^53. */
const AS_NUMBERS = { settings: { output_format_json_quote_64bit_integers: '0' } };

/** The runs of all jobs, in ClickHouse. */
export class RunLedger {
  readonly #clickhouse: ClickHouse;

  constructor(clickhouse: ClickHouse) {
    this.#clickhouse = clickhouse;
  }

  /** Writes a run as it is now; what was written of it before no longer counts. */
  async write(run: Run): Promise<void> {
    const { scheduledMs, startedMs, endedMs, ...values } = run;
    const row = {
      ...values,
      scheduled: instant(scheduledMs),
      started: instant(startedMs),
      ended: endedMs === null ? null : instant(endedMs),
      version: run.state === 'running' ? 1 : 2,
    };
    const sql = `INSERT INTO runs_raw SETTINGS ${INSERT_SETTINGS}, date_time_input_format = 'best_effort' FORMAT JSONEachRow`;
    await this.#clickhouse.insert(sql, Buffer.from(JSON.stringify(row)));
  }

  /** The newest runs, the newest first. */
  list(job: string | null, limit: number): Promise<Run[]> {
    return this.#clickhouse.rows<Run>(
      `SELECT ${COLUMNS} FROM runs WHERE {job:String} IN ('', job) ORDER BY started DESC, attempt DESC LIMIT {limit:UInt32}`,
      { ...AS_NUMBERS, parameters: { job: job ?? '', limit } },
    );
  }

  /** The attempts of a run, in order. */
  attempts(id: string): Promise<Run[]> {
    return this.#clickhouse.rows<Run>(`SELECT ${COLUMNS} FROM runs WHERE id = {id:String} ORDER BY attempt`, {
      ...AS_NUMBERS,
      parameters: { id },
    });
  }

  /** Of each job the run that began last. */
  latest(): Promise<Run[]> {
    return this.#clickhouse.rows<Run>(
      `SELECT ${COLUMNS} FROM runs ORDER BY job, started DESC, attempt DESC LIMIT 1 BY job`,
      AS_NUMBERS,
    );
  }

  /** Runs of which nobody has said that they ended. */
  running(): Promise<Run[]> {
    return this.#clickhouse.rows<Run>(
      `SELECT ${COLUMNS} FROM runs WHERE state = 'running' ORDER BY started`,
      AS_NUMBERS,
    );
  }
}

function instant(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
