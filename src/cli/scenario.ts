import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import type { Command } from 'commander';
import { TidemarkError } from '../errors.ts';
import type { Act, Context } from './context.ts';
import { wholeNumber } from './optionValues.ts';

const STANDARD_INPUT = '-';
const DEFAULT_CHUNK = 1024;

const EXAMPLES = `
Examples:
  $ tidemark scenario examples/scenarios/late-records.json
  $ tidemark scenario --chunk 1 examples/scenarios/*.json
  $ tidemark scenario - < mine.json

A scenario is one JSON file: a window, how event time moves, aggregates, and events in order of arrival. Each gives one line
of JSON with every emission in order, the late events, and the watermark after each entry. docs/scenarios.md has the format.`;

export function declareScenario(program: Command, act: Act): void {
  program
    .command('scenario')
    .description('Try window definitions: run files of events through the engine, without a log.')
    .argument('<file...>', 'scenarios (JSON, one a file); - is standard input')
    .option('--chunk <n>', 'feed the engine n events at a time; what comes out is the same', wholeNumber, DEFAULT_CHUNK)
    .addHelpText('after', EXAMPLES)
    .action(act(runScenarios));
}

async function runScenarios(context: Context, command: Command): Promise<void> {
  const { chunk } = command.opts<{ chunk: number }>();
  const { runScenarioText, scenarioFailure } = await import('../topology/scenario/runScenario.ts');
  let failed = 0;
  for (const file of command.args) {
    const text = await readScenario(context, file);
    const outcome = text instanceof TidemarkError ? scenarioFailure(null, text) : runScenarioText(text, chunk);
    await context.out.line(outcome.line);
    if (!outcome.ok) failed++;
  }
  if (failed > 0) {
    throw new TidemarkError('TM_SCENARIO', `${failed} of ${command.args.length} scenarios could not be run`, {
      hint: 'The error of each is in its line on standard output.',
    });
  }
}

async function readScenario({ stdin }: Context, file: string): Promise<string | TidemarkError> {
  try {
    const bytes = file === STANDARD_INPUT ? await buffer(stdin) : await readFile(file);
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    return new TidemarkError('TM_SCENARIO', `${file} cannot be read: ${(error as Error).message}`, { cause: error });
  }
}
