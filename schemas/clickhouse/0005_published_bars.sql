-- Capital gains of funds. And source bars come from two topics, source_bars and, of backfills, source_bars_history: a record's place in the log names its topic.

ALTER TABLE source_bars_raw
  ADD COLUMN IF NOT EXISTS history UInt8,
  ADD COLUMN IF NOT EXISTS capitalGain Nullable(Float64) CODEC(ZSTD) AFTER splitFactor,
  MODIFY ORDER BY (interval, symbol, eventTime, partition, offset, history);

CREATE OR REPLACE VIEW source_bars AS SELECT * FROM source_bars_raw FINAL;

CREATE OR REPLACE VIEW latest_source_bars AS
SELECT * FROM source_bars_raw FINAL
ORDER BY symbol, interval, adjusted, eventTime, revision DESC, history DESC, offset DESC
LIMIT 1 BY symbol, interval, adjusted, eventTime;

-- The bars of sources as they are served: each at its latest revision; where a symbol has adjusted and unadjusted bars of an
-- interval, the unadjusted ones. GROUP BY, not LIMIT BY, so that a filter by symbol, interval or time reads only that of the table.
CREATE VIEW IF NOT EXISTS published_source_bars AS
SELECT
  symbol,
  interval,
  eventTime AS start,
  addMonths(
    addSeconds(start, number * transform(unit, ['s', 'm', 'h', 'd', 'w'], [1, 60, 3600, 86400, 604800], 0)),
    if(unit = 'mo', number, 0)) AS end,
  tupleElement(latest, 1) AS open,
  tupleElement(latest, 2) AS high,
  tupleElement(latest, 3) AS low,
  tupleElement(latest, 4) AS close,
  toDecimal256OrNull(toString(tupleElement(latest, 5)), 18) AS volume,
  tupleElement(latest, 6) AS revision,
  tupleElement(latest, 7) AS provisional,
  tupleElement(latest, 8) AS suspect
FROM (
  SELECT
    symbol,
    interval,
    eventTime,
    toInt64OrZero(extract(interval, '^[0-9]+')) AS number,
    extract(interval, '[a-z]+$') AS unit,
    argMax(
      tuple(open, high, low, close, volume, revision, provisional, suspect),
      tuple(revision, history, offset)) AS latest
  FROM source_bars_raw
  WHERE (symbol, interval, adjusted) IN (
    SELECT symbol, interval, min(adjusted) FROM source_bars_raw GROUP BY symbol, interval
  )
  GROUP BY symbol, interval, eventTime
);

-- With hours and days (UTC) made of the minutes of symbols whose source published no hours, or no days, itself. A made bar's
-- revision is the sum of its minutes' revisions, so that a corrected minute raises it; its count is how many minutes it has.
CREATE VIEW IF NOT EXISTS published_bars AS
SELECT symbol, interval, start, end, open, high, low, close, volume, toUInt64(1) AS count, revision, provisional, suspect
FROM published_source_bars
UNION ALL
SELECT
  minute.symbol AS symbol, '1h' AS interval,
  toDateTime64(toStartOfHour(minute.start), 6, 'UTC') AS start, addHours(start, 1) AS end,
  argMin(minute.open, minute.start) AS open, max(minute.high) AS high, min(minute.low) AS low,
  argMax(minute.close, minute.start) AS close, sum(minute.volume) AS volume, count() AS count,
  sum(minute.revision) AS revision, max(minute.provisional) AS provisional, max(minute.suspect) AS suspect
FROM published_source_bars AS minute
WHERE minute.interval = '1m' AND minute.symbol NOT IN (SELECT symbol FROM source_bars_raw WHERE interval = '1h')
GROUP BY symbol, start
UNION ALL
SELECT
  minute.symbol AS symbol, '1d' AS interval,
  toDateTime64(toStartOfDay(minute.start), 6, 'UTC') AS start, addDays(start, 1) AS end,
  argMin(minute.open, minute.start) AS open, max(minute.high) AS high, min(minute.low) AS low,
  argMax(minute.close, minute.start) AS close, sum(minute.volume) AS volume, count() AS count,
  sum(minute.revision) AS revision, max(minute.provisional) AS provisional, max(minute.suspect) AS suspect
FROM published_source_bars AS minute
WHERE minute.interval = '1m' AND minute.symbol NOT IN (SELECT symbol FROM source_bars_raw WHERE interval = '1d')
GROUP BY symbol, start;
