import { join } from 'node:path';
import type { Command } from 'commander';
import type { VenueSourceOptions } from '../producers/venues/venueRun.ts';
import type { Act, Context } from './context.ts';
import { pause } from './pause.ts';
import { describeWarning } from './report.ts';
import type { OpenedLog } from './runProducer.ts';
import { checkedUrl, outageTeller, venueCalled, venueSymbols } from './venueOptions.ts';

interface VenueOptions {
  readonly symbols: readonly string[];
  readonly url?: string;
  readonly restUrl?: string;
}

const VENUE_EXAMPLES = `
Needs no key. Trades go to topic ticks, each once and in the venue's order; best bids and asks to quotes. The connection is made again when
it is lost, and what was missed is asked for, also what was missed since the command was last stopped or killed.

Examples:
  Bitcoin and ether at Coinbase, until Ctrl-C:
    $ tidemark produce venue coinbase --symbols BTC-USD,ETH-USD`;

export function declareVenue(produce: Command, act: Act): void {
  produce
    .command('venue')
    .description('Produce the trades and best quotes of an exchange as they happen.')
    .argument('<name>', 'the exchange')
    .requiredOption('--symbols <list>', 'symbols with commas, as the exchange writes them', venueSymbols)
    .option('--url <url>', "WebSocket address in place of the exchange's own")
    .option('--rest-url <url>', 'address of its REST interface, likewise')
    .addHelpText('after', VENUE_EXAMPLES)
    .action(act(produceVenue));
}

const produceVenue: Parameters<Act>[0] = async (context, command) => {
  const { symbols, url, restUrl } = command.opts<VenueOptions>();
  const [name = ''] = command.args;
  const { HISTORIES } = await import('../producers/venues/histories/histories.ts');
  const venue = await venueCalled(name);
  const history = HISTORIES.get(name);
  if (history === undefined) throw new Error(`no history of ${name}`);
  const { StoredTrades } = await import('../producers/venues/storedTrades.ts');
  const { TICKS } = await import('../producers/venues/venueRun.ts');
  const { VenueSource } = await import('../producers/venues/venueSource.ts');
  const { runProducer } = await import('./runProducer.ts');
  const { config, err } = context;
  const { heldTrades, repairTries, quietMs, ...bounds } = config.venues;
  const { client, close } = await openClient(context, name);
  try {
    const options: Omit<VenueSourceOptions, 'storedTrades'> = {
      ...{ venue, symbols, bounds, quietMs, maxHeld: heldTrades, random: Math.random, wait: pause },
      url: checkedUrl('--url', url ?? venue.url, /^wss?:/),
      repair: {
        client,
        history,
        historyUrl: restUrl === undefined ? null : checkedUrl('--rest-url', restUrl, /^https?:/),
        tries: repairTries,
        maxTrades: heldTrades,
        waitMs: bounds.backoffMs,
      },
      onOutage: outageTeller(name, err),
      onWarning: (error) => err.write(describeWarning(error)),
      onClock: (micros) => err.write(describeClock(name, micros)),
    };
    const openSource = (opened: OpenedLog) =>
      new VenueSource({
        ...options,
        storedTrades: (stretch, stop) => StoredTrades.read(opened, TICKS.topic, stretch, config.venues, stop),
      });
    await runProducer(context, openSource, { again: false, allowLate: true });
  } finally {
    await close();
  }
};

/** What asks the venue for missed trades, within its own budget. */
async function openClient({ config }: Context, venue: string) {
  const { MarketClient } = await import('../producers/market/client.ts');
  const { RequestBudget } = await import('../producers/market/requestBudget.ts');
  const { openBudgetStore } = await import('../producers/market/budgetStore.ts');
  const { planOf } = await import('./marketRun.ts');
  const { maxWaitMs, maxKnownBars: _, ...bounds } = config.requests;
  const clock = { now: Date.now, wait: pause };
  const store = openBudgetStore(join(config.data.directory, 'requests'));
  const limits = planOf(config.venues);
  const budget = new RequestBudget({ store, name: `venue.${venue}`, limits, maxWaitMs, ...clock });
  return {
    client: new MarketClient({ fetch, random: Math.random, bounds, budget, ...clock }),
    close: () => store.close(),
  };
}

const MICROS_PER_MS = 1_000;

/** The way of a message adds to the clock's lead: only what is below zero says for sure that a clock is wrong. */
function describeClock(venue: string, micros: number): string {
  const ms = Math.round(micros / MICROS_PER_MS);
  if (ms < 0) return `this machine's clock is behind that of ${venue} by ${-ms} ms or more\n`;
  return `trades of ${venue} came ${ms} ms after its own time at the soonest: way and clock's lead together\n`;
}
