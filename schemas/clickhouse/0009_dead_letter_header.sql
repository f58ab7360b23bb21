-- The line that names the columns of the file that a row came from: with it a corrected layout can read the row.

ALTER TABLE dead_letters_raw ADD COLUMN IF NOT EXISTS header Nullable(String) CODEC(ZSTD);

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
