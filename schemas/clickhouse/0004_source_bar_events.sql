-- What market APIs say of a bar besides its prices: dividends, splits, and that the prices are probably wrong.

ALTER TABLE source_bars_raw
  ADD COLUMN IF NOT EXISTS adjustedClose Nullable(Float64) CODEC(ZSTD) AFTER revision,
  ADD COLUMN IF NOT EXISTS dividend Nullable(Float64) CODEC(ZSTD) AFTER adjustedClose,
  ADD COLUMN IF NOT EXISTS splitFactor Nullable(Float64) CODEC(ZSTD) AFTER dividend,
  ADD COLUMN IF NOT EXISTS suspect LowCardinality(Nullable(String)) AFTER splitFactor;

CREATE OR REPLACE VIEW source_bars AS SELECT * FROM source_bars_raw FINAL;

-- Of each published bar what was published last: a correction takes the place of what it corrects.
CREATE VIEW IF NOT EXISTS latest_source_bars AS
SELECT * FROM source_bars_raw FINAL
ORDER BY symbol, interval, adjusted, eventTime, revision DESC, offset DESC
LIMIT 1 BY symbol, interval, adjusted, eventTime;
