// @ts-check

/** @import { IChartApi } from './lightweight-charts.js' */

const BARS_AT_A_STEP = 10;
const ZOOM = 0.8;

/**
 * Moves and zooms a chart from the keyboard, while it has the focus: arrows, plus and minus, End.
 *
 * @param {HTMLElement} element
 * @param {IChartApi} chart
 * @param {() => void} toNewest
 */
export function chartKeys(element, chart, toNewest) {
  const scale = chart.timeScale();
  /** @param {number} bars */
  const move = (bars) => scale.scrollToPosition(scale.scrollPosition() + bars, false);
  /** @param {number} factor */
  const zoom = (factor) => {
    const range = scale.getVisibleLogicalRange();
    if (range !== null)
      scale.setVisibleLogicalRange({ from: range.to - factor * (range.to - range.from), to: range.to });
  };
  /** @type {Record<string, () => void>} */
  const actions = {
    ArrowLeft: () => move(-BARS_AT_A_STEP),
    ArrowRight: () => move(BARS_AT_A_STEP),
    '+': () => zoom(ZOOM),
    '-': () => zoom(1 / ZOOM),
    End: toNewest,
  };
  element.tabIndex = 0;
  element.addEventListener('keydown', (event) => {
    const action = actions[event.key];
    if (action === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    action();
  });
}
