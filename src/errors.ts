/** Every error that Tidemark raises on purpose, by code. `docs/errors.md` has one entry for each; a test holds the two together. */
export const ERROR_CODES = {
  TM_USAGE: 'The command line is wrong.',
  TM_CONFIG: 'A configuration key is unknown, or its value has a wrong type or is out of bounds.',
  TM_ALERT_FAILED: 'An alert did not get through to its webhook, or the log could not be looked at for one.',
  TM_API_BOUNDS: 'A request would take more time, memory or rows than the API allows.',
  TM_API_HOST: 'A request names another host, where the API answers to this machine only.',
  TM_API_KEY: 'A request carries no API key, or a wrong one.',
  TM_API_LISTEN: 'The API cannot listen on its address.',
  TM_API_METHOD: 'The API has this path, but not for this method.',
  TM_API_NOT_FOUND: 'The API has no such path.',
  TM_API_NOT_READY:
    'The API cannot serve now: the log or ClickHouse does not answer, a part of the process waits for a server, or the process is stopping.',
  TM_API_REQUEST: 'A request to the API is malformed, or one of its parameters is.',
  TM_API_STREAMS: 'As many live streams are open as the API allows.',
  TM_API_TYPE: 'The body of a request is of a type or an encoding that is not taken.',
  TM_BROKER_ACCESS: 'The broker refused the login, or what was asked of it.',
  TM_BROKER_CLIENT: 'The native broker client is missing or does not load.',
  TM_BROKER_FAILED: 'The broker failed a request.',
  TM_BROKER_UNREACHABLE: 'No broker answers.',
  TM_CLICKHOUSE_INSERT: 'ClickHouse did not take rows.',
  TM_CLICKHOUSE_OPEN: 'The embedded ClickHouse cannot be opened.',
  TM_CLICKHOUSE_UNREACHABLE: 'ClickHouse does not answer, or broke off its answer.',
  TM_CLICKHOUSE_VERSION: 'The ClickHouse server is too old.',
  TM_MIGRATION_CHANGED: 'A migration that was applied to the database has been changed since.',
  TM_MIGRATION_NEWER: 'The database was migrated by a newer version of Tidemark.',
  TM_ROLLUP: 'A roll-up has no windows that it can be made of.',
  TM_SQL: 'ClickHouse refused a query.',
  TM_TABLE_DIFFERS: "A results table has other columns than the topology's output, or is another topology's.",
  TM_INTERNAL: 'A defect in Tidemark: please report it.',
  TM_INTERRUPTED: 'A bounded command was stopped before its end.',
  TM_COLUMN_FULL: 'A column of text or bytes passes 2 GiB.',
  TM_COLUMN_KIND: "A value's kind is not its column's kind.",
  TM_COLUMN_UNKNOWN: 'A record has no such field.',
  TM_ROW_INCOMPLETE: 'A row lacks a field that cannot be null.',
  TM_DEAD_LETTER_UNKNOWN: 'There is no dead letter with this id.',
  TM_DEAD_LETTER_UNUSABLE: 'A dead letter cannot be released: its row is still none of its topic.',
  TM_INGEST_BODY: 'The body of an ingest request is not what its content type says.',
  TM_INGEST_BUSY: 'As many ingest requests are under way as the API allows.',
  TM_INGEST_KEY_REUSED: 'An idempotency key came before with another request.',
  TM_INGEST_OFF: 'The API takes no rows, since no key for that is configured.',
  TM_LAYOUT: 'A layout of CSV files is wrong, or does not go with a file.',
  TM_LOG_CLOSED: 'The log, a writer or a reader of it was used after it was closed.',
  TM_LOG_CORRUPT: 'A stored record batch is damaged.',
  TM_LOG_DIRECTORY: "The log's directory cannot be made, read or written.",
  TM_LOG_FENCED: 'A newer writer of the same transactional id has taken over.',
  TM_LOG_FORMAT: 'The store was written in a format that this version does not read, or is not a Tidemark log.',
  TM_LOG_FULL: 'The log cannot grow: the disk or a quota is full.',
  TM_LOG_POSITION: 'A committed position or its group name is malformed or too long.',
  TM_LOG_RECORD_TOO_LARGE: 'A record is larger than the log takes.',
  TM_OFFSET_OUT_OF_RANGE: 'An offset lies before the first or after the next offset of its partition.',
  TM_PRODUCE_FILE: 'A file to be produced cannot be read, or is damaged.',
  TM_PRODUCE_HELD: 'Another process is asking a market API for some of the same.',
  TM_PRODUCE_HISTORY: 'Rows to be produced are older than what their topic has already gone past.',
  TM_RECORDING: 'A file is no recording of a venue, or its recording lacks a file.',
  TM_RECORD_FILE: 'A recording cannot be written.',
  TM_SOURCE_ACCESS: 'A market API does not accept the API key, or asks for a login.',
  TM_SOURCE_EMPTY: 'A market API answered with nothing at all.',
  TM_SOURCE_PREMIUM: 'A market API gives this only to plans that are paid for.',
  TM_SOURCE_QUOTA: 'A market API has no requests left for the day.',
  TM_SOURCE_RATE: 'A market API was asked more often than it allows.',
  TM_SOURCE_REFUSED: 'A market API refused a request with a message that is not known.',
  TM_SOURCE_REQUEST: 'A market API says that the request is wrong.',
  TM_SOURCE_RESPONSE: 'A market API gave an answer that is not of its format, or not to what was asked.',
  TM_SOURCE_SERVER: 'A market API failed by itself.',
  TM_SOURCE_SYMBOL: 'A market API does not know a symbol.',
  TM_SOURCE_TOO_LARGE: 'An answer of a market API is larger than the bound.',
  TM_SOURCE_UNREACHABLE: 'A market API does not answer, or not in time.',
  TM_VENUE_CONNECTION: "A venue's WebSocket cannot be reached, was cut, or fell silent.",
  TM_VENUE_QUIET: 'A venue has said nothing of a symbol that it was asked for.',
  TM_VENUE_REFUSED: 'A venue refused to send what it was asked for.',
  TM_REGISTRY_FAILED: 'The schema registry failed a request.',
  TM_REGISTRY_UNREACHABLE: 'The schema registry does not answer.',
  TM_SCHEMA_INCOMPATIBLE: 'A schema cannot read what earlier versions of its subject wrote.',
  TM_SCHEMA_INVALID: 'A schema is not valid Avro.',
  TM_SCHEMA_UNKNOWN: 'No such schema id, subject or version is registered.',
  TM_SCHEMA_UNSUPPORTED: 'A schema is valid Avro, but not a flat record that becomes columns.',
  TM_TOPIC_DIFFERS: 'The topic exists with other settings.',
  TM_TOPIC_NAME: 'A topic name is not allowed.',
  TM_TOPIC_OWN: 'A topic is written by topologies alone.',
  TM_TOPIC_SETTINGS: 'A partition count or a retention time is out of bounds.',
  TM_TOPIC_UNKNOWN: 'No such topic or partition.',
  TM_VALUE_RANGE: 'A value does not fit the type that its schema gives it.',
  TM_DURATION: 'A duration is not a whole number above zero and a unit (500ms, 1s, 5m, 1h, 1d).',
  TM_STATE_FULL: 'An operator of a topology would keep more rows than its bound allows.',
  TM_TOPOLOGY: 'A topology does not fit together: a step, a field, a name or a version is wrong.',
  TM_TOPOLOGY_FILE: 'A topology file cannot be read or loaded, or exports no topology.',
  TM_WINDOW: 'A window definition is not valid.',
  TM_JOB_FAILED: 'A scheduled command failed without saying why.',
  TM_JOB_RUNNING: 'A job runs already, and does not run twice at a time.',
  TM_JOB_TIMEOUT: 'A scheduled command took longer than its job allows.',
  TM_JOB_WAIT: 'What a job waits for did not arrive in time.',
  TM_RUN_UNKNOWN: 'There is no run with that id.',
  TM_SCHEDULE: 'A schedule file cannot be read, or is wrong.',
  TM_SCENARIO: 'A scenario file cannot be read, or is not of its format.',
  TM_REPLAY_EXISTS: 'Another replay of the topology is under way.',
  TM_REPLAY_NOTHING: 'There is nothing to replay, to swap, to compare or to take back.',
  TM_REPLAY_RANGE: 'A replay cannot compute the range that it was asked for.',
  TM_REPLAY_HISTORY: 'A topic cannot be read as the history of a replay.',
  TM_REPLAY_INPUTS: 'A topology of several inputs or stages cannot be replayed yet.',
  TM_TOPOLOGY_CHANGED: 'The stored state of a topology is of another definition.',
  TM_PARTITIONS_CHANGED: 'An input topic has another number of partitions than the stored state.',
  TM_PARTITIONS_DIFFER: 'The input topics of a topology have different numbers of partitions.',
  TM_POSITION_LOST: 'A committed position is missing, or the input below it is gone.',
  TM_SNAPSHOT_UNUSABLE: 'A snapshot of a task is damaged, or not all there; the one before it serves.',
} as const;

