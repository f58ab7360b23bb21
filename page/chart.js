// @ts-check

import { chartKeys } from './chartKeys.js';
import { formatDate, formatPrice, formatTick, formatTime, formatVolume, priceDecimals } from './format.js';
import {
  CandlestickSeries,
  ColorType,
  CrosshairMode,
  createChart,
  createSeriesMarkers,
  HistogramSeries,
  LineStyle,
} from './lightweight-charts.js';
import { colour } from './theme.js';

/** @import { Bar, Change } from './barSeries.js' */
/** @import { Time, UTCTimestamp, SeriesMarker } from './lightweight-charts.js' */

/** Of the chart's height: what stays free above the candles, and where the volume begins. */
const ABOVE_CANDLES = 0.08;
const BELOW_CANDLES = 0.24;
const ABOVE_VOLUME = 0.82;
const BARS_AT_FIRST = 140;
const BARS_AT_FIRST_NARROW = 60;
const NARROW_PX = 600;
/** Few bars keep the width that they have among so many. */
const LEAST_SLOTS = 24;
/** Bars left of the view at which older ones are asked for. */
const NEAR_THE_OLDEST = 30;
/** What turns at a tick of the time axis, by the chart library's number for it. */
const TURNS = /** @type {const} */ (['year', 'month', 'day', 'minutes', 'seconds']);
/** Revised bars that get a mark: the newest ones. */
const MOST_MARKS = 2_000;

/** Candles, volume and the marks of revised bars on one time axis. */
export class BarChart {
  #element;
  #chart;
  #candles;
  #volume;
  #marks;
  #decimals = 0;
  #showsSeconds = false;
  #volumeUp = '';
  #volumeDown = '';
  /** @type {readonly Bar[]} */
  #bars = [];

