-- Views that stay right when an insert is repeated. A materialized view fires on every insert and never on a merge, so
-- only states that are the same however often a row comes may be in one, and only over ticks, which are never revised.

CREATE TABLE IF NOT EXISTS latest_prices_state (
  symbol LowCardinality(String),
  latest AggregateFunction(argMax,
    Tuple(eventTime DateTime64(6, 'UTC'), price Float64, size Float64, sequence Nullable(Int64)),
    Tuple(DateTime64(6, 'UTC'), Int64, Int32, Int64))
)
ENGINE = AggregatingMergeTree
ORDER BY symbol;

CREATE MATERIALIZED VIEW IF NOT EXISTS latest_prices_feed TO latest_prices_state AS
SELECT
  symbol,
  argMaxState(
    CAST((eventTime, price, size, sequence),
      'Tuple(eventTime DateTime64(6, \'UTC\'), price Float64, size Float64, sequence Nullable(Int64))'),
    (eventTime, ifNull(sequence, -1), partition, offset)) AS latest
FROM ticks_raw
GROUP BY symbol;

CREATE VIEW IF NOT EXISTS latest_prices AS
SELECT symbol, last.eventTime AS eventTime, last.price AS price, last.size AS size, last.sequence AS sequence
FROM (SELECT symbol, argMaxMerge(latest) AS last FROM latest_prices_state GROUP BY symbol);

-- A tick is counted by its place in the log: (partition, offset) in one number. The bitmap is an exact set, as uniqExact
-- is, and offsets lie so close that it takes a thousandth of the room.
CREATE TABLE IF NOT EXISTS tick_counts_state (
  venue LowCardinality(String),
  minute DateTime('UTC') CODEC(Delta, ZSTD),
  places AggregateFunction(groupBitmap, UInt64)
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(minute)
ORDER BY (venue, minute);

CREATE MATERIALIZED VIEW IF NOT EXISTS tick_counts_feed TO tick_counts_state AS
SELECT
  splitByChar(':', symbol)[1] AS venue,
  toStartOfMinute(eventTime, 'UTC') AS minute,
  groupBitmapState(bitOr(bitShiftLeft(toUInt64(partition), 48), toUInt64(offset))) AS places
FROM ticks_raw
GROUP BY venue, minute;

CREATE VIEW IF NOT EXISTS tick_counts AS
SELECT venue, minute, groupBitmapMerge(places) AS ticks
FROM tick_counts_state
GROUP BY venue, minute;

-- Sums would count a repeated insert twice in a materialized view: this one reads the ticks. A double means its shortest
-- decimal form, which is its text, so volume and notional are exact.
CREATE VIEW IF NOT EXISTS daily_summary AS
SELECT
  symbol,
  toDate(eventTime, 'UTC') AS day,
  argMin(price, (eventTime, ifNull(sequence, -1), partition, offset)) AS open,
  max(price) AS high,
  min(price) AS low,
  argMax(price, (eventTime, ifNull(sequence, -1), partition, offset)) AS close,
  sum(toDecimal256(toString(size), 18)) AS volume,
  sum(toDecimal256(toString(price), 18) * toDecimal256(toString(size), 18)) AS notional,
  count() AS ticks
FROM ticks_raw FINAL
GROUP BY symbol, day;
