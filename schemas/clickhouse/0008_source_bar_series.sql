-- What series of bars sources have published, and from when to when: a row or a few a series, kept as bars are stored. Which bars are
-- served follows from it, without a look at the bars. It holds bounds alone, which a repeated insert leaves as they are.

CREATE TABLE IF NOT EXISTS source_bar_series_state (
  symbol LowCardinality(String),
  interval LowCardinality(String),
  adjusted Bool,
  first SimpleAggregateFunction(min, DateTime64(6, 'UTC')),
  last SimpleAggregateFunction(max, DateTime64(6, 'UTC'))
)
ENGINE = AggregatingMergeTree
ORDER BY (symbol, interval, adjusted);

CREATE MATERIALIZED VIEW IF NOT EXISTS source_bar_series_feed TO source_bar_series_state AS
SELECT symbol, interval, adjusted, min(eventTime) AS first, max(eventTime) AS last
FROM source_bars_raw
GROUP BY symbol, interval, adjusted;

-- What was stored before the feed was there.
INSERT INTO source_bar_series_state
SELECT symbol, interval, adjusted, min(eventTime), max(eventTime)
FROM source_bars_raw
GROUP BY symbol, interval, adjusted;

-- The series that are served, with the starts of their first and last bars and how long a bar is (a month is 30 days): of adjusted and unadjusted bars of an interval the
-- unadjusted ones; and hours and days that are made of the minutes of symbols whose source published none itself.
CREATE VIEW IF NOT EXISTS published_series AS
WITH served_series AS (
  SELECT symbol, interval, adjusted, min(series.first) AS first, max(series.last) AS last
  FROM source_bar_series_state AS series
  GROUP BY symbol, interval, adjusted
  ORDER BY symbol, interval, adjusted
  LIMIT 1 BY symbol, interval
)
SELECT
  symbol, interval, adjusted, first, last,
  toInt64OrZero(extract(interval, '^[0-9]+')) *
    transform(extract(interval, '[a-z]+$'), ['s', 'm', 'h', 'd', 'w', 'mo'], [1, 60, 3600, 86400, 604800, 2592000], 0) AS seconds
FROM served_series
UNION ALL
SELECT
  symbol, '1h' AS interval, adjusted,
  toDateTime64(toStartOfHour(minutes.first), 6, 'UTC') AS first, toDateTime64(toStartOfHour(minutes.last), 6, 'UTC') AS last,
  3600 AS seconds
FROM served_series AS minutes
WHERE minutes.interval = '1m' AND symbol NOT IN (SELECT symbol FROM source_bar_series_state WHERE interval = '1h')
UNION ALL
SELECT
  symbol, '1d' AS interval, adjusted,
  toDateTime64(toStartOfDay(minutes.first), 6, 'UTC') AS first, toDateTime64(toStartOfDay(minutes.last), 6, 'UTC') AS last,
  86400 AS seconds
FROM served_series AS minutes
WHERE minutes.interval = '1m' AND symbol NOT IN (SELECT symbol FROM source_bar_series_state WHERE interval = '1d');

CREATE OR REPLACE VIEW published_source_bars AS
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
  toUInt64(1) AS count,
  tupleElement(latest, 6) AS revision,
  tupleElement(latest, 7) AS provisional,
  tupleElement(latest, 8) AS suspect,
  adjusted,
  false AS made
FROM (
  SELECT
    symbol,
    interval,
    eventTime,
    any(source_bars_raw.adjusted) AS adjusted,
    toInt64OrZero(extract(interval, '^[0-9]+')) AS number,
    extract(interval, '[a-z]+$') AS unit,
    argMax(
      tuple(open, high, low, close, volume, revision, provisional, suspect),
      tuple(revision, history, offset)) AS latest
  FROM source_bars_raw
  WHERE (symbol, interval, source_bars_raw.adjusted) IN (
    SELECT symbol, interval, min(series.adjusted) FROM source_bar_series_state AS series GROUP BY symbol, interval
  )
  GROUP BY symbol, interval, eventTime
);

CREATE OR REPLACE VIEW published_bars AS
SELECT * FROM published_source_bars
UNION ALL
SELECT
  minute.symbol AS symbol, '1h' AS interval,
  toDateTime64(toStartOfHour(minute.start), 6, 'UTC') AS start, addHours(start, 1) AS end,
  argMin(minute.open, minute.start) AS open, max(minute.high) AS high, min(minute.low) AS low,
  argMax(minute.close, minute.start) AS close, sum(minute.volume) AS volume, count() AS count,
  sum(minute.revision) AS revision, max(minute.provisional) AS provisional, max(minute.suspect) AS suspect,
  any(minute.adjusted) AS adjusted, true AS made
FROM published_source_bars AS minute
WHERE minute.interval = '1m' AND minute.symbol NOT IN (SELECT symbol FROM source_bar_series_state WHERE interval = '1h')
GROUP BY symbol, start
UNION ALL
SELECT
  minute.symbol AS symbol, '1d' AS interval,
  toDateTime64(toStartOfDay(minute.start), 6, 'UTC') AS start, addDays(start, 1) AS end,
  argMin(minute.open, minute.start) AS open, max(minute.high) AS high, min(minute.low) AS low,
  argMax(minute.close, minute.start) AS close, sum(minute.volume) AS volume, count() AS count,
  sum(minute.revision) AS revision, max(minute.provisional) AS provisional, max(minute.suspect) AS suspect,
  any(minute.adjusted) AS adjusted, true AS made
FROM published_source_bars AS minute
WHERE minute.interval = '1m' AND minute.symbol NOT IN (SELECT symbol FROM source_bar_series_state WHERE interval = '1d')
GROUP BY symbol, start;
