// Plants faults in a copy of the sources, one at a time, and shows that the tests notice each. Ends with status 1 for a fault
// that they do not notice, that is not found in its file, or that leaves nothing that runs.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DATA_DIRECTORY } from '../test/support/oracle/files.ts';
import { FAULTS, type Fault } from './mutations/faults.ts';

/** Copies in which faults are tried at the same time. */
const COPIES = 2;
/** A fault may make a test go on for ever: then it is noticed too. */
const RUN_WITHIN_MS = 60_000;
/** All of the tests, without a fault. */
const SOUND_WITHIN_MS = 180_000;
/** Of the random cases that the gate tries: a fault shows in the first ones. */
const SHARE_OF_CASES = 0.1;
const COPIED = ['src', 'test', 'bench', 'schemas', 'package.json', 'tsconfig.json', 'vitest.config.ts'];

type Verdict = 'passed' | 'failed' | 'stopped' | 'did not run';

const root = join(import.meta.dirname, '..');
const directory = mkdtempSync(join(tmpdir(), 'tidemark-mutations-'));
try {
  process.exitCode = (await check()) ? 0 : 1;
} finally {
  rmSync(directory, { recursive: true, force: true });
}

async function check(): Promise<boolean> {
  const copies = Array.from({ length: COPIES }, (_, index) => copied(join(directory, String(index))));
  const [first = root] = copies;
  const sound = await runTests(first, [...new Set(FAULTS.flatMap(({ tests }) => tests))], SOUND_WITHIN_MS);
  if (sound !== 'passed') {
    console.log(`without a fault, the tests ${sound}`);
    return false;
  }
  const waiting = [...FAULTS];
  let unnoticed = 0;
  const work = async (copy: string): Promise<void> => {
    for (let fault = waiting.shift(); fault !== undefined; fault = waiting.shift()) {
      const startedMs = performance.now();
      const problem = await problemOf(fault, copy);
      if (problem !== null) unnoticed++;
      const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1);
      console.log(`${problem === null ? 'noticed' : 'NOT NOTICED'}  ${fault.name} (${seconds} s)${problem ?? ''}`);
    }
  };
  await Promise.all(copies.map(work));
  console.log(`${FAULTS.length - unnoticed} of ${FAULTS.length} faults noticed`);
  return unnoticed === 0;
}

function copied(copy: string): string {
  for (const name of COPIED) cpSync(join(root, name), join(copy, name), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  return copy;
}

/** Null where the tests notice the fault, else what is wrong. */
async function problemOf({ file, find, replace, tests }: Fault, copy: string): Promise<string | null> {
  const path = join(copy, file);
  const source = readFileSync(path, 'utf8');
  const places = source.split(find).length - 1;
  if (places !== 1) return `: in ${file}, '${find}' stands ${places} times`;
  writeFileSync(
    path,
    source.replace(find, () => replace),
  );
  try {
    const verdict = await runTests(copy, tests);
    if (verdict === 'passed') return `: ${tests.join(', ')} passed`;
    return verdict === 'did not run' ? `: ${tests.join(', ')} did not run` : null;
  } finally {
    writeFileSync(path, source);
  }
}

async function runTests(copy: string, tests: readonly string[], withinMs = RUN_WITHIN_MS): Promise<Verdict> {
  const reportFile = join(copy, 'report.json');
  rmSync(reportFile, { force: true });
  const args = ['node_modules/vitest/vitest.mjs', 'run', ...tests, '--bail=1', '--maxWorkers=1'];
  const child = spawn(process.execPath, [...args, '--reporter=json', `--outputFile=${reportFile}`], {
    cwd: copy,
    env: { ...process.env, TIDEMARK_SOAK_FACTOR: String(SHARE_OF_CASES), TIDEMARK_TEST_DATA: DATA_DIRECTORY },
    stdio: 'ignore',
    timeout: withinMs,
  });
  const [status] = await once(child, 'close');
  if (child.killed) return 'stopped';
  if (status === 0) return 'passed';
  if (!existsSync(reportFile)) return 'did not run';
  const { numFailedTests } = JSON.parse(readFileSync(reportFile, 'utf8')) as { numFailedTests: number };
  return numFailedTests > 0 ? 'failed' : 'did not run';
}