/**
 * The code of an error.
 *
 * @example const isGone = (code: ErrorCode): boolean => code === 'TM_OFFSET_OUT_OF_RANGE';
 */
export type ErrorCode = keyof typeof ERROR_CODES;

/** Codes that end a command with exit status 2 (bad usage or configuration) instead of 1. */
const USAGE_CODES: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'TM_USAGE',
  'TM_CONFIG',
  'TM_DURATION',
  'TM_LAYOUT',
  'TM_RECORDING',
  'TM_TOPOLOGY',
  'TM_TOPOLOGY_FILE',
  'TM_WINDOW',
  'TM_SCENARIO',
  'TM_SCHEDULE',
]);

export interface ErrorDetails {
  /** Where it happened: a file and line, a topic and offset, a configuration key. */
  where?: string;
  /** What the reader can do about it. */
  hint?: string;
  cause?: unknown;
}

/**
 * An error with a code, what was wrong, where, and what to do.
 *
 * @example const adviceOf = (error: unknown) => (error instanceof TidemarkError ? error.hint : undefined);
 */
export class TidemarkError extends Error {
  readonly code: ErrorCode;
  readonly where: string | undefined;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'TidemarkError';
    this.code = code;
    this.where = details.where;
    this.hint = details.hint;
  }

  get exitStatus(): 1 | 2 {
    return USAGE_CODES.has(this.code) ? 2 : 1;
  }
}
