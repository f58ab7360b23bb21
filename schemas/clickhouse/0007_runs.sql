-- The runs of scheduled jobs: each attempt is a row, written when it starts and again, with a higher version, when it ends.

CREATE TABLE IF NOT EXISTS runs_raw (
  id String,
  job LowCardinality(String),
  attempt UInt16,
  state Enum8('running' = 1, 'done' = 2, 'failed' = 3, 'interrupted' = 4),
  scheduled DateTime64(3, 'UTC') CODEC(Delta, ZSTD),
  started DateTime64(3, 'UTC') CODEC(Delta, ZSTD),
  ended Nullable(DateTime64(3, 'UTC')),
  rowsRead UInt64,
  rowsWritten UInt64,
  skipped UInt64,
  rejected UInt64,
  bytes UInt64,
  errorCode Nullable(String),
  error Nullable(String),
  configHash String,
  command Array(String),
  mark Nullable(String),
  version UInt8
) ENGINE = ReplacingMergeTree(version) ORDER BY (job, started, id, attempt);

CREATE VIEW IF NOT EXISTS runs AS
SELECT id, job, attempt, state, scheduled, started, ended, rowsRead, rowsWritten, skipped, rejected, bytes, errorCode, error,
  configHash, command, mark
FROM runs_raw FINAL;
