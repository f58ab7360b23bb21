import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Config } from '../config.ts';
import { TidemarkError } from '../errors.ts';
import type { Log } from '../log/log.ts';
import type { MarketSeries } from '../producers/market/marketSource.ts';
import type { RateLimit } from '../producers/market/requestBudget.ts';
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
  const { RequestBudget } = await import('../producers/market/requestBudget.ts');
  const { YahooClient } = await import('../producers/yahoo/login.ts');
  const { publishedTopics } = await import('./barTopics.ts');
  const { openBudgetStore } = await import('../producers/market/budgetStore.ts');
  const { RequestProgress } = await import('./requestProgress.ts');
  const { runProducer } = await import('./runProducer.ts');
  const { lockSeries } = await import('./seriesLocks.ts');
  const { maxWaitMs, maxKnownBars, ...bounds } = config.requests;
  const clock = { now: Date.now, wait: pause };
  const release = lockSeries(config.data.directory, series);
  const store = openBudgetStore(join(config.data.directory, 'requests'));
  /** Of a single round. */
  const failures: TidemarkError[] = [];
  try {
    const budget = new RequestBudget({ store, name: account, limits: planOf(config[vendor]), maxWaitMs, ...clock });
    const plain = new MarketClient({ fetch, random: Math.random, bounds, budget, ...clock });
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
        ...(progress === null ? {} : { onProgress: ({ rows }) => progress.rows(rows) }),
      },
    ).finally(() => progress?.stop());
  } finally {
    await store.close();
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
