import { describe, expect, it } from 'vitest';
import { countsLine, countsOf } from '../../scripts/testing/counts.mjs';

const clean = {
  success: true,
  numPassedTests: 7,
  numFailedTests: 0,
  numPendingTests: 2,
  numTodoTests: 1,
  testResults: [],
};

describe('the closing count of a test run', () => {
  it('adds up what the runner reports', () => {
    expect(countsLine(countsOf(clean, 0))).toBe('7 passed, 0 failed, 3 skipped');
  });

  it('counts a runner that died without a report as one failure', () => {
    expect(countsOf(undefined, 137)).toEqual({ passed: 0, failed: 1, skipped: 0 });
  });

  it('counts a test file that failed outside its tests', () => {
    const report = {
      ...clean,
      success: false,
      numFailedTests: 1,
      testResults: [
        { status: 'failed', assertionResults: [] },
        { status: 'failed', assertionResults: [{ status: 'passed' }, { status: 'failed' }] },
        { status: 'passed', assertionResults: [{ status: 'passed' }] },
      ],
    };
    expect(countsOf(report, 1).failed).toBe(2);
  });

  it('counts a run that went wrong though every test passed (an unhandled error, coverage below its floor)', () => {
    expect(countsOf(clean, 1).failed).toBe(1);
    expect(countsOf({ ...clean, success: false }, 0).failed).toBe(1);
  });
});
