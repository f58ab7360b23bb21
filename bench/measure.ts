import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const reporter = pathToFileURL(join(import.meta.dirname, 'reportUsage.mjs')).href;

export interface Measured {
  /** From start of the process to its end. */
  readonly wallMs: number;
  /** User and system time of all its threads. */
  readonly cpuMs: number;
  readonly peakRssMb: number;
  readonly stdout: string;
}

interface Usage {
  readonly maxRssKb: number;
  readonly cpuMicros: number;
}

/** Runs a Node script to its end and measures it from outside (time) and inside (memory, processor). @throws Error unless it exits with 0. */
export async function measure(script: string, args: readonly string[], usageFile: string): Promise<Measured> {
  rmSync(usageFile, { force: true });
  const startedMs = performance.now();
  const child = spawn(process.execPath, ['--import', reporter, script, ...args], {
    env: { ...process.env, BENCH_USAGE_FILE: usageFile },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output: Buffer[] = [];
  const words: Buffer[] = [];
  child.stdout.on('data', (bytes: Buffer) => output.push(bytes));
  child.stderr.on('data', (bytes: Buffer) => words.push(bytes));
  const [status] = await once(child, 'close');
  const wallMs = performance.now() - startedMs;
  if (status !== 0) throw new Error(`${script} ${args.join(' ')} ended with ${status}:\n${Buffer.concat(words)}`);
  const usages = readFileSync(usageFile, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Usage);
  return {
    wallMs,
    cpuMs: usages.reduce((sum, usage) => sum + usage.cpuMicros, 0) / 1_000,
    peakRssMb: Math.max(...usages.map((usage) => usage.maxRssKb)) / 1_024,
    stdout: Buffer.concat(output).toString('utf8'),
  };
}
