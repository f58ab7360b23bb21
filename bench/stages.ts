import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Figure } from './figures.ts';
import { type Measured, measure } from './measure.ts';
import { line, median } from './table.ts';
import { writeTicksFile } from './ticksFile.ts';

const root = join(import.meta.dirname, '..');
const TIDEMARK = join(root, 'bin/tidemark.js');
const BASELINE = join(root, 'bench/baseline.mjs');
const LAYOUT = join(root, 'examples/layouts/binance-trades.yaml');

const STAGES = ['produce csv', 'produce simulate', 'run --roles topology', 'run'] as const;
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

export interface StagesOptions {
  /** An empty directory. */
  readonly directory: string;
  readonly ticks: number;
  readonly rounds: number;
}

type Results = Readonly<Record<Contender, Readonly<Record<Stage, Measured[]>>>>;

/** Runs each stage as a process of its own, in turns with the baseline; prints the table. */
export async function stages(options: StagesOptions): Promise<Figure[]> {
  const results = await compete(options);
  const rows = STAGES.flatMap((stage) =>
    CONTENDERS.map((contender) => summary(stage, contender, results, options.ticks)),
  );
  console.log(table(rows));
  return rows.flatMap(({ stage, contender, ticksPerSecond, cpuMicrosPerTick, peakRssMb }) => [
    { name: `${stage}, ${contender}`, unit: 'ticks/s', value: ticksPerSecond },
    { name: `${stage}, ${contender}`, unit: 'CPU us/tick', value: cpuMicrosPerTick },
    { name: `${stage}, ${contender}`, unit: 'peak RSS MB', value: peakRssMb },
  ]);
}

/** Alternates the contenders, so that what else the machine does meanwhile falls on both. */
async function compete({ directory, ticks, rounds }: StagesOptions): Promise<Results> {
  const ticksFile = join(directory, 'ticks.csv');
  await writeTicksFile(ticksFile, ticks);
  const none = () => ({ 'produce csv': [], 'produce simulate': [], 'run --roles topology': [], run: [] });
  const results: Results = { tidemark: none(), baseline: none() };
  for (let round = 1; round <= rounds; round++) {
    const stored: Partial<Record<Contender, string>> = {};
    for (const contender of CONTENDERS) {
      const data = join(directory, `${contender}-data`);
      const commands = commandsOf(contender, data, ticksFile, ticks);
      for (const stage of STAGES) {
        const { script, args } = commands[stage];
        const measured = await measure(script, args, join(directory, 'usage'));
        results[contender][stage].push(measured);
        console.error(`round ${round}: ${contender} ${stage}: ${(measured.wallMs / 1_000).toFixed(2)} s`);
      }
      stored[contender] = await storedRows(contender, data, results[contender].run, directory);
      rmSync(data, { recursive: true, force: true });
      rmSync(`${data}-simulated`, { recursive: true, force: true });
    }
    if (stored.tidemark !== stored.baseline) {
      throw new Error(`not the same job: tidemark stored ${stored.tidemark}, the baseline ${stored.baseline}`);
    }
  }
  return results;
}

function commandsOf(contender: Contender, data: string, ticksFile: string, ticks: number): Commands {
  const simulated = `${data}-simulated`;
  if (contender === 'baseline') {
    return {
      'produce csv': { script: BASELINE, args: ['produce', data, ticksFile] },
      'produce simulate': { script: BASELINE, args: ['simulate', simulated, String(ticks)] },
      'run --roles topology': { script: BASELINE, args: ['compute', simulated] },
      run: { script: BASELINE, args: ['run', data] },
    };
  }
  const run = (roles: string): string[] => ['run', '--roles', roles, '--until-end'];
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
    'run --roles topology': { script: TIDEMARK, args: [...run('topology'), '--data', simulated] },
    run: { script: TIDEMARK, args: [...run('topology,sink'), '--data', data] },
  };
}

/** How many ticks and bars ClickHouse holds after a run: the same of both contenders, or they did not do the same job. */
async function storedRows(
  contender: Contender,
  data: string,
  runs: readonly Measured[],
  directory: string,
): Promise<string> {
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

function summary(stage: Stage, contender: Contender, results: Results, ticks: number): Row {
  const measured = results[contender][stage];
  return {
    stage,
    contender,
    ticksPerSecond: Math.round((ticks / median(measured.map((one) => one.wallMs))) * 1_000),
    cpuMicrosPerTick: (median(measured.map((one) => one.cpuMs)) / ticks) * 1_000,
    peakRssMb: Math.round(median(measured.map((one) => one.peakRssMb))),
  };
}

function table(rows: readonly Row[]): string {
  const lines = [line(['stage', 'by', 'ticks/s', 'CPU us/tick', 'peak RSS MB', 'ratio'], 2)];
  for (const row of rows) {
    const baseline = rows.find(({ stage, contender }) => stage === row.stage && contender === 'baseline');
    const ratio = row.ticksPerSecond / (baseline?.ticksPerSecond ?? Number.NaN);
    lines.push(
      line(
        [
          row.stage,
          row.contender,
          row.ticksPerSecond.toLocaleString('en-US'),
          row.cpuMicrosPerTick.toFixed(2),
          String(row.peakRssMb),
          `${ratio.toFixed(2)}x`,
        ],
        2,
      ),
    );
  }
  return lines.join('\n');
}
