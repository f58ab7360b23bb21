import { existsSync } from 'node:fs';
import { type Command, Option } from 'commander';
import type { Config } from '../config.ts';
import type { Log } from '../log/log.ts';
import type { MarketSeries } from '../producers/market/marketSource.ts';
import type { Stretch } from '../producers/market/stretches.ts';
import { HISTORY_TOPIC } from './barTopics.ts';
import type { Act, Context } from './context.ts';
import { parseInstant } from './instant.ts';
import { ALPHAVANTAGE_INTERVALS, checkPairs, intervals, symbolList, usage, YAHOO_INTERVALS } from './produceMarket.ts';

interface BackfillOptions {
  readonly symbols: readonly string[];
  readonly interval: string;
  readonly from: string;
  readonly to?: string;
  readonly topic: string;
  readonly allowLate?: boolean;
  readonly dryRun?: boolean;
  /** Of Alpha Vantage alone. */
  readonly market: 'stocks' | 'fx' | 'crypto';
  readonly adjusted?: boolean;
}

const EXAMPLES = `
The stretch is cut into requests. Those that an earlier backfill had done are not sent again, wherever it was stopped or killed.
Requests keep to the plan's limits; where a day's are used up, the same command goes on the next day. Bars go to topic
source_bars_history, which no live topology finds late; they are stored and served together with those of source_bars.
Alpha Vantage's bars below a day come by whole months, New York's, and are taken whole: those of the months that --from and --to lie in.

Examples:
  What it would cost:
    $ tidemark backfill alphavantage --symbols IBM --interval 5m --from 2020-01-01 --to 2021-01-01 --dry-run

  Ten years of days:
    $ tidemark backfill yahoo --symbols AAPL,MSFT --from 2015-01-01 --to 2025-01-01`;

export function declareBackfill(program: Command, act: Act): void {
  const backfill = program
    .command('backfill')
    .description('Produce the history of market APIs, in requests that are each done once.');
  const declare = (vendor: string, description: string, names: readonly string[]): Command =>
    backfill
      .command(vendor)
      .description(description)
      .requiredOption('--symbols <list>', 'symbols with commas, as for produce', symbolList)
      .addOption(intervals(names))
      .requiredOption('--from <instant>', 'the first bars begin here')
      .option('--to <instant>', 'bars that begin here or later are left out (default: now)')
      .option('--topic <name>', 'topic', HISTORY_TOPIC)
      .option('--allow-late', 'produce into a topic that has gone past what is asked for')
      .option('--dry-run', 'only say which requests it would take')
      .addHelpText('after', EXAMPLES);
  declare('alphavantage', 'Produce the history of Alpha Vantage.', ALPHAVANTAGE_INTERVALS)
    .addOption(new Option('--market <market>', 'what they are').choices(['stocks', 'fx', 'crypto']).default('stocks'))
    .option('--adjusted', 'prices adjusted for splits and dividends; from a day on, an adjusted close besides')
    .action(act(backfillAlphaVantage));
  declare('yahoo', 'Produce the history of Yahoo Finance.', YAHOO_INTERVALS).action(act(backfillYahoo));
}

const backfillAlphaVantage: Parameters<Act>[0] = async (context, command) => {
  const options = command.opts<BackfillOptions>();
  const { symbols, interval, market, adjusted = false } = options;
  checkPairs(market, symbols);
  if (adjusted && market !== 'stocks') throw usage('only stocks have adjusted prices', '--adjusted', 'leave it out');
  if (market !== 'stocks' && /[hm]$/.test(interval)) {
    throw usage('only stocks have a history of bars below a day', '--interval', 'give 1d, 1w or 1mo');
  }
  const stretch = stretchOf(options);
  const { alphaVantageBackfill } = await import('../producers/alphavantage/backfill.ts');
  const { alphaVantageAccount, checkAlphaVantageKey } = await import('./marketRun.ts');
  if (options.dryRun !== true) checkAlphaVantageKey(context.config);
  const { address, account } = alphaVantageAccount(context.config);
  const series = symbols.flatMap((symbol) =>
    alphaVantageBackfill(address, { market, symbol, interval, adjusted }, stretch),
  );
  await run(context, 'alphavantage', account, series, { ...options, ...stretch });
};

