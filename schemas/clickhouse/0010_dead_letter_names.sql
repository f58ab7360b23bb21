-- Two files of one name have different rows in the same line: what is in a row belongs to the name of its letter.

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
