-- The line that names the columns of the file that a row came from: with it a corrected layout can read the row. And what a
-- letter is of: two files of one name have different rows in the same line, so the row itself belongs to its name.

ALTER TABLE dead_letters_raw ADD COLUMN IF NOT EXISTS header Nullable(String) CODEC(ZSTD);

ALTER TABLE dead_letter_marks_raw ADD COLUMN IF NOT EXISTS digest String CODEC(ZSTD);

CREATE OR REPLACE VIEW dead_letters AS
SELECT letters.* EXCEPT digest, multiIf(marks.isReleased, 'released', marks.isMarked, 'dropped', 'open') AS state
FROM
(
  SELECT *, lower(substring(hex(SHA256(payload)), 1, 32)) AS digest FROM dead_letters_raw FINAL
  ORDER BY source, position, topic, partition, offset
  LIMIT 1 BY source, position, topic, digest
) AS letters
LEFT JOIN
(
  SELECT source, position, topic, digest, countIf(action = 'released') > 0 AS isReleased, true AS isMarked
  FROM dead_letter_marks_raw
  GROUP BY source, position, topic, digest
) AS marks USING (source, position, topic, digest)
ORDER BY source, position, topic;
