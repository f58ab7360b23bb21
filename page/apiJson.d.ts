// What the API answers, as far as the page reads it; the OpenAPI document has all of it. Times are ISO 8601.

export interface SymbolJson {
  readonly symbol: string;
  readonly intervals: readonly { readonly interval: string; readonly first: string; readonly last: string }[];
}

/** A row of `/v1/bars`, or of a `bar` event, which carries more. */
export interface BarJson {
  readonly start: string;
  readonly open: number | null;
  readonly high: number | null;
  readonly low: number | null;
  readonly close: number | null;
  readonly volume: number | null;
  readonly vwap: number | null;
  readonly count: number;
  readonly revision: number;
}

export interface LateJson {
  readonly eventTime: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly watermark: string;
  readonly intervals: string;
  readonly missedAll: boolean;
  readonly reason: string;
}

export interface PipelineJson {
  readonly tasks: readonly {
    readonly partition: number;
    readonly position: number;
    readonly lag: number;
    readonly watermark: string | null;
  }[];
  readonly unstored: number;
}
