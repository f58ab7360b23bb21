import { formatIsoMicros } from '../../core/time.ts';
import { TidemarkError } from '../../errors.ts';
import type { MarketClient } from '../market/client.ts';
import { type HistoryPage, parsePage, type TradeHistory } from './history.ts';
import type { Lost, Missing, TradeLine } from './tradeLine.ts';

export interface RepairOptions {
  readonly client: Pick<MarketClient, 'ask'>;
  /** Null where the venue has none. */
  readonly history: TradeHistory | null;
  /** In place of the history's own. */
  readonly historyUrl: string | null;
  /** How often an answer may lack what is missing. */
  readonly tries: number;
  /** Between answers of no use, and after an error. */
  readonly waitMs: number;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
}

export interface Repaired {
  /** After each answer; resolves when there is room for another. */
  onAnswer(): Promise<void>;
  onLost(lost: Lost): void;
  /** The venue could not be asked now; it is asked again. */
  onFailure(error: TidemarkError): void;
}

/**
 * Asks for a symbol's missing trades until none are missing. An answer may lag behind the stream, so it is asked for again; what the
 * venue says it does not have after some tries is given up. While the venue does not answer, nothing is.
 * @throws TidemarkError for what asking again does not change
 */
export async function repair(
  symbol: string,
  line: TradeLine,
  { client, history, historyUrl, tries, waitMs, now, wait }: RepairOptions,
  { onAnswer, onLost, onFailure }: Repaired,
  signal: AbortSignal,
): Promise<void> {
  const giveUp = (): void => {
    const lost = line.giveUp();
    if (lost !== null) onLost(lost);
  };
  let ofNoUse = 0;
  for (let missing = line.missing(); missing !== null && !signal.aborted; missing = line.missing()) {
    if (history === null) {
      giveUp();
      continue;
    }
    const url = new URL(`${historyUrl ?? history.url}${history.request(symbol, missing, now())}`);
    let page: HistoryPage;
    try {
      const request = { url, headers: { accept: 'application/json' }, secrets: {} };
      page = await client.ask(request, (response) => parsePage(history, symbol, response), signal);
    } catch (error) {
      if (!(error instanceof TidemarkError)) throw error;
      if (signal.aborted) return;
      if (error.code === 'TM_SOURCE_SYMBOL') throw error;
      onFailure(error);
      await wait(waitMs, signal);
      continue;
    }
    if (line.fill(page.trades, page.isEnd)) ofNoUse = 0;
    else if (++ofNoUse < tries) await wait(waitMs, signal);
    else {
      giveUp();
      ofNoUse = 0;
    }
    if (history.gives === 'latest' && !reaches(page, missing)) onLost({ detail: beforeLatest(missing) });
    await onAnswer();
  }
}

function beforeLatest({ afterId, fromMicros }: Missing): string {
  const from = afterId === null ? formatIsoMicros(fromMicros) : `trade ${afterId}`;
  return `trades after ${from} may be missing: the venue's history does not go back so far`;
}

/** Whether the latest trades begin before the missing ones. */
function reaches({ trades }: HistoryPage, { afterId, fromMicros }: Missing): boolean {
  return trades.some(({ tradeId, eventMicros }) =>
    afterId === null || tradeId === null ? eventMicros < fromMicros : BigInt(tradeId) <= BigInt(afterId),
  );
}
