import type { MarketSeries } from './marketSource.ts';

/** From inclusive, to exclusive, epoch microseconds. */
export interface Stretch {
  readonly fromMicros: number;
  readonly toMicros: number;
}

/** Cuts a stretch where `next` says that another begins. */
export function cutAt({ fromMicros, toMicros }: Stretch, next: (micros: number) => number): readonly Stretch[] {
  const stretches: Stretch[] = [];
  for (let from = fromMicros; from < toMicros; ) {
    const to = Math.min(toMicros, next(from));
    stretches.push({ fromMicros: from, toMicros: to });
    from = to;
  }
  return stretches;
}

/** A series of the bars that begin in a stretch, and that is done once they change no more. */
export function within(series: MarketSeries, { fromMicros, toMicros }: Stretch): MarketSeries {
  const instant = (micros: number): string => new Date(micros / 1_000).toISOString();
  return {
    ...series,
    label: `${series.label} ${instant(fromMicros)}/${instant(toMicros)}`,
    parse(response) {
      const { bars, ...rest } = series.parse(response);
      return { ...rest, bars: bars.filter(({ eventTime }) => eventTime >= fromMicros && eventTime < toMicros) };
    },
    endsMicros: toMicros,
  };
}
