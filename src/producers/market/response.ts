import type { RowFault } from '../rowFault.ts';

/** What a market API said of one bar: the fields of a source bar that come from the source. */
export interface PublishedBar {
  readonly instrument: string;
  readonly interval: string;
  /** The bar's start, epoch microseconds. */
  readonly eventTime: number;
  readonly open: number | null;
  readonly high: number | null;
  readonly low: number | null;
  readonly close: number | null;
  readonly volume: number | null;
  readonly currency: string | null;
  readonly adjusted: boolean;
  readonly provisional: boolean;
  readonly adjustedClose: number | null;
  readonly dividend: number | null;
  readonly splitFactor: number | null;
  readonly capitalGain: number | null;
  readonly suspect: 'scale' | 'range' | null;
}

/** What a market API said of a best bid and ask. */
export interface PublishedQuote {
  readonly instrument: string;
  readonly eventTime: number;
  readonly bid: number;
  readonly ask: number;
  readonly bidSize: number | null;
  readonly askSize: number | null;
}

/** A row of a response that cannot be used. */
export interface ResponseFault extends RowFault {
  /** Number of the row in the response, from 1. */
  readonly position: number;
  /** The row as it came. */
  readonly payload: string;
}

/** Rows of a response by rising time: bars, or quotes. */
export interface MarketRows {
  readonly bars: readonly PublishedBar[];
  readonly quotes: readonly PublishedQuote[];
  readonly faults: readonly ResponseFault[];
  /** Rows in which the source says nothing: periods without a trade. */
  readonly empty: number;
}

/** An HTTP response, secrets removed. */
export interface MarketResponse {
  readonly status: number;
  readonly body: string;
  /** When it had come, epoch microseconds. */
  readonly receivedMicros: number;
}

/** The numbers of a bar. */
export type BarNumbers = Pick<
  PublishedBar,
  'open' | 'high' | 'low' | 'close' | 'volume' | 'adjustedClose' | 'dividend' | 'splitFactor' | 'capitalGain'
>;

export const NO_NUMBERS: BarNumbers = {
  open: null,
  high: null,
  low: null,
  close: null,
  volume: null,
  adjustedClose: null,
  dividend: null,
  splitFactor: null,
  capitalGain: null,
};
