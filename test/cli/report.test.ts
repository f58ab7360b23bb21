import { CommanderError } from 'commander';
import { describe, expect, it } from 'vitest';
import { OutputClosed } from '../../src/cli/output.ts';
import { describeError, exitStatus, isQuiet } from '../../src/cli/report.ts';
import { TidemarkError } from '../../src/errors.ts';

const words = { json: false, debug: false };

describe('describeError', () => {
  it('says code, what and where on one line, and what to do on the next', () => {
    const error = new TidemarkError('TM_CONFIG', 'log.partitions must be\n  an integer', {
      where: 'tidemark.yaml:3',
      hint: 'give a number',
    });
    expect(describeError(error, words)).toBe(
      'error TM_CONFIG: log.partitions must be an integer (tidemark.yaml:3)\nhint: give a number\n',
    );
  });

  it('leaves out a place and a hint that there are not', () => {
    expect(describeError(new TidemarkError('TM_CONFIG', 'wrong'), words)).toBe('error TM_CONFIG: wrong\n');
  });

  it('gives JSON with the same parts', () => {
    const error = new TidemarkError('TM_CONFIG', 'wrong', { where: 'here', hint: 'do' });
    const report = JSON.parse(describeError(error, { json: true, debug: false }));
    expect(report).toEqual({ code: 'TM_CONFIG', message: 'wrong', where: 'here', hint: 'do' });
  });

  it('shows a stack trace only for debugging', () => {
    const error = new Error('boom');
    expect(describeError(error, words)).not.toContain('report.test.ts');
    expect(describeError(error, { json: false, debug: true })).toContain('report.test.ts');
    expect(JSON.parse(describeError(error, { json: true, debug: true })).stack).toContain('report.test.ts');
  });

  it('takes what is not an error of Tidemark for a defect', () => {
    expect(describeError(new TypeError('x is not a function'), words)).toMatch(
      /^error TM_INTERNAL: x is not a function\n/,
    );
    expect(describeError('text', words)).toMatch(/^error TM_INTERNAL: text\n/);
  });

  it("turns the parser's suggestion into a hint", () => {
    const error = new CommanderError(1, 'commander.unknownOption', "error: unknown option '--x'\n(Did you mean --y?)");
    expect(describeError(error, words)).toBe("error TM_USAGE: unknown option '--x'\nhint: did you mean --y?\n");
  });
});

describe('exitStatus', () => {
  it('is 2 for usage and configuration, 1 for failures, 0 for help and a reader that has gone', () => {
    expect(exitStatus(new TidemarkError('TM_CONFIG', ''))).toBe(2);
    expect(exitStatus(new CommanderError(1, 'commander.unknownCommand', ''))).toBe(2);
    expect(exitStatus(new TidemarkError('TM_INTERRUPTED', ''))).toBe(1);
    expect(exitStatus(new Error('boom'))).toBe(1);
    expect(exitStatus(new CommanderError(0, 'commander.helpDisplayed', ''))).toBe(0);
    expect(exitStatus(new OutputClosed())).toBe(0);
  });

  it('is quiet about what has been shown or cannot be', () => {
    expect(isQuiet(new OutputClosed())).toBe(true);
    expect(isQuiet(new CommanderError(0, 'commander.version', ''))).toBe(true);
    expect(isQuiet(new CommanderError(1, 'commander.help', ''))).toBe(true);
    expect(isQuiet(new Error('boom'))).toBe(false);
  });
});
