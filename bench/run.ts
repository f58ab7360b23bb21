import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Measured, measure } from './measure.ts';
import { type Latencies, serving } from './serving.ts';
import { writeTicksFile } from './ticksFile.ts';

const root = join(import.meta.dirname, '..');
const TIDEMARK = join(root, 'bin/tidemark.js');
const BASELINE = join(root, 'bench/baseline.mjs');
const LAYOUT = join(root, 'examples/layouts/binance-trades.yaml');

const STAGES = ['produce csv', 'produce simulate', 'run'] as const;
type Stage = (typeof STAGES)[number];
const CONTENDERS = ['tidemark', 'baseline'] as const;
type Contender = (typeof CONTENDERS)[number];
type Commands = Readonly<Record<Stage, { script: string; args: readonly string[] }>>;

interface Row {
  readonly stage: Stage;
  readonly contender: Contender;
  /** Medians over the rounds. */
  readonly ticksPerSecond: number;
  readonly cpuMicrosPerTick: number;
  readonly peakRssMb: number;
}

const { values } = parseArgs({
  options: {
    ticks: { type: 'string', default: '1000000' },
    rounds: { type: 'string', default: '3' },
    bars: { type: 'string', default: '5000000' },
    requests: { type: 'string', default: '500' },
    json: { type: 'string' },
  },
});
if (!existsSync(join(root, 'dist/cli.js'))) {
  throw new Error('Build first (npm run build): from sources, a second of each stage would go into compiling them.');
}
const ticks = Number(values.ticks);
const rounds = Number(values.rounds);
const bars = Number(values.bars);
const requests = Number(values.requests);
const directory = mkdtempSync(join(tmpdir(), 'tidemark-bench-'));
try {
  const results = rounds === 0 ? null : await compete(join(directory, 'ticks.csv'));
  const rows =
    results === null
      ? []
      : STAGES.flatMap((stage) => CONTENDERS.map((contender) => summary(stage, contender, results)));
  if (rows.length > 0) console.log(table(rows));
  const latencies =
    requests === 0 ? [] : await serving({ tidemark: TIDEMARK, directory: join(directory, 'serving'), bars, requests });
  if (latencies.length > 0) console.log(latencyTable(latencies));
  if (values.json !== undefined) {
    writeFileSync(values.json, `${JSON.stringify({ ticks, rounds, rows, bars, requests, latencies }, null, 2)}\n`);
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}

type Results = Readonly<Record<Contender, Readonly<Record<Stage, Measured[]>>>>;

/** Alternates the contenders, so that what else the machine does meanwhile falls on both. */
async function compete(ticksFile: string): Promise<Results> {
  await writeTicksFile(ticksFile, ticks);
  const none = () => ({ 'produce csv': [], 'produce simulate': [], run: [] });
  const results: Results = { tidemark: none(), baseline: none() };
  for (let round = 1; round <= rounds; round++) {
    const stored: Partial<Record<Contender, string>> = {};
    for (const contender of CONTENDERS) {
      const data = join(directory, `${contender}-data`);
      const commands = commandsOf(contender, data, ticksFile);
      for (const stage of STAGES) {
        const { script, args } = commands[stage];
        const measured = await measure(script, args, join(directory, 'usage'));
        results[contender][stage].push(measured);
        console.error(`round ${round}: ${contender} ${stage}: ${(measured.wallMs / 1_000).toFixed(2)} s`);
      }
      stored[contender] = await storedRows(contender, data, results[contender].run);
      rmSync(data, { recursive: true, force: true });
      rmSync(`${data}-simulated`, { recursive: true, force: true });
    }
    if (stored.tidemark !== stored.baseline) {
      throw new Error(`not the same job: tidemark stored ${stored.tidemark}, the baseline ${stored.baseline}`);
    }
  }
  return results;
}

function commandsOf(contender: Contender, data: string, ticksFile: string): Commands {
  const simulated = `${data}-simulated`;
  if (contender === 'baseline') {
    return {
      'produce csv': { script: BASELINE, args: ['produce', data, ticksFile] },
      'produce simulate': { script: BASELINE, args: ['simulate', simulated, String(ticks)] },
      run: { script: BASELINE, args: ['run', data] },
    };
  }
  const simulate = [
    'produce',
    'simulate',
    '--fast',
    '--count',
    String(ticks),
    '--symbols',
    '100',
    '--start',
    '2024-01-02T00:00:00Z',
  ];
  return {
    'produce csv': { script: TIDEMARK, args: ['produce', 'csv', '--layout', LAYOUT, ticksFile, '--data', data] },
    'produce simulate': { script: TIDEMARK, args: [...simulate, '--data', simulated] },
    run: { script: TIDEMARK, args: ['run', '--roles', 'topology,sink', '--until-end', '--data', data] },
  };
}

/** How many ticks and bars ClickHouse holds after a run: the same of both contenders, or they did not do the same job. */
async function storedRows(contender: Contender, data: string, runs: readonly Measured[]): Promise<string> {
  if (contender === 'baseline') {
    const { ticks, bars } = JSON.parse(runs[runs.length - 1]?.stdout ?? '') as { ticks: number; bars: number };
    return `${ticks} ticks, ${bars} bars`;
  }
  const sql =
    "SELECT concat(toString((SELECT count() FROM ticks)), ' ticks, ', toString((SELECT count() FROM bars)), ' bars')";
  const { stdout } = await measure(
    TIDEMARK,
    ['query', `${sql} AS stored`, '--format', 'ndjson', '--data', data],
    join(directory, 'usage'),
  );
  return (JSON.parse(stdout) as { stored: string }).stored;
}

function summary(stage: Stage, contender: Contender, results: Results): Row {
  const measured = results[contender][stage];
  return {
    stage,
    contender,
    ticksPerSecond: Math.round((ticks / median(measured.map((one) => one.wallMs))) * 1_000),
    cpuMicrosPerTick: (median(measured.map((one) => one.cpuMs)) / ticks) * 1_000,
    peakRssMb: Math.round(median(measured.map((one) => one.peakRssMb))),
  };
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

function line(cells: readonly string[]): string {
  return cells
    .map((cell, index) => (index < 2 ? cell.padEnd(20) : cell.padStart(14)))
    .join('')
    .trimEnd();
}

function latencyTable(latencies: readonly Latencies[]): string {
  const direct = latencies.find(({ by }) => by === 'ClickHouse directly');
  const lines = [line(['bars of a day', 'by', 'p50 ms', 'p99 ms', 'ratio of p50', 'ratio of p99'])];
  for (const { by, p50Ms, p99Ms } of latencies) {
    const ratios = [p50Ms / (direct?.p50Ms ?? Number.NaN), p99Ms / (direct?.p99Ms ?? Number.NaN)];
    lines.push(
      line([
        `of ${bars.toLocaleString('en-US')}`,
        by,
        p50Ms.toFixed(1),
        p99Ms.toFixed(1),
        ...ratios.map((ratio) => `${ratio.toFixed(2)}x`),
      ]),
    );
  }
  return lines.join('\n');
}

function table(rows: readonly Row[]): string {
  const lines = [line(['stage', 'by', 'ticks/s', 'CPU us/tick', 'peak RSS MB', 'ratio'])];
  for (const row of rows) {
    const baseline = rows.find(({ stage, contender }) => stage === row.stage && contender === 'baseline');
    const ratio = row.ticksPerSecond / (baseline?.ticksPerSecond ?? Number.NaN);
    lines.push(
      line([
        row.stage,
        row.contender,
        row.ticksPerSecond.toLocaleString('en-US'),
        row.cpuMicrosPerTick.toFixed(2),
        String(row.peakRssMb),
        `${ratio.toFixed(2)}x`,
      ]),
    );
  }
  return lines.join('\n');
}
