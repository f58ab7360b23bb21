import { type Command, InvalidArgumentError } from 'commander';
import { TidemarkError } from '../errors.ts';
import type { Act } from './context.ts';
import { pause } from './pause.ts';
import type { OpenedLog } from './runProducer.ts';

interface RecordingOptions {
  /** Null for as fast as it can be written. */
  readonly speed: number | null;
  readonly topic: string;
  readonly quotesTopic: string;
  readonly again?: boolean;
  readonly allowLate?: boolean;
}

const MAX_SPEED = 1_000_000;

const EXAMPLES = `
Trades go to topic ticks, best quotes to topic quotes, with the times that the venue gave; frames that cannot be read go to deadletter
with file and line. Left out are trades that came before, also in another recording, an earlier command or from produce venue, and
trades from before the recording began that a venue sends first. A killed run goes on where it was when it is started again.
Give all files of a recording; several recordings are merged by the time of receipt.

Examples:
  All that was recorded of Coinbase, as fast as it can be written:
    $ tidemark produce recording recordings/coinbase-*.ndjson.gz

  The same ten times as fast as it happened, into topics of its own:
    $ tidemark produce recording recordings/coinbase-*.ndjson.gz --speed 10 --topic replayed --quotes-topic replayed_quotes`;

export function declareRecordings(produce: Command, act: Act): void {
  produce
    .command('recording')
    .description('Produce the trades and best quotes of recordings of venues.')
    .argument(
      '<file...>',
      "files that tidemark record wrote, or sessions in cryptofeed's raw text format, plain or gzip",
    )
    .option(
      '--speed <factor>',
      'times as fast as it was recorded: 1, 10, 0.5; max for as fast as it can be',
      speed,
      null,
    )
    .option('--topic <name>', 'topic of the trades', 'ticks')
    .option('--quotes-topic <name>', 'topic of the best quotes', 'quotes')
    .option('--again', 'produce recordings a second time, and trades that the topic has already')
    .option('--allow-late', 'produce records that are older than what their topic has gone past')
    .addHelpText('after', EXAMPLES)
    .action(act(produceRecording));
}

function speed(text: string): number | null {
  if (text === 'max') return null;
  const factor = Number(text);
  if (/^\d*\.?\d+$/.test(text) && factor > 0 && factor <= MAX_SPEED) return factor;
  throw new InvalidArgumentError(`It must be max, or a number above 0 and not above ${MAX_SPEED}.`);
}

const produceRecording: Parameters<Act>[0] = async (context, command) => {
  const { speed, topic, quotesTopic, again = false, allowLate = false } = command.opts<RecordingOptions>();
  if (topic === quotesTopic) {
    throw new TidemarkError('TM_USAGE', 'trades and best quotes cannot go to one topic', {
      where: '--quotes-topic',
      hint: 'give each a topic of its own',
    });
  }
  const { openRecordings } = await import('../producers/recordings/recording.ts');
  const { RecordingSource } = await import('../producers/recordings/recordingSource.ts');
  const { runProducer } = await import('./runProducer.ts');
  const { StoredTrades } = await import('../producers/venues/storedTrades.ts');
  const { config, err } = context;
  const { recording, venues } = config;
  const recordings = await openRecordings(command.args);
  const openSource = (opened: OpenedLog) =>
    new RecordingSource(recordings, {
      ...{ topic, quotesTopic, speed, rememberedTrades: recording.rememberedTrades, wait: pause },
      storedTrades: async (stretch, signal) =>
        again ? StoredTrades.NONE : StoredTrades.read(opened, topic, stretch, venues, signal),
      onLeftOut({ repeated, old }) {
        if (repeated > 0) err.write(`left out: ${repeated} trades that came before\n`);
        if (old > 0) err.write(`left out: ${old} trades that are older than their recording\n`);
      },
    });
  const { complete } = await runProducer(context, openSource, { again, allowLate });
  if (complete) return;
  throw new TidemarkError('TM_INTERRUPTED', 'stopped before the end of the recordings', {
    hint: 'Everything up to here is committed; the same command goes on from there.',
  });
};
