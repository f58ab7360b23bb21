import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { type Command, Option } from 'commander';
import { TidemarkError } from '../errors.ts';
import type { LetterFilter, LetterPlace } from '../producers/deadletters/letters.ts';
import type { LetterStore } from '../producers/deadletters/marks.ts';
import type { LetterChoice, Resolved } from '../producers/deadletters/resolve.ts';
import type { ParsedJson } from '../producers/jsonNumbers.ts';
import type { Act, Context } from './context.ts';
import { parseInstant } from './instant.ts';
import type { LetterFormat } from './letterText.ts';
import { addText, wholeNumber } from './optionValues.ts';

const STATES: readonly LetterFilter['state'][] = ['open', 'released', 'dropped', 'all'];
const FORMATS: readonly LetterFormat[] = ['table', 'json', 'ndjson'];
const DEFAULT_ROWS = '100';
const MICROS_PER_MS = 1_000;
const NONE = 'no dead letters\n';

interface FilterOptions {
  readonly topic?: string;
  readonly reason?: string;
  readonly source?: string;
  readonly from?: string;
  readonly to?: string;
}

interface ListOptions extends FilterOptions {
  readonly state: LetterFilter['state'];
  readonly limit: number;
  readonly after?: string;
  readonly format?: LetterFormat;
}

interface ResolveOptions extends FilterOptions {
  readonly all?: boolean;
  readonly value?: string;
  readonly layout?: readonly string[];
}

const EXAMPLES = `
A dead letter is a row or a record that could not be used. It stays in topic deadletter; what was done with it is in topic
deadletter.marks. An id is PARTITION/OFFSET, as list shows it.

Examples:
  What is open, and why:
    $ tidemark deadletter list --topic ticks

  One of them, with the row as it came:
    $ tidemark deadletter show 2/17

  Write it to its topic again, corrected:
    $ tidemark deadletter release 2/17 --value row.json

  All rows of a CSV file that a corrected layout can read now:
    $ tidemark deadletter release --source trades.csv --layout trades.yaml

  All that were too far ahead of the clock, now that their time has come:
    $ tidemark deadletter release --reason ahead

  Done with:
    $ tidemark deadletter drop 2/17 3/4`;

export function declareDeadletter(program: Command, act: Act): void {
  const deadletter = program
    .command('deadletter')
    .description('Look at rows and records that could not be used; release them, or drop them.')
    .addHelpText('after', EXAMPLES);
  filtered(deadletter.command('list'))
    .description('List dead letters by their places, a page at a time.')
    .addOption(new Option('--state <state>', 'what became of them').choices(STATES).default('open'))
    .option('--limit <n>', `most letters of a page (default: ${DEFAULT_ROWS})`, wholeNumber, wholeNumber(DEFAULT_ROWS))
    .option('--after <id>', 'the page behind this letter')
    .addOption(new Option('--format <format>', 'how to print (default: table, or json with --json)').choices(FORMATS))
    .action(act(list));
  deadletter
    .command('show')
    .description('Show one dead letter, with the row as it came.')
    .argument('<id>', 'PARTITION/OFFSET')
    .action(act(show));
  filtered(deadletter.command('release'))
    .description(
      'Write rows to their topics again, as if they came now. One that is still none of its topic stays open.',
    )
    .argument('[id...]', 'PARTITION/OFFSET; without any, all open ones that the options let through')
    .option('--all', 'all that are open')
    .option(
      '--value <file>',
      'of one letter: write this row, a JSON object of its fields, in its place (-: from standard input)',
    )
    .option(
      '--layout <file>',
      'read rows of CSV files again by this layout (YAML); may be given several times',
      addText,
    )
    .action(act(release));
  filtered(deadletter.command('drop'))
    .description('Mark dead letters as done with. A dropped one can still be released.')
    .argument('[id...]', 'PARTITION/OFFSET; without any, all open ones that the options let through')
    .option('--all', 'all that are open')
    .action(act(drop));
}

function filtered(command: Command): Command {
  return command
    .option('--topic <topic>', 'those of rows of this topic')
    .option('--reason <code>', 'those rejected for this reason')
    .option('--source <source>', 'those of this file, API or topic partition')
    .option('--from <time>', 'first time of rejection, inclusive')
    .option('--to <time>', 'bound of the time of rejection, exclusive');
}

function filterOf({ topic, reason, source, from, to }: FilterOptions, state: LetterFilter['state']): LetterFilter {
  return {
    state,
    ...(topic === undefined ? {} : { topic }),
    ...(reason === undefined ? {} : { reason }),
    ...(source === undefined ? {} : { source }),
    ...(from === undefined ? {} : { fromMs: parseInstant(from, '--from') / MICROS_PER_MS }),
    ...(to === undefined ? {} : { toMs: parseInstant(to, '--to') / MICROS_PER_MS }),
  };
}

async function placesOf(ids: readonly string[]): Promise<readonly LetterPlace[]> {
  const { parseLetterId } = await import('../producers/deadletters/letters.ts');
  return ids.map((id) => {
    const place = parseLetterId(id);
    if (place !== null) return place;
    throw new TidemarkError('TM_USAGE', `${JSON.stringify(id)} is not the id of a dead letter`, {
      hint: 'write PARTITION/OFFSET, as tidemark deadletter list shows it',
    });
  });
}

