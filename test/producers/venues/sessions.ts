import { recordedBody } from '../market/recorded.ts';

/** A frame of a recorded session, and when it came, as the recorder wrote it. */
export interface RecordedFrame {
  readonly seconds: string;
  readonly frame: string;
}

/** The recorded sessions, by venue. */
export const SESSIONS = [
  ['binance-spot', 'ws_raw/BINANCE.ws.1.0.txt.gz'],
  ['binance-usdm', 'ws_raw/BINANCE_FUTURES.ws.1.0.txt.gz'],
  ['bitmex', 'ws_raw/BITMEX.ws.1.0.txt.gz'],
  ['bitstamp', 'ws_raw/BITSTAMP.ws.1.0.txt.gz'],
  ['coinbase', 'ws_raw/COINBASE.ws.28.0.txt.gz'],
  ['gemini', 'ws_raw/GEMINI.ws.1.0.txt.gz'],
  ['kraken', 'ws_raw/KRAKEN.ws.48.0.txt.gz'],
  ['kraken-futures', 'ws_raw/KRAKEN_FUTURES.ws.1.0.txt.gz'],
  ['okx', 'ws_raw/OKX.ws.1.0.txt.gz'],
  ['upbit', 'ws_raw/UPBIT.ws.62.0.txt.gz'],
] as const;

/** What the venue sent, without what the client sent; none where there are no recordings. */
export function recordedFrames(path: string): readonly RecordedFrame[] {
  return recordedBody(path)
    .split('\n')
    .flatMap((line) => {
      const [, seconds, frame] = /^(\d+\.\d+): (.*)$/.exec(line) ?? [];
      if (seconds === undefined || frame === undefined) return [];
      return [{ seconds, frame: frame.startsWith("b'") ? frame.slice(2, -1) : frame }];
    });
}

/** A raw stream of Binance: nanoseconds and the frame. */
export function binanceFrames(path: string): readonly RecordedFrame[] {
  return recordedBody(path)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => ({ seconds: `${line.slice(0, 10)}.${line.slice(10, 16)}`, frame: line.slice(20) }));
}
