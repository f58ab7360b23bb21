/** Instants `offsetMicros + n * slideMicros`, for every integer n. */
export interface Grid {
  readonly slideMicros: number;
  readonly offsetMicros: number;
}

/** The last instant of a grid at or before `tsMicros`. Floor division: right for negative times. */
export function startAtOrBefore({ slideMicros, offsetMicros }: Grid, tsMicros: number): number {
  return Math.floor((tsMicros - offsetMicros) / slideMicros) * slideMicros + offsetMicros;
}

/** Start of the first window of `sizeMicros` on a grid that holds an instant, if any does. */
export function firstStartAcross(grid: Grid, sizeMicros: number, tsMicros: number): number {
  return startAtOrBefore(grid, tsMicros - sizeMicros) + grid.slideMicros;
}

/** Greatest common divisor of two positive integers. */
export function divisor(a: number, b: number): number {
  return b === 0 ? a : divisor(b, a % b);
}

/** The first watermark past another that reaches a multiple of `everyMicros`: no record before the multiple is to come then. */
export function multipleAfter(watermark: number, everyMicros: number): number {
  return (Math.floor((watermark + 1) / everyMicros) + 1) * everyMicros - 1;
}
