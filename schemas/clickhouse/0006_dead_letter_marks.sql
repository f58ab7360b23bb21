-- What was done with dead letters, which themselves stay as they are.

CREATE TABLE IF NOT EXISTS dead_letter_marks_raw (
  source String CODEC(ZSTD),
  position Int64 CODEC(Delta, ZSTD),
  topic LowCardinality(String),
  action LowCardinality(String),
  partition Int32 CODEC(Delta, ZSTD),
  offset Int64 CODEC(Delta, ZSTD)
)
ENGINE = ReplacingMergeTree
ORDER BY (partition, offset);

-- One letter of each bad row, and what became of it: open, dropped, or released, which is final.
CREATE OR REPLACE VIEW dead_letters AS
SELECT letters.*, multiIf(marks.isReleased, 'released', marks.isMarked, 'dropped', 'open') AS state
FROM
(
  SELECT * FROM dead_letters_raw FINAL
  ORDER BY source, position, topic, partition, offset
  LIMIT 1 BY source, position, topic
) AS letters
LEFT JOIN
(
  SELECT source, position, topic, countIf(action = 'released') > 0 AS isReleased, true AS isMarked
  FROM dead_letter_marks_raw
  GROUP BY source, position, topic
) AS marks USING (source, position, topic)
ORDER BY source, position, topic;
