// Sets up, runs the tests, and ends with one plain line: `N passed, N failed, N skipped`.
// Arguments go to vitest: `npm test -- test/core`, `npm test -- --coverage`.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runNode } from './runNode.mjs';
import { countsLine, countsOf } from './testing/counts.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const reportDirectory = mkdtempSync(join(tmpdir(), 'tidemark-test-'));
const reportFile = join(reportDirectory, 'report.json');
const leftOutFile = join(reportDirectory, 'left-out.txt');

async function runTests() {
  const setupStatus = await runNode(['scripts/setup.mjs'], { cwd: root });
  if (setupStatus !== 0) return setupStatus;
  const reporters = ['--reporter=default', '--reporter=json', '--reporter=./scripts/testing/leftOutReporter.mjs'];
  return runNode(
    [
      'node_modules/vitest/vitest.mjs',
      'run',
      ...reporters,
      `--outputFile.json=${reportFile}`,
      ...process.argv.slice(2),
    ],
    { cwd: root, env: { ...process.env, TIDEMARK_LEFT_OUT_FILE: leftOutFile } },
  );
}

const exitStatus = await runTests();
const report = existsSync(reportFile) ? JSON.parse(readFileSync(reportFile, 'utf8')) : undefined;
const counts = countsOf(report, exitStatus);
if (existsSync(leftOutFile)) process.stdout.write(readFileSync(leftOutFile, 'utf8'));
rmSync(reportDirectory, { recursive: true, force: true });
console.log(countsLine(counts));
process.exitCode = counts.failed === 0 ? 0 : 1;
