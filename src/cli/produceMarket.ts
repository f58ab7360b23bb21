import { type Command, InvalidArgumentError, Option } from 'commander';
import { TidemarkError } from '../errors.ts';
import { BARS_TOPIC } from './barTopics.ts';
import type { Act } from './context.ts';

/** Symbols in one request for quotes, so that what is committed of it stays small. */
const SYMBOLS_A_REQUEST = 50;

/** Of bars, as commands take them. */
export const ALPHAVANTAGE_INTERVALS: readonly string[] = ['1m', '5m', '15m', '30m', '1h', '1d', '1w', '1mo'];
export const YAHOO_INTERVALS: readonly string[] = [
  ...['1m', '2m', '5m', '15m', '30m', '90m', '1h', '1d', '5d', '1w', '1mo', '3mo'],
];

interface AlphaVantageOptions {
  readonly symbols: readonly string[];
  readonly market: 'stocks' | 'fx' | 'crypto';
  readonly interval: string;
  readonly quote?: boolean;
  readonly adjusted?: boolean;
  readonly full?: boolean;
  readonly month?: string;
  readonly every?: string;
}

interface YahooOptions {
  readonly symbols: readonly string[];
  readonly interval: string;
  readonly range: string;
  readonly quote?: boolean;
  readonly every?: string;
}

const ALPHAVANTAGE_EXAMPLES = `
Bars go to topic source_bars: those that are new, and those that Alpha Vantage has changed, with the next revision. Set the key in
TIDEMARK_ALPHAVANTAGE_KEY. Requests keep to the plan's limits (docs/configuration.md, alphavantage), also across commands.

Examples:
  The latest hundred days of two shares:
    $ tidemark produce alphavantage --symbols IBM,MSFT

  Five-minute bars of a month:
    $ tidemark produce alphavantage --symbols IBM --interval 5m --month 2026-04

  The dollar in yen, every five minutes until Ctrl-C:
    $ tidemark produce alphavantage --market fx --symbols USD/JPY --quote --every 5m`;

const YAHOO_EXAMPLES = `
Bars go to topic source_bars: those that are new, and those that Yahoo has changed, with the next revision. Prices that are probably wrong
are written as they came, with the reason in field suspect.

Examples:
  The latest five days of two shares:
    $ tidemark produce yahoo --symbols AAPL,OCDO.L

  Minutes of today, every minute until Ctrl-C:
    $ tidemark produce yahoo --symbols AAPL --interval 1m --range 1d --every 1m`;

export function declareMarkets(produce: Command, act: Act): void {
  produce
    .command('alphavantage')
    .description('Produce bars and quotes of Alpha Vantage.')
    .requiredOption('--symbols <list>', 'symbols with commas; of currencies and coins pairs: EUR/USD', symbolList)
    .addOption(new Option('--market <market>', 'what they are').choices(['stocks', 'fx', 'crypto']).default('stocks'))
    .addOption(intervals(ALPHAVANTAGE_INTERVALS))
    .option('--quote', 'the latest price in place of bars')
    .option('--adjusted', 'prices adjusted for splits and dividends; from a day on, an adjusted close besides')
    .option('--full', 'all that the API has, in place of the latest hundred bars')
    .option('--month <month>', 'bars below a day of this month (2009-01)', monthName)
    .option('--every <duration>', 'go on, a round each so often (5m)')
    .addHelpText('after', ALPHAVANTAGE_EXAMPLES)
    .action(act(produceAlphaVantage));
  produce
    .command('yahoo')
    .description('Produce bars and quotes of Yahoo Finance.')
    .requiredOption('--symbols <list>', 'symbols with commas, as Yahoo has them: AAPL, OCDO.L, EURUSD=X', symbolList)
    .addOption(intervals(YAHOO_INTERVALS))
    .option('--range <range>', 'how far back: 1d, 5d, 1mo, 1y, max', '5d')
    .option('--quote', 'best bid and ask in place of bars, to topic quotes')
    .option('--every <duration>', 'go on, a round each so often (5m)')
    .addHelpText('after', YAHOO_EXAMPLES)
    .action(act(produceYahoo));
}

