import type { TradeHistory } from '../history.ts';
import { BINANCE_SPOT_HISTORY, BINANCE_USDM_HISTORY } from './binance.ts';
import { BITMEX_HISTORY } from './bitmex.ts';
import { BITSTAMP_HISTORY } from './bitstamp.ts';
import { COINBASE_HISTORY } from './coinbase.ts';
import { GEMINI_HISTORY } from './gemini.ts';
import { KRAKEN_HISTORY } from './kraken.ts';
import { KRAKEN_FUTURES_HISTORY } from './krakenFutures.ts';
import { OKX_HISTORY } from './okx.ts';
import { UPBIT_HISTORY } from './upbit.ts';

/** The past trades of venues, by their names. */
export const HISTORIES: ReadonlyMap<string, TradeHistory> = new Map([
  ['binance-spot', BINANCE_SPOT_HISTORY],
  ['binance-usdm', BINANCE_USDM_HISTORY],
  ['bitmex', BITMEX_HISTORY],
  ['bitstamp', BITSTAMP_HISTORY],
  ['coinbase', COINBASE_HISTORY],
  ['gemini', GEMINI_HISTORY],
  ['kraken', KRAKEN_HISTORY],
  ['kraken-futures', KRAKEN_FUTURES_HISTORY],
  ['okx', OKX_HISTORY],
  ['upbit', UPBIT_HISTORY],
]);
