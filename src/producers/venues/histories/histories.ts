import type { TradeHistory } from '../history.ts';
import { COINBASE_HISTORY } from './coinbase.ts';

/** The past trades of venues, by their names. */
export const HISTORIES: ReadonlyMap<string, TradeHistory> = new Map([['coinbase', COINBASE_HISTORY]]);