  /**
   * @param {HTMLElement} element
   * @param {{ onCursor: (startMs: number | null) => void, onView: () => void, onNearOldest: () => void }} listeners
   */
  constructor(element, { onCursor, onView, onNearOldest }) {
    this.#element = element;
    this.#chart = createChart(element, {
      autoSize: true,
      layout: { attributionLogo: false, fontSize: 12, fontFamily: getComputedStyle(document.body).fontFamily },
      crosshair: { mode: CrosshairMode.Normal },
      rightPriceScale: { borderVisible: false, scaleMargins: { top: ABOVE_CANDLES, bottom: BELOW_CANDLES } },
      localization: {
        timeFormatter: (/** @type {Time} */ time) => {
          const ms = 1_000 * Number(time);
          return `${formatDate(ms)} ${formatTime(ms, this.#showsSeconds ? 'seconds' : 'minutes')}`;
        },
      },
      timeScale: {
        borderVisible: false,
        timeVisible: true,
        rightOffset: 6,
        minBarSpacing: 0.5,
        tickMarkFormatter: (/** @type {Time} */ time, /** @type {number} */ type) =>
          formatTick(1_000 * Number(time), TURNS[type] ?? 'seconds'),
      },
    });
    this.#volume = this.#chart.addSeries(HistogramSeries, {
      priceScaleId: 'volume',
      priceFormat: { type: 'custom', minMove: 0.001, formatter: formatVolume },
      lastValueVisible: false,
      priceLineVisible: false,
    });
    this.#volume.priceScale().applyOptions({ scaleMargins: { top: ABOVE_VOLUME, bottom: 0 } });
    this.#candles = this.#chart.addSeries(CandlestickSeries, {
      borderVisible: false,
      priceLineStyle: LineStyle.Dotted,
    });
    this.#marks = createSeriesMarkers(this.#candles, [], { zOrder: 'top' });
    this.#chart.subscribeCrosshairMove(({ time }) => onCursor(time === undefined ? null : 1_000 * Number(time)));
    this.#chart.timeScale().subscribeVisibleLogicalRangeChange((range) => {
      onView();
      if (range !== null && range.from < NEAR_THE_OLDEST) onNearOldest();
    });
    chartKeys(element, this.#chart, () => this.toNewest());
    this.recolour();
  }

  /** Decimals of the prices that are shown. */
  get decimals() {
    return this.#decimals;
  }

  /** The bars in view, by start. */
  get inView() {
    const range = this.#chart.timeScale().getVisibleLogicalRange();
    return range === null ? [] : this.#bars.slice(Math.max(0, Math.ceil(range.from)), Math.floor(range.to) + 1);
  }

  /**
   * Draws other bars: another symbol, another interval, or all of them again.
   *
   * @param {readonly Bar[]} bars by start
   * @param {{ seconds: boolean }} axis whether the time axis writes seconds
   */
  show(bars, { seconds }) {
    this.#showsSeconds = seconds;
    this.#chart.applyOptions({ timeScale: { secondsVisible: seconds } });
    this.#redraw(bars);
    this.toNewest();
  }

  /** Brings the newest bars into view. */
  toNewest() {
    const shown = this.#element.clientWidth < NARROW_PX ? BARS_AT_FIRST_NARROW : BARS_AT_FIRST;
    const end = this.#bars.length + 5;
    this.#chart
      .timeScale()
      .setVisibleLogicalRange({ from: end - Math.min(shown, Math.max(end, LEAST_SLOTS)), to: end });
  }

  /**
   * Draws what changed; the view stays where it is, or with the newest bar.
   *
   * @param {readonly Bar[]} bars by start
   * @param {Change} change
   */
  update(bars, { structural, bars: changed }) {
    if (structural) return this.#redraw(bars);
    this.#bars = bars;
    this.#setDecimals(Math.max(this.#decimals, decimalsOf(changed)));
    for (const bar of changed) {
      const isOlder = bar !== bars.at(-1) && this.#isDrawn(bar);
      this.#candles.update(candle(bar), isOlder);
      this.#volume.update(this.#volumeOf(bar), isOlder);
    }
    if (changed.some(({ revision }) => revision > 0)) this.#mark();
    this.#describe();
  }

  /** Takes the style sheet's colours again. */
  recolour() {
    const text = colour('muted');
    const line = colour('grid');
    const label = colour('label');
    this.#chart.applyOptions({
      layout: { background: { type: ColorType.Solid, color: colour('surface') }, textColor: text },
      grid: { vertLines: { color: line }, horzLines: { color: line } },
      crosshair: {
        vertLine: { color: text, labelBackgroundColor: label },
        horzLine: { color: text, labelBackgroundColor: label },
      },
    });
    const up = colour('up');
    const down = colour('down');
    this.#volumeUp = colour('volume-up');
    this.#volumeDown = colour('volume-down');
    this.#candles.applyOptions({ upColor: up, downColor: down, wickUpColor: up, wickDownColor: down });
    this.#redraw(this.#bars);
  }

  /** What the chart holds now, read back from it: the page's hook for whoever checks what is drawn. */
  drawn() {
    const volumes = new Map(
      this.#volume.data().map((point) => {
        const { time, value } = /** @type {import('./lightweight-charts.js').HistogramData} */ (point);
        return [time, value];
      }),
    );
    const marked = new Set(this.#marks.markers().map(({ time }) => time));
    return this.#candles.data().map((point) => {
      const { time, open, high, low, close } = /** @type {import('./lightweight-charts.js').CandlestickData} */ (point);
      const volume = volumes.get(time) ?? null;
      return { startMs: 1_000 * Number(time), open, high, low, close, volume, revised: marked.has(time) };
    });
  }

  /** @param {readonly Bar[]} bars */
  #redraw(bars) {
    this.#bars = bars;
    this.#setDecimals(decimalsOf(bars));
    this.#candles.setData(bars.map(candle));
    this.#volume.setData(bars.map((bar) => this.#volumeOf(bar)));
    this.#mark();
    this.#describe();
  }

  /** @param {Bar} bar */
  #isDrawn(bar) {
    const newest = /** @type {{ time: Time } | undefined} */ (this.#candles.data().at(-1));
    return newest !== undefined && Number(newest.time) > bar.startMs / 1_000;
  }

  /** @param {number} decimals */
  #setDecimals(decimals) {
    this.#decimals = decimals;
    this.#candles.applyOptions({
      priceFormat: {
        type: 'custom',
        minMove: 10 ** -decimals,
        formatter: (/** @type {number} */ price) => formatPrice(price, decimals),
      },
    });
  }

  /** @param {Bar} bar */
  #volumeOf(bar) {
    if (bar.volume === null) return { time: axisTime(bar) };
    return { time: axisTime(bar), value: bar.volume, color: bar.close < bar.open ? this.#volumeDown : this.#volumeUp };
  }

  #mark() {
    const color = colour('revised');
    const revised = this.#bars.filter(({ revision }) => revision > 0).slice(-MOST_MARKS);
    this.#marks.setMarkers(
      revised.map(
        (bar) =>
          /** @type {SeriesMarker<Time>} */ ({
            time: axisTime(bar),
            position: 'aboveBar',
            shape: 'circle',
            size: 0.6,
            color,
          }),
      ),
    );
  }

  #describe() {
    const revised = this.#bars.filter(({ revision }) => revision > 0).length;
    this.#element.dataset.bars = String(this.#bars.length);
    this.#element.dataset.revised = String(revised);
  }
}

/** @param {readonly Bar[]} bars */
function decimalsOf(bars) {
  return priceDecimals(bars.flatMap(({ open, high, low, close }) => [open, high, low, close]));
}

/** @param {Bar} bar */
function candle(bar) {
  const { open, high, low, close } = bar;
  return { time: axisTime(bar), open, high, low, close };
}

/** @param {Bar} bar */
function axisTime({ startMs }) {
  return /** @type {UTCTimestamp} */ (startMs / 1_000);
}
