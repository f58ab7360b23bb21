import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { declareAlerts } from './cli/alerts.ts';
import { declareBackfill } from './cli/backfill.ts';
import { declareBars } from './cli/bars.ts';
import { type Act, type GlobalOptions, makeContext, type Surroundings } from './cli/context.ts';
import { declareDeadletter } from './cli/deadletter.ts';
import { declareDemo } from './cli/demo.ts';
import { declareMigrate } from './cli/migrate.ts';
import { Output } from './cli/output.ts';
import { declareProduce } from './cli/produce.ts';
import { declareQuery } from './cli/query.ts';
import { declareRecord } from './cli/record.ts';
import { declareReplay } from './cli/replay.ts';
import { describeError, exitStatus, isQuiet } from './cli/report.ts';
import { declareRun } from './cli/run.ts';
import { declareRuns } from './cli/runs.ts';
import { declareScenario } from './cli/scenario.ts';
import { declareSchedule } from './cli/schedule.ts';
import { declareStatus } from './cli/status.ts';
import { stopOnSignals } from './cli/stop.ts';
import { declareTopics } from './cli/topics.ts';

const INTRODUCTION = [
  'Exact windowed aggregates over event streams, live and replayed.',
  'Producers write ticks to a durable log; a topology turns them into bars (open, high, low, close, volume, VWAP) over ' +
    'event-time windows; ClickHouse stores them. Everything lies in one data directory; no server is needed.',
].join('\n\n');

const EXAMPLES = `
Examples:
  See it work, with simulated trades:
    $ tidemark demo

  Turn a file of trades into one-minute bars:
    $ tidemark produce csv --layout examples/layouts/binance-trades.yaml trades.csv.gz
    $ tidemark run --until-end
    $ tidemark bars --interval 1m

  Ask in SQL, as CSV:
    $ tidemark query "SELECT symbol, count() FROM ticks GROUP BY symbol" --format csv

Exit status: 0 done, 1 failed, 2 wrong usage or configuration. All configuration: docs/configuration.md`;

function version(): string {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  return version;
}

function makeProgram(act: Act): Command {
  const program = new Command('tidemark')
    .description(INTRODUCTION)
    .version(version(), '--version', 'show the version')
    .option('--config <file>', 'configuration file (YAML)')
    .option('--data <dir>', 'data directory (default: .tidemark)')
    .option('--brokers <host:port>', 'broker in place of the embedded log; with it, --registry too')
    .option('--registry <url>', 'schema registry (Confluent HTTP contract)')
    .option('--json', 'results, and errors, as JSON')
    .addHelpText('after', EXAMPLES)
    .configureHelp({ showGlobalOptions: true })
    // Errors are reported in one form by main(), not by commander.
    .configureOutput({ outputError: () => {} })
    .exitOverride();
  const declarations = [
    declareDemo,
    declareProduce,
    declareBackfill,
    declareRecord,
    declareRun,
    declareBars,
    declareQuery,
    declareTopics,
    declareStatus,
    declareDeadletter,
    declareAlerts,
    declareReplay,
    declareScenario,
    declareSchedule,
    declareRuns,
    declareMigrate,
  ];
  for (const declare of declarations) declare(program, act);
  return program;
}

async function main(): Promise<number> {
  const stop = new AbortController();
  stopOnSignals(stop, { signals: process, now: Date.now, exit: (status) => process.exit(status) });
  const surroundings: Surroundings = {
    env: process.env,
    signal: stop.signal,
    out: new Output(process.stdout, () => stop.abort()),
    err: process.stderr,
    stdin: process.stdin,
  };
  const act: Act = (body) =>
    async function (this: Command) {
      await body(await makeContext(surroundings, this.optsWithGlobals<GlobalOptions>()), this);
    };
  try {
    await makeProgram(act).parseAsync(process.argv);
    return 0;
  } catch (error) {
    const json = process.argv.includes('--json');
    if (!isQuiet(error))
      process.stderr.write(describeError(error, { json, debug: process.env.TIDEMARK_DEBUG === '1' }));
    return exitStatus(error);
  }
}

process.exit(await main());
