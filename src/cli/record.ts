import type { Command } from 'commander';
import type { TidemarkError } from '../errors.ts';
import type { RecordedEvent } from '../producers/recordings/recorder.ts';
import type { Venue } from '../producers/venues/venue.ts';
import type { Act } from './context.ts';
import { pause } from './pause.ts';
import { describeWarning } from './report.ts';
import { checkedUrl, outageTeller, venueCalled, venueSymbols } from './venueOptions.ts';

interface RecordOptions {
  readonly symbols: readonly string[];
  readonly out: string;
  readonly url?: string;
}

const EXAMPLES = `
Needs no key and no data directory. Files are gzip-compressed NDJSON: a line for each message as it came, with the time of receipt. A
new file is begun when one is large or a day old (docs/configuration.md, recording). A recorder that was killed leaves files that
can be played up to its last second; a lost connection is made again, and what the venue said meanwhile is not in the recording.

Examples:
  Bitcoin and ether at Coinbase, until Ctrl-C:
    $ tidemark record venue coinbase --symbols BTC-USD,ETH-USD --out recordings

  What was recorded, into the log:
    $ tidemark produce recording recordings/*.ndjson.gz`;

export function declareRecord(program: Command, act: Act): void {
  const record = program.command('record').description('Write down what an exchange says, message by message.');
  record
    .command('venue')
    .description('Record the messages of an exchange: its trades and best quotes.')
    .argument('<name>', 'the exchange')
    .requiredOption('--symbols <list>', 'symbols with commas, as the exchange writes them', venueSymbols)
    .option('--out <dir>', 'where the files go', 'recordings')
    .option('--url <url>', "WebSocket address in place of the exchange's own")
    .addHelpText('after', EXAMPLES)
    .action(act(recordVenue));
}

const recordVenue: Parameters<Act>[0] = async (context, command) => {
  const { symbols, out: directory, url: givenUrl } = command.opts<RecordOptions>();
  const { config, err, out, json, signal } = context;
  const [name = ''] = command.args;
  const venue = await venueCalled(name);
  const url = checkedUrl('--url', givenUrl ?? venue.url, /^wss?:/);
  const { randomUUID } = await import('node:crypto');
  const { connect } = await import('../producers/venues/connection.ts');
  const { record } = await import('../producers/recordings/recorder.ts');
  const { RecordingWriter } = await import('../producers/recordings/recordingWriter.ts');
  const { startProgress } = await import('./progress.ts');
  const { rememberedTrades: _, ...bounds } = config.recording;
  const writer = new RecordingWriter({
    ...{ directory, bounds, now: Date.now, onFile: (path) => err.write(`writing ${path}\n`) },
    of: { recording: randomUUID(), venue: name, url, symbols },
  });
  const progress = startProgress({ unit: 'messages', stream: err });
  const connected = (until: AbortSignal) =>
    connect({ venue, url, symbols, bounds: config.venues, now: Date.now, wait: pause, random: Math.random }, until);
  try {
    const summary = await record(
      (until) => announced({ venue, url, symbols, quietMs: config.venues.quietMs }, connected(until), err, until),
      { writer, now: Date.now, wait: pause, onProgress: ({ frames }) => progress.update(frames) },
      signal,
    );
    await out.line(json ? JSON.stringify(summary) : `messages ${summary.frames}, connections ${summary.connections}`);
  } finally {
    progress.stop();
  }
};

interface Asked {
  readonly venue: Venue;
  readonly url: string;
  readonly symbols: readonly string[];
  readonly quietMs: number;
}

/** Says on the way what went wrong: connections that were lost, what the venue refused, and what it says nothing of. */
async function* announced(
  asked: Asked,
  events: AsyncIterable<RecordedEvent>,
  err: NodeJS.WriteStream,
  until: AbortSignal,
): AsyncGenerator<RecordedEvent> {
  const { HeardSymbols } = await import('../producers/venues/heardSymbols.ts');
  const { name, openParser } = asked.venue;
  const heard = new HeardSymbols(asked.symbols);
  const onWarning = (error: TidemarkError): unknown => err.write(describeWarning(error));
  let watch: Promise<void> | null = null;
  let parser = openParser();
  const tellOutage = outageTeller(name, err);
  for await (const event of events) {
    if (event.kind === 'open') {
      watch ??= heard.watch({ ...asked, wait: pause, onWarning }, until);
      parser = openParser();
    }
    if (event.kind === 'frames') {
      for (const { text, receivedMicros } of event.frames) {
        for (const said of parser.parse(text, receivedMicros)) {
          heard.hear(said);
          if (said.kind === 'error') err.write(`${name} refuses: ${said.message}\n`);
        }
      }
    }
    if (event.kind !== 'frames') tellOutage(event.kind === 'closed' ? event.error : null);
    yield event;
  }
  await watch;
}
