import type { Command } from 'commander';
import { TidemarkError } from '../errors.ts';
import type { Act } from './context.ts';
import { addText } from './optionValues.ts';
import { declareMarkets } from './produceMarket.ts';
import { declareRecordings } from './produceRecording.ts';
import { declareVenue } from './produceVenue.ts';
import { declareSimulate } from './simulate.ts';

interface CsvOptions {
  readonly layout: readonly string[];
  readonly topic?: string;
  readonly again?: boolean;
  readonly allowLate?: boolean;
}

const CSV_EXAMPLES = `
A layout says what the columns mean: see examples/layouts. A killed run goes on where it was when it is started again.

Examples:
  A file of trades, gzipped or not:
    $ tidemark produce csv --layout examples/layouts/binance-trades.yaml trades.csv.gz

  Files of two venues, merged by event time; each goes to the first layout that is for its name:
    $ tidemark produce csv --layout oanda-quotes.yaml --layout fxcm-quotes.yaml oanda_*.gz fxcm_*.gz

  What was rejected, and why:
    $ tidemark query "SELECT source, position, reason, detail FROM dead_letters"`;

export function declareProduce(program: Command, act: Act): void {
  const produce = program.command('produce').description('Write ticks, quotes or bars into the log.');
  produce
    .command('csv')
    .description('Produce the rows of CSV files, merged by event time. Rows that cannot be used go to deadletter.')
    .argument('<file...>', 'CSV files, plain or gzip')
    .requiredOption('--layout <file>', 'what the columns mean (YAML); may be given several times', addText)
    .option('--topic <name>', "topic in place of the layouts' own")
    .option('--again', 'produce files that were produced before a second time')
    .option('--allow-late', 'produce rows that are older than what the topic has gone past')
    .addHelpText('after', CSV_EXAMPLES)
    .action(act(produceCsv));
  declareMarkets(produce, act);
  declareVenue(produce, act);
  declareRecordings(produce, act);
  declareSimulate(produce, act);
}

const produceCsv: Parameters<Act>[0] = async (context, command) => {
  const { layout: layoutFiles, topic, again = false, allowLate = false } = command.opts<CsvOptions>();
  const { loadLayouts } = await import('../producers/csv/layout.ts');
  const { CsvSource } = await import('../producers/csv/csvSource.ts');
  const { runProducer } = await import('./runProducer.ts');
  const layouts = layoutFiles.flatMap((path) => loadLayouts(path));
  const source = await CsvSource.open(command.args, layouts, topic);
  const { complete } = await runProducer(context, () => source, { again, allowLate });
  if (complete) return;
  throw new TidemarkError('TM_INTERRUPTED', 'stopped before the end of the files', {
    hint: 'Everything up to here is committed; the same command goes on from there.',
  });
};
