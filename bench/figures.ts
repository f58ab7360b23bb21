import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { line } from './table.ts';

/** One number that a later run can be compared by. */
export interface Figure {
  readonly name: string;
  readonly unit: string;
  readonly value: number;
}

/** Where and of what the figures are. */
export interface Setting {
  readonly machine: string;
  readonly node: string;
  readonly commit: string;
}

export interface Report {
  readonly setting: Setting;
  readonly figures: readonly Figure[];
}

const GIB = 2 ** 30;

export function setting(root: string): Setting {
  const git = (...args: string[]) => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim();
  const changed = git('status', '--porcelain', '--untracked-files=no') === '' ? '' : ' and changes';
  const processor = cpus()[0]?.model.trim() ?? 'an unknown processor';
  return {
    machine: `${availableParallelism()} cores of ${processor}, ${Math.round(totalmem() / GIB)} GiB`,
    node: process.version,
    commit: `${git('rev-parse', '--short', 'HEAD')}${changed}`,
  };
}

/** Each figure beside that of an earlier run's JSON. */
export function comparison(file: string, figures: readonly Figure[]): string {
  const earlier = JSON.parse(readFileSync(file, 'utf8')) as Report;
  const { commit, node, machine } = earlier.setting;
  const lines = [`Compared with ${commit}, Node ${node}, ${machine}:`, line(['', 'unit', 'then', 'now', 'ratio'], 2)];
  for (const { name, unit, value } of figures) {
    const then = earlier.figures.find((figure) => figure.name === name && figure.unit === unit);
    if (then === undefined) continue;
    lines.push(line([name, unit, shown(then.value), shown(value), `${(value / then.value).toFixed(2)}x`], 2));
  }
  return lines.join('\n');
}

function shown(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: value < 100 ? 2 : 0 });
}