const backfillYahoo: Parameters<Act>[0] = async (context, command) => {
  const options = command.opts<BackfillOptions>();
  const stretch = stretchOf(options);
  const { yahooBackfill } = await import('../producers/yahoo/backfill.ts');
  const series = options.symbols.flatMap((symbol) =>
    yahooBackfill(context.config.yahoo.url, symbol, options.interval, stretch),
  );
  await run(context, 'yahoo', 'yahoo', series, { ...options, ...stretch });
};

function stretchOf({ from, to }: BackfillOptions): Stretch {
  const fromMicros = parseInstant(from, '--from');
  const toMicros = to === undefined ? Date.now() * 1_000 : parseInstant(to, '--to');
  if (fromMicros < toMicros) return { fromMicros, toMicros };
  throw usage('the stretch is empty', '--from, --to', 'give a --to that is later than --from');
}

async function run(
  context: Context,
  vendor: 'alphavantage' | 'yahoo',
  account: string,
  series: readonly MarketSeries[],
  { dryRun = false, topic, allowLate = false, fromMicros }: BackfillOptions & Stretch,
): Promise<void> {
  if (dryRun) return showPlan(context, vendor, account, series, topic);
  const { marketParts } = await import('../producers/market/marketSource.ts');
  const { refuseHistoryOf } = await import('../producers/market/liveTopic.ts');
  const { runMarket } = await import('./marketRun.ts');
  const check = (log: Log) =>
    refuseHistoryOf(log, marketParts(vendor, series, topic), fromMicros, context.config.watermark);
  await runMarket(context, {
    ...{ vendor, account, series, everyMs: null, barsTopic: topic },
    ...(allowLate || topic === HISTORY_TOPIC ? {} : { check }),
  });
}

/** How long so many requests take at least after those that were sent, by what is kept of them. Makes nothing. */
async function leastDuration(
  config: Config,
  vendor: 'alphavantage' | 'yahoo',
  account: string,
  requests: number,
): Promise<number> {
  const { budgetDirectory, openBudget, planOf } = await import('./marketRun.ts');
  const { leastDurationMs } = await import('../producers/market/requestBudget.ts');
  if (!existsSync(budgetDirectory(config))) return leastDurationMs(requests, planOf(config[vendor]));
  const { budget, close } = await openBudget(config, vendor, account);
  const leastMs = budget.leastMs(requests);
  await close();
  return leastMs;
}

/** Says what is left to be asked for, and how long that takes at least. */
async function showPlan(
  { config, openLogIfAny, out, json }: Context,
  vendor: 'alphavantage' | 'yahoo',
  account: string,
  series: readonly MarketSeries[],
  topic: string,
): Promise<void> {
  const { marketParts } = await import('../producers/market/marketSource.ts');
  const { committedPositions } = await import('../producers/produce.ts');
  const { durationText } = await import('./requestProgress.ts');
  const log = await openLogIfAny();
  const positions = log === null ? [] : await committedPositions(log, marketParts(vendor, series, topic));
  await log?.close();
  const left = series.filter((_, index) => positions[index]?.isDone !== true);
  const leastMs = await leastDuration(config, vendor, account, left.length);
  const seconds = Math.ceil(leastMs / 1_000);
  const plan = { requests: series.length, done: series.length - left.length, left: left.length, seconds };
  if (json) return out.line(JSON.stringify({ ...plan, urls: left.map(({ request }) => request.url.href) }));
  for (const { request } of left) await out.line(request.url.href);
  await out.line(
    `requests ${plan.requests}, done ${plan.done}, left ${plan.left}, at least ${durationText(leastMs)} by the plan's limits`,
  );
}
