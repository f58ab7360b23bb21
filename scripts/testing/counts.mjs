/**
 * What a run of the tests came to.
 * @typedef {{ passed: number, failed: number, skipped: number }} Counts
 */

/**
 * The parts of vitest's JSON report that are read here.
 * @typedef {{
 *   success: boolean,
 *   numPassedTests: number,
 *   numFailedTests: number,
 *   numPendingTests: number,
 *   numTodoTests: number,
 *   testResults: { status: string, assertionResults: { status: string }[] }[],
 * }} VitestReport
 */

/**
 * Counts a run from the runner's own report. A test file that failed outside its tests (it did not load, a hook threw)
 * counts as one failure; so does a run that went wrong without a failed test, or that left no report at all.
 * @param {VitestReport | undefined} report undefined: the runner died before it wrote one
 * @param {number} exitStatus the runner's
 * @returns {Counts}
 */
export function countsOf(report, exitStatus) {
  if (report === undefined) return { passed: 0, failed: 1, skipped: 0 };
  const brokenFiles = report.testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  ).length;
  const failed = report.numFailedTests + brokenFiles;
  const wentWrong = exitStatus !== 0 || !report.success;
  return {
    passed: report.numPassedTests,
    failed: failed === 0 && wentWrong ? 1 : failed,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

/**
 * The last line of every run, plain so that a script can read it.
 * @param {Counts} counts
 */
export function countsLine(counts) {
  return `${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`;
}
