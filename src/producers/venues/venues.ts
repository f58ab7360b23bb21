import { BINANCE_SPOT, BINANCE_USDM } from './binance.ts';
import { BITMEX } from './bitmex.ts';
import { BITSTAMP } from './bitstamp.ts';
import { COINBASE } from './coinbase.ts';
import { GEMINI } from './gemini.ts';
import { KRAKEN } from './kraken.ts';
import { KRAKEN_FUTURES } from './krakenFutures.ts';
import { OKX } from './okx.ts';
import { UPBIT } from './upbit.ts';
import type { Venue } from './venue.ts';

const ALL = [
  BINANCE_SPOT,
  BINANCE_USDM,
  BITMEX,
  BITSTAMP,
  COINBASE,
  GEMINI,
  KRAKEN,
  KRAKEN_FUTURES,
  OKX,
  UPBIT,
] as const;

/** Every venue by its name. */
export const VENUES: ReadonlyMap<string, Venue> = new Map(ALL.map((venue) => [venue.name, venue]));
