import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Figure } from '../figures.ts';
import { line, median } from '../table.ts';
import { CASE_NAMES, CASES, type Case, type CaseName } from './cases.ts';
import type { Measured } from './contender.ts';
import type { StateFigures } from './state.ts';

const root = join(import.meta.dirname, '../..');
const CHILD = join(import.meta.dirname, 'child.ts');
const MOST_OUTPUT_BYTES = 1 << 20;
/** So many ticks are compared row by row, */
const TICKS_OF_CHECK = 1_000_000;
/** and so many where the baseline touches hundreds of windows a tick. */
const TICKS_OF_SLOW_CHECK = 50_000;
/** Of the event loop: what the engine is to stay below. */
const LONGEST_STALL_MS = 20;

export interface EngineOptions {
  readonly ticks: number;
  readonly rounds: number;
}

type ContenderName = 'engine' | 'baseline';

interface Row {
  readonly name: CaseName;
  readonly contender: ContenderName;
  /** Per second of one core: of the processor's time of all threads. Medians over the rounds. */
  readonly ticksPerSecond: number;
  /** Per second of the clock on the wall. */
  readonly ticksPerWallSecond: number;
  readonly longestMs: number;
  readonly rows: number;
}

/** Measures the window engine against plain RxJS with an object a tick, each in its own process, in turns; prints the table. */
export async function engine({ ticks, rounds }: EngineOptions): Promise<Figure[]> {
  const runs = CASE_NAMES.flatMap((name) => {
    const job: Case = CASES[name];
    const engineRun = { name, contender: 'engine', measured: [] as Measured[] } as const;
    if (!job.isBaselineTimed) return [engineRun];
    return [engineRun, { name, contender: 'baseline', measured: [] as Measured[] } as const];
  });
  for (const name of CASE_NAMES) await check(name, ticks);
  for (let round = 1; round <= rounds; round++) {
    for (const { name, contender, measured } of runs) {
      const one = await inChild<Measured>('time', name, contender, String(ticks));
      measured.push(one);
      console.error(`round ${round}: ${contender}, ${CASES[name].name}: ${(one.wallMs / 1_000).toFixed(2)} s`);
    }
    for (const name of CASE_NAMES) {
      sameOutcome(
        name,
        runs.filter((run) => run.name === name).flatMap(({ measured }) => measured.slice(-1)),
      );
    }
  }
  const rows = runs.map(({ name, contender, measured }) => summary(name, contender, measured, ticks));
  const state = await inChild<StateFigures>('state');
  console.log(table(rows, ticks));
  console.log(stateText(state));
  return [...rows.flatMap(figuresOf), ...stateFigures(state)];
}

/** @throws Error when engine and baseline put out different rows */
async function check(name: CaseName, ticks: number): Promise<void> {
  const most = CASES[name].isBaselineTimed ? TICKS_OF_CHECK : TICKS_OF_SLOW_CHECK;
  const outcomes: Measured[] = [];
  for (const contender of ['engine', 'baseline']) {
    outcomes.push(await inChild<Measured>('check', name, contender, String(Math.min(most, ticks))));
  }
  sameOutcome(name, outcomes);
}

function sameOutcome(name: CaseName, outcomes: readonly Measured[]): void {
  const texts = outcomes.map(
    ({ rows, late, ticks, checksum }) => `${rows} rows, ${late} late, ${ticks} ticks in them, checksum ${checksum}`,
  );
  if (new Set(texts).size > 1) throw new Error(`not the same job (${name}): ${texts.join('; ')}`);
}

async function inChild<T>(...args: readonly string[]): Promise<T> {
  const node = ['--import', 'tsx', '--expose-gc', '--max-old-space-size=8192', CHILD, ...args];
  const { stdout } = await promisify(execFile)(process.execPath, node, { cwd: root, maxBuffer: MOST_OUTPUT_BYTES });
  return JSON.parse(stdout) as T;
}

function summary(name: CaseName, contender: ContenderName, measured: readonly Measured[], ticks: number): Row {
  return {
    name,
    contender,
    ticksPerSecond: (ticks / median(measured.map(({ cpuMs }) => cpuMs))) * 1_000,
    ticksPerWallSecond: (ticks / median(measured.map(({ wallMs }) => wallMs))) * 1_000,
    longestMs: median(measured.map(({ longestMs }) => longestMs)),
    rows: measured[0]?.rows ?? 0,
  };
}

function table(rows: readonly Row[], ticks: number): string {
  const lines = [
    line(
      [
        `${ticks.toLocaleString('en-US')} ticks`,
        'by',
        'ticks/s a core',
        'ticks/s',
        'rows',
        'longest ms',
        'ratio',
        'aim',
      ],
      2,
    ),
  ];
  for (const row of rows) {
    const { against, atLeast, name }: Case = CASES[row.name];
    const other = rows.find((one) =>
      against === 'baseline' || row.contender === 'baseline'
        ? one.name === row.name && one.contender === 'baseline'
        : one.name === against && one.contender === 'engine',
    );
    const ratio = row.ticksPerSecond / (other?.ticksPerSecond ?? Number.NaN);
    lines.push(
      line(
        [
          name,
          row.contender,
          whole(row.ticksPerSecond),
          whole(row.ticksPerWallSecond),
          whole(row.rows),
          row.longestMs.toFixed(1),
          `${ratio.toFixed(2)}x`,
          row.contender === 'baseline' ? '' : `${atLeast}x ${against === 'baseline' ? against : 'of 1 m'}`,
        ],
        2,
      ),
    );
  }
  return lines.join('\n');
}

function stateText({ windows, bytesPerWindow, growthPerTick, longestMs, closingMs }: StateFigures): string {
  return [
    `${whole(windows)} open windows: ${whole(bytesPerWindow)} bytes each; ${growthPerTick.toFixed(2)} bytes kept of a tick more`,
    `closing them at once: ${whole(closingMs)} ms, of which the event loop waited ${longestMs.toFixed(1)} ms at most (aim: ${LONGEST_STALL_MS})`,
  ].join('\n');
}

function figuresOf({ name, contender, ticksPerSecond, ticksPerWallSecond, longestMs }: Row): Figure[] {
  const figure = `${CASES[name].name}, ${contender}`;
  return [
    { name: figure, unit: 'ticks/s a core', value: ticksPerSecond },
    { name: figure, unit: 'ticks/s', value: ticksPerWallSecond },
    { name: figure, unit: 'longest ms', value: longestMs },
  ];
}

function stateFigures({ bytesPerWindow, growthPerTick, longestMs, closingMs }: StateFigures): Figure[] {
  return [
    { name: 'state of an open window', unit: 'bytes', value: bytesPerWindow },
    { name: 'kept of a tick in an open window', unit: 'bytes', value: growthPerTick },
    { name: 'a million windows closing', unit: 'longest ms', value: longestMs },
    { name: 'a million windows closing', unit: 'ms', value: closingMs },
  ];
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}