async function list(context: Context, command: Command): Promise<void> {
  const { state, limit, after, format, ...filter } = command.opts<ListOptions>();
  const { json, out, err } = context;
  const { lettersBy, letterId } = await import('../producers/deadletters/letters.ts');
  const { LetterPage } = await import('./letterText.ts');
  const behind = after === undefined ? null : ((await placesOf([after]))[0] ?? null);
  const page = new LetterPage(format ?? (json ? 'json' : 'table'), out);
  const last = await withStore(context, async (store) => {
    let previous: LetterPlace | null = null;
    for await (const letter of lettersBy(store, filterOf(filter, state))) {
      if (behind !== null && !isBehind(letter, behind)) continue;
      if (page.length === limit) return previous;
      await page.add(letter);
      previous = letter;
    }
    return null;
  });
  await page.end();
  if (page.length === 0) err.write(NONE);
  if (last !== null) err.write(`more behind these: --after ${letterId(last)}\n`);
}

function isBehind(place: LetterPlace, other: LetterPlace): boolean {
  return place.partition > other.partition || (place.partition === other.partition && place.offset > other.offset);
}

async function show(context: Context, command: Command): Promise<void> {
  const places = await placesOf(command.args);
  const { lettersAt } = await import('../producers/deadletters/letters.ts');
  const { letterJson, letterText } = await import('./letterText.ts');
  const [letter] = (await withStore(context, (store) => lettersAt(store, places))) ?? [];
  if (letter === undefined) throw noLetters(context);
  await (context.json ? context.out.line(JSON.stringify(letterJson(letter))) : context.out.write(letterText(letter)));
}

const release: Parameters<Act>[0] = async (context, command) => {
  const { value, layout = [] } = command.opts<ResolveOptions>();
  if (value !== undefined && layout.length > 0) {
    throw new TidemarkError('TM_USAGE', 'a corrected row is not read by a layout', {
      where: '--layout',
      hint: 'give either --value or --layout',
    });
  }
  if (value !== undefined && command.args.length !== 1) {
    throw new TidemarkError('TM_USAGE', 'a corrected row takes the place of one letter', {
      where: '--value',
      hint: 'give the id of that one',
    });
  }
  const corrected = value === undefined ? undefined : await rowOf(value, context);
  await resolve(context, command, 'released', corrected);
};

const drop: Parameters<Act>[0] = (context, command) => resolve(context, command, 'dropped');

/** @throws TM_USAGE for a file that cannot be read or is no JSON */
async function rowOf(file: string, { stdin }: Context): Promise<ParsedJson> {
  const { parseJson } = await import('../producers/jsonNumbers.ts');
  try {
    return parseJson(await (file === '-' ? text(stdin) : readFile(file, 'utf8')));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TidemarkError('TM_USAGE', `the corrected row cannot be read: ${reason}`, { where: file, cause });
  }
}

async function resolve(
  context: Context,
  command: Command,
  action: 'released' | 'dropped',
  corrected?: ParsedJson,
): Promise<void> {
  const { config, signal, json, out } = context;
  const choice = await choiceOf(command, action);
  const { resolveLetters } = await import('../producers/deadletters/resolve.ts');
  const { producerSettings } = await import('./runProducer.ts');
  const { loadLayouts } = await import('../producers/csv/layout.ts');
  const settings = producerSettings(config);
  const layouts = (command.opts<ResolveOptions>().layout ?? []).flatMap((path) => loadLayouts(path));
  const resolved = await withStore(context, (store) =>
    resolveLetters(
      choice,
      action,
      { ...store, ...settings, layouts, maxAheadMs: settings.eventTime.maxAheadMs, now: Date.now, signal },
      corrected,
    ),
  );
  if (resolved === null) throw noLetters(context);
  const { firstRefusal, ...counts } = resolved;
  await out.line(json ? JSON.stringify(counts) : summaryLine(action, counts));
  if (firstRefusal !== null) throw refusal(firstRefusal, counts);
}

async function choiceOf(command: Command, action: 'released' | 'dropped'): Promise<LetterChoice> {
  const { all, value: _, layout: __, ...filter } = command.opts<ResolveOptions>();
  const isFiltered = Object.keys(filter).length > 0 || all === true;
  const isById = command.args.length > 0;
  if (isById !== isFiltered) {
    return isById ? { places: await placesOf(command.args) } : { filter: filterOf(filter, 'open') };
  }
  const verb = action === 'released' ? 'release' : 'drop';
  throw new TidemarkError('TM_USAGE', isById ? 'ids and filters do not go together' : `nothing says what to ${verb}`, {
    hint: 'give ids, or --topic, --reason, --source, --from, --to, or --all',
  });
}

function summaryLine(action: string, { done, already, refused }: Omit<Resolved, 'firstRefusal'>): string {
  const before = already === 0 ? '' : `, done before ${already}`;
  return `${action} ${done}${before}${refused === 0 ? '' : `, refused ${refused}`}`;
}

function refusal(first: TidemarkError, { refused }: Pick<Resolved, 'refused'>): TidemarkError {
  if (refused === 1) return first;
  return new TidemarkError(first.code, `${refused} dead letters cannot be released; the first: ${first.message}`, {
    ...(first.where === undefined ? {} : { where: first.where }),
    ...(first.hint === undefined ? {} : { hint: first.hint }),
  });
}

function noLetters({ config }: Context): TidemarkError {
  return new TidemarkError('TM_DEAD_LETTER_UNKNOWN', 'there are no dead letters', { where: config.data.directory });
}

/** Null where the data directory holds no log. */
async function withStore<T>(context: Context, body: (store: LetterStore) => Promise<T>): Promise<T | null> {
  const log = await context.openLogIfAny();
  if (log === null) return null;
  try {
    const registry = await context.openRegistry();
    try {
      return await body({ log, registry, maxLetters: context.config.deadletter.maxLetters });
    } finally {
      await registry.close();
    }
  } finally {
    await log.close();
  }
}
