import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Config } from '../config.ts';
import { TidemarkError } from '../errors.ts';
import type { Log } from '../log/log.ts';
import type { MarketSeries } from '../producers/market/marketSource.ts';
import type { RateLimit, RequestBudget } from '../producers/market/requestBudget.ts';
import type { Context } from './context.ts';
import { pause } from './pause.ts';
import { describeWarning } from './report.ts';

export interface MarketRun {
  readonly vendor: 'alphavantage' | 'yahoo';
  /** Whose budget of requests it is: a plan belongs to a key. */
  readonly account: string;
  readonly series: readonly MarketSeries[];
  readonly everyMs: number | null;
  /** Where bars go. */
  readonly barsTopic: string;
  /** Looks at the log before anything is asked for. */
  readonly check?: (log: Log) => Promise<void>;
}

/**
 * Produces what a vendor is asked for. Series that cannot be had are reported as they fail; a single round that had some fails at its
 * end, with all the others committed.
 * @throws TidemarkError (TM_SOURCE_…)
 */
export async function runMarket(
  context: Context,
  { vendor, account, series, everyMs, barsTopic, check }: MarketRun,
): Promise<void> {
  const { config, err } = context;
  const { BarLedger } = await import('../producers/market/barLedger.ts');
  const { MarketClient } = await import('../producers/market/client.ts');
  const { MarketSource } = await import('../producers/market/marketSource.ts');
  const { YahooClient } = await import('../producers/yahoo/login.ts');
  const { publishedTopics } = await import('./barTopics.ts');
  const { RequestProgress } = await import('./requestProgress.ts');
  const { runProducer } = await import('./runProducer.ts');
  const { lockSeries } = await import('./seriesLocks.ts');
  const { maxKnownBars, ...bounds } = config.requests;
  const release = lockSeries(config.data.directory, series);
  const { budget, close } = await openBudget(config, vendor, account);
  /** Of a single round. */
  const failures: TidemarkError[] = [];
  try {
    const plain = new MarketClient({ fetch, random: Math.random, bounds, budget, now: Date.now, wait: pause });
    const client = vendor === 'yahoo' ? new YahooClient(plain, config.yahoo) : plain;
    const leastMs = (requests: number): number => budget.leastMs(requests);
    const progress = everyMs === null ? new RequestProgress({ stream: err, now: Date.now, leastMs }) : null;
    await runProducer(
      context,
      async ({ log, registry }) => {
        await check?.(log);
        return new MarketSource({
          ...{ vendor, series, barsTopic, client, everyMs, wait: pause },
          openLedger: (instruments) =>
            BarLedger.read(log, registry, publishedTopics(barsTopic), instruments, maxKnownBars),
          onAsked: (asked, of) => progress?.asked(asked, of),
          onFailure(_, error) {
            if (everyMs === null) failures.push(error);
            err.write(describeWarning(error));
          },
        });
      },
      {
        ...{ again: false, allowLate: true, nothingNew: 'nothing new' },
        describeDone: ({ length }) => `requests that were done before, and not sent again: ${length}`,
        ...(progress === null ? {} : { onProgress: ({ rows }) => progress.rows(rows) }),
      },
    ).finally(() => progress?.stop());
  } finally {
    await close();
    release();
  }
  const [first] = failures;
  if (first === undefined) return;
  throw new TidemarkError(
    first.code,
    `${failures.length} of ${series.length} requests failed; the first: ${first.message}`,
    {
      ...(first.where === undefined ? {} : { where: first.where }),
      hint: first.hint ?? 'what the others gave is committed',
    },
  );
}

/** @throws TM_USAGE where there is no key to ask Alpha Vantage with */
export function checkAlphaVantageKey({ alphavantage: { key } }: Config): void {
  if (key !== '') return;
  throw new TidemarkError('TM_USAGE', 'Alpha Vantage needs an API key', {
    where: 'TIDEMARK_ALPHAVANTAGE_KEY',
    hint: 'set it to your key; https://www.alphavantage.co/support/#api-key gives one',
  });
}

/** Alpha Vantage's address and key, and the account that the plan belongs to. */
export function alphaVantageAccount({ alphavantage: { url, key } }: Config) {
  const account = `alphavantage.${createHash('sha256').update(key).digest('hex').slice(0, 16)}`;
  return { address: { url, key }, account };
}

/** The budget of requests that an account has in the configuration's data directory, which is made where there is none. */
export async function openBudget(
  config: Config,
  vendor: MarketRun['vendor'],
  account: string,
): Promise<{ readonly budget: RequestBudget; close(): Promise<void> }> {
  const { RequestBudget } = await import('../producers/market/requestBudget.ts');
  const { openBudgetStore } = await import('../producers/market/budgetStore.ts');
  const store = openBudgetStore(budgetDirectory(config));
  const { maxWaitMs } = config.requests;
  const limits = planOf(config[vendor]);
  const budget = new RequestBudget({ store, name: account, limits, maxWaitMs, now: Date.now, wait: pause });
  return { budget, close: () => store.close() };
}

export function budgetDirectory({ data }: Config): string {
  return join(data.directory, 'requests');
}

/** The limits that the configuration gives a vendor's plan. */
export function planOf({
  requestsPerSecond,
  requestsPerMinute,
  requestsPerDay,
}: Pick<Config['yahoo'], `requestsPer${'Second' | 'Minute' | 'Day'}`>): readonly RateLimit[] {
  const limits = [
    { requests: requestsPerSecond, windowMs: 1_000 },
    { requests: requestsPerMinute, windowMs: 60_000 },
    { requests: requestsPerDay, windowMs: 86_400_000 },
  ];
  return limits.filter(({ requests }) => requests > 0);
}
