-- What the log holds, record by record. The sorting key ends in (partition, offset), so that an insert that is repeated
-- after a crash replaces itself; two records of one trade stay two rows.

CREATE TABLE IF NOT EXISTS ticks_raw (
  symbol LowCardinality(String),
  eventTime DateTime64(6, 'UTC') CODEC(Delta, ZSTD),
  price Float64 CODEC(ZSTD),
  size Float64 CODEC(ZSTD),
  side LowCardinality(Nullable(String)),
  sequence Nullable(Int64) CODEC(Delta, ZSTD),
  tradeId Nullable(String) CODEC(ZSTD),
  publishTime Nullable(DateTime64(6, 'UTC')) CODEC(Delta, ZSTD),
  receiveTime Nullable(DateTime64(6, 'UTC')) CODEC(Delta, ZSTD),
  conditions LowCardinality(Nullable(String)),
  partition Int32 CODEC(Delta, ZSTD),
  offset Int64 CODEC(Delta, ZSTD)
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(eventTime)
ORDER BY (symbol, eventTime, partition, offset);

CREATE TABLE IF NOT EXISTS quotes_raw (
  symbol LowCardinality(String),
  eventTime DateTime64(6, 'UTC') CODEC(Delta, ZSTD),
  bid Float64 CODEC(ZSTD),
  ask Float64 CODEC(ZSTD),
  bidSize Nullable(Float64) CODEC(ZSTD),
  askSize Nullable(Float64) CODEC(ZSTD),
  sequence Nullable(Int64) CODEC(Delta, ZSTD),
  publishTime Nullable(DateTime64(6, 'UTC')) CODEC(Delta, ZSTD),
  receiveTime Nullable(DateTime64(6, 'UTC')) CODEC(Delta, ZSTD),
  partition Int32 CODEC(Delta, ZSTD),
  offset Int64 CODEC(Delta, ZSTD)
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(eventTime)
ORDER BY (symbol, eventTime, partition, offset);

CREATE TABLE IF NOT EXISTS source_bars_raw (
  symbol LowCardinality(String),
  interval LowCardinality(String),
  eventTime DateTime64(6, 'UTC') CODEC(Delta, ZSTD),
  open Nullable(Float64) CODEC(ZSTD),
  high Nullable(Float64) CODEC(ZSTD),
  low Nullable(Float64) CODEC(ZSTD),
  close Nullable(Float64) CODEC(ZSTD),
  volume Nullable(Float64) CODEC(ZSTD),
  currency LowCardinality(Nullable(String)),
  source LowCardinality(String),
  request Nullable(String) CODEC(ZSTD),
  receiveTime Nullable(DateTime64(6, 'UTC')) CODEC(Delta, ZSTD),
  adjusted Bool,
  provisional Bool,
  revision Int64 CODEC(Delta, ZSTD),
  partition Int32 CODEC(Delta, ZSTD),
  offset Int64 CODEC(Delta, ZSTD)
)
ENGINE = ReplacingMergeTree
PARTITION BY toYear(eventTime)
ORDER BY (interval, symbol, eventTime, partition, offset);

CREATE TABLE IF NOT EXISTS dead_letters_raw (
  source String CODEC(ZSTD),
  position Int64 CODEC(Delta, ZSTD),
  topic LowCardinality(String),
  reason LowCardinality(String),
  detail String CODEC(ZSTD),
  payload String CODEC(ZSTD),
  partition Int32 CODEC(Delta, ZSTD),
  offset Int64 CODEC(Delta, ZSTD)
)
ENGINE = ReplacingMergeTree
ORDER BY (partition, offset);

-- partition and offset are the late record's own, so that it joins ticks; logPartition and logOffset are the ledger's.
CREATE TABLE IF NOT EXISTS late_raw (
  topology LowCardinality(String),
  generation UInt32,
  symbol LowCardinality(String),
  eventTime DateTime64(6, 'UTC') CODEC(Delta, ZSTD),
  topic LowCardinality(String),
  partition Int32 CODEC(Delta, ZSTD),
  offset Int64 CODEC(Delta, ZSTD),
  watermark DateTime64(6, 'UTC') CODEC(Delta, ZSTD),
  intervals LowCardinality(String),
  missedAll Bool,
  reason LowCardinality(String),
  logPartition Int32 CODEC(Delta, ZSTD),
  logOffset Int64 CODEC(Delta, ZSTD)
)
ENGINE = ReplacingMergeTree
ORDER BY (topology, generation, logPartition, logOffset);

-- Which generation of a topology's results is served: one row a topology, replaced as a whole.
CREATE TABLE IF NOT EXISTS served (
  topology String,
  generation UInt32,
  version UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY topology;

-- Which topology an output's tables and views belong to.
CREATE TABLE IF NOT EXISTS outputs (
  name String,
  topology String
)
ENGINE = ReplacingMergeTree
ORDER BY name;

CREATE VIEW IF NOT EXISTS ticks AS SELECT * FROM ticks_raw FINAL;

CREATE VIEW IF NOT EXISTS quotes AS SELECT * FROM quotes_raw FINAL;

CREATE VIEW IF NOT EXISTS source_bars AS SELECT * FROM source_bars_raw FINAL;

-- Everyone who reads a bad record writes a letter of it: each topology, and the sink. It is one dead letter all the same.
CREATE VIEW IF NOT EXISTS dead_letters AS
SELECT * FROM dead_letters_raw FINAL
ORDER BY source, position, topic, partition, offset
LIMIT 1 BY source, position, topic;

CREATE VIEW IF NOT EXISTS late AS
SELECT * FROM late_raw FINAL
WHERE (topology, generation) IN (SELECT topology, generation FROM served FINAL);
