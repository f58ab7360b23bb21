import { formatIsoMicros } from '../../core/time.ts';
import { TidemarkError } from '../../errors.ts';
import type { MarketClient } from '../market/client.ts';
import { type HistoryPage, parsePage, type TradeHistory } from './history.ts';
import type { Lost, Missing, ReceivedTrade, TradeLine } from './tradeLine.ts';

export interface RepairOptions {
  readonly client: Pick<MarketClient, 'ask'>;
  readonly history: TradeHistory;
  /** In place of the history's own. */
  readonly historyUrl: string | null;
  /** How often an answer may lack what is missing. */
  readonly tries: number;
  /** Most trades that are gathered where answers go backwards. */
  readonly maxTrades: number;
  /** Between answers of no use, and after an error. */
  readonly waitMs: number;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
}

export interface RepairReports {
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
  options: RepairOptions,
  { onAnswer, onLost, onFailure }: RepairReports,
  signal: AbortSignal,
): Promise<void> {
  const { tries, waitMs, wait } = options;
  let ofNoUse = 0;
  for (let missing = line.missing(); missing !== null && !signal.aborted; missing = line.missing()) {
    let page: HistoryPage;
    try {
      page = await askFor(symbol, missing, options, signal);
    } catch (error) {
      if (!(error instanceof TidemarkError)) throw error;
      if (signal.aborted) return;
      if (error.code === 'TM_SOURCE_SYMBOL') throw error;
      onFailure(error);
      await wait(waitMs, signal);
      continue;
    }
    // Ids that do not show a gap leave only the last known trade to tell that none is missing before the answer's.
    if (missing.untilId === null && !reaches(page.trades, missing)) onLost({ detail: beforeAnswer(missing) });
    if (line.fill(missing, page.trades, page.isEnd)) ofNoUse = 0;
    else if (++ofNoUse < tries) await wait(waitMs, signal);
    else {
      const lost = line.giveUp();
      if (lost !== null) onLost(lost);
      ofNoUse = 0;
    }
    await onAnswer();
  }
}

/** The trades after those that are there, oldest first; of answers that go backwards, as many as it takes. */
async function askFor(
  symbol: string,
  missing: Missing,
  { client, history, historyUrl, maxTrades, now }: RepairOptions,
  signal: AbortSignal,
): Promise<HistoryPage> {
  const ask = (path: string): Promise<HistoryPage> => {
    const url = new URL(`${historyUrl ?? history.url}${path}`);
    const request = { url, headers: { accept: 'application/json' }, secrets: {} };
    return client.ask(request, (response) => parsePage(history, symbol, response), signal);
  };
  const { trades, isEnd } = await ask(history.request(symbol, missing, now()));
  const all = [...trades];
  let oldest = all.at(-1);
  while (oldest !== undefined && history.older !== undefined && all.length < maxTrades && !reaches(all, missing)) {
    const { trades: before } = await ask(history.older(symbol, oldest));
    all.push(...before);
    // An answer that ends where the one before did goes no further back.
    const last = before.at(-1);
    oldest = last?.tradeId === oldest.tradeId ? undefined : last;
  }
  return { trades: history.gives === 'latest' ? all.reverse() : all, isEnd };
}

/** Whether the last trade before the missing ones is among them, or an earlier one. */
function reaches(trades: readonly ReceivedTrade[], { afterId, fromMicros }: Missing): boolean {
  return trades.some(({ tradeId, eventMicros }) =>
    afterId === null || tradeId === null ? eventMicros <= fromMicros : BigInt(tradeId) <= BigInt(afterId),
  );
}

function beforeAnswer({ afterId, fromMicros }: Missing): string {
  const from = afterId === null ? formatIsoMicros(fromMicros) : `trade ${afterId}`;
  return `trades after ${from} may be missing: the venue's answer does not go back so far`;
}
