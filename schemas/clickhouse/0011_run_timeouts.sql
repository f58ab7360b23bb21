-- How long a run may take, so that it holds when it is run once more. 0 of runs from before.

ALTER TABLE runs_raw
  ADD COLUMN IF NOT EXISTS timeoutMs UInt64 AFTER command;

CREATE OR REPLACE VIEW runs AS
SELECT id, job, attempt, state, scheduled, started, ended, rowsRead, rowsWritten, skipped, rejected, bytes, errorCode, error,
  configHash, command, timeoutMs, mark
FROM runs_raw FINAL;