export function intervals(names: readonly string[]): Option {
  return new Option('--interval <interval>', 'of the bars').choices(names).default('1d');
}

/** Symbols as vendors have them, in capitals. */
export function symbolList(text: string): readonly string[] {
  const symbols = [...new Set(text.toUpperCase().split(','))];
  const wrong = symbols.find((symbol) => !/^(?=.*[A-Z0-9])[A-Z0-9^=./-]{1,32}$/.test(symbol));
  if (wrong !== undefined) throw new InvalidArgumentError(`${JSON.stringify(wrong)} is not a symbol.`);
  return symbols;
}

function monthName(text: string): string {
  if (/^\d{4}-(0[1-9]|1[0-2])$/.test(text)) return text;
  throw new InvalidArgumentError('It must be a month such as 2009-01.');
}

/** @throws TM_DURATION */
async function everyMs(text: string | undefined): Promise<number | null> {
  const { MICROS_PER_MS, parseDurationMicros } = await import('../core/time.ts');
  return text === undefined ? null : parseDurationMicros(text) / MICROS_PER_MS;
}

const produceAlphaVantage: Parameters<Act>[0] = async (context, command) => {
  const options = command.opts<AlphaVantageOptions>();
  const { symbols, market, interval, quote = false, adjusted = false, full = false, month = null } = options;
  checkPairs(market, symbols);
  if (adjusted && market !== 'stocks') throw usage('only stocks have adjusted prices', '--adjusted', 'leave it out');
  if (quote && (adjusted || full))
    throw usage('a quote is one price', '--adjusted, --full', 'leave them out, or --quote');
  const isIntraday = !quote && /[hm]$/.test(interval);
  if (month !== null && !(isIntraday && market === 'stocks')) {
    throw usage(
      'months are for bars of stocks below a day',
      '--month',
      'give --interval 1m, 5m, 15m, 30m or 1h with it',
    );
  }
  const { alphaVantageSeries } = await import('../producers/alphavantage/request.ts');
  const { alphaVantageAccount, checkAlphaVantageKey, runMarket } = await import('./marketRun.ts');
  checkAlphaVantageKey(context.config);
  const { address, account } = alphaVantageAccount(context.config);
  const asked = { market, interval: quote ? null : interval, adjusted };
  await runMarket(context, {
    vendor: 'alphavantage',
    account,
    series: symbols.map((symbol) => alphaVantageSeries(address, { ...asked, symbol }, { full, month })),
    everyMs: await everyMs(options.every),
    barsTopic: BARS_TOPIC,
  });
};

/** @throws TM_USAGE for a currency or coin without the other side of its pair */
export function checkPairs(market: 'stocks' | 'fx' | 'crypto', symbols: readonly string[]): void {
  const unpaired = market === 'stocks' ? undefined : symbols.find((symbol) => !/^[^/]+\/[^/]+$/.test(symbol));
  if (unpaired !== undefined) throw usage(`${unpaired} is not a pair`, '--symbols', 'write EUR/USD');
}

export function usage(message: string, where: string, hint: string): TidemarkError {
  return new TidemarkError('TM_USAGE', message, { where, hint });
}

const produceYahoo: Parameters<Act>[0] = async (context, command) => {
  const { symbols, interval, range, quote = false, every } = command.opts<YahooOptions>();
  const { yahooBars, yahooQuotes } = await import('../producers/yahoo/request.ts');
  const { runMarket } = await import('./marketRun.ts');
  const { url } = context.config.yahoo;
  const lists = Array.from({ length: Math.ceil(symbols.length / SYMBOLS_A_REQUEST) }, (_, list) =>
    symbols.slice(list * SYMBOLS_A_REQUEST, (list + 1) * SYMBOLS_A_REQUEST),
  );
  const series = quote
    ? lists.map((list) => yahooQuotes(url, list))
    : symbols.map((symbol) => yahooBars(url, symbol, interval, { range }));
  await runMarket(context, {
    ...{ vendor: 'yahoo', account: 'yahoo', series, barsTopic: BARS_TOPIC },
    everyMs: await everyMs(every),
  });
};
