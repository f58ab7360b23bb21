import type { MarketSeries } from '../market/marketSource.ts';
import { calendarEnd, calendarStart, periodOf } from '../market/periods.ts';
import { cutAt, type Stretch, within } from '../market/stretches.ts';
import { alphaVantageSeries } from './request.ts';
import { type AlphaVantageSeries, INTRADAY } from './series.ts';

const MONTH = periodOf('1mo');
/** A month in New York begins up to so much later than in UTC. */
const ZONE_MICROS = 86_400_000_000;

/**
 * The requests for the bars of a stretch: whole months of bars below a day, which only stocks have; of longer bars the whole history
 * in one.
 */
export function alphaVantageBackfill(
  address: { readonly url: string; readonly key: string },
  series: AlphaVantageSeries,
  stretch: Stretch,
): readonly MarketSeries[] {
  if (!INTRADAY.has(series.interval ?? '')) {
    return [within(alphaVantageSeries(address, series, { full: true, month: null }), stretch)];
  }
  const months = cutAt({ ...stretch, fromMicros: calendarStart(MONTH, stretch.fromMicros) }, (micros) =>
    calendarEnd(MONTH, calendarStart(MONTH, micros)),
  );
  return months.map(({ fromMicros }) => {
    const month = new Date(fromMicros / 1_000).toISOString().slice(0, 'YYYY-MM'.length);
    const one = alphaVantageSeries(address, series, { full: true, month });
    return { ...one, endsMicros: calendarEnd(MONTH, fromMicros) + ZONE_MICROS };
  });
}
