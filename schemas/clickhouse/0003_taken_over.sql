-- A replayed generation takes over late records of the generation before it, whose places in that one's ledger could be the
-- places of its own.

ALTER TABLE late_raw
  ADD COLUMN IF NOT EXISTS takenFrom UInt32,
  MODIFY ORDER BY (topology, generation, logPartition, logOffset, takenFrom);

CREATE OR REPLACE VIEW late AS
SELECT * EXCEPT (takenFrom) FROM late_raw FINAL
WHERE (topology, generation) IN (SELECT topology, generation FROM served FINAL);
