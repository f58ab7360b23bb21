import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseJobs } from '../../src/schedule/jobs.ts';

const EXAMPLE = new URL('../../examples/schedule.yaml', import.meta.url);

function errorOf(text: string): string {
  try {
    parseJobs(text, 'jobs.yaml');
  } catch (error) {
    const { code, message, where, hint } = error as { code: string; message: string; where: string; hint: string };
    return `${code} ${where}: ${message} (${hint})`;
  }
  return 'accepted';
}

describe('a schedule file', () => {
  it('gives its jobs, with defaults', () => {
    const jobs = parseJobs(readFileSync(EXAMPLE, 'utf8'), 'schedule.yaml');
    expect(jobs.map(({ name, after, when, catchUp }) => [name, after, when, catchUp])).toEqual([
      ['daily-bars', null, null, 'last'],
      ['bars', 'daily-bars', null, 'last'],
      ['trades', null, { file: 'incoming/trades.csv' }, 'last'],
      ['morning', null, { file: 'incoming/night.csv' }, 'last'],
    ]);
    expect(jobs[0]).toMatchObject({ jitterMs: 60_000, timeoutMs: 1_800_000, attempts: 3, retryAfterMs: 300_000 });
    expect(jobs[3]).toMatchObject({ waitMs: 7_200_000, attempts: 1, retryAfterMs: 0, jitterMs: 0 });
    expect(new Set(jobs.map(({ configHash }) => configHash)).size).toBe(jobs.length);
  });

  it.each([
    ['', 'the file must be object'],
    ['[a, b]', 'the file must be object'],
    ['jobs: { a: { command: [x], cron: "0 0 31 2 *" } }', 'is refused: there is no such day'],
    [
      'jobs: { a: { command: x y, cron: "* * * * *" } }',
      'jobs.a.command must be array (It is a list of words after tidemark',
    ],
    [
      'jobs: { a: { command: [x], after: b, catchUp: lats }, b: { command: [x], cron: "* * * * *" } }',
      '(It is one of none, last and all.)',
    ],
    [
      'jobs: { a: { command: [x], cron: "* * * * *", timeoutSeconds: ten } }',
      '(It is a whole number from 1 to 604800.)',
    ],
    ['jobs: [', 'it is not YAML'],
    ['jobs: {}', 'jobs must not have fewer than 1 properties'],
    ['jbos: {}', 'there is no key jbos (Did you mean jobs?)'],
    ['jobs: { a: { comand: [x], cron: "* * * * *" } }', 'there is no key jobs.a.comand (Did you mean command?)'],
    ['jobs: { a: { command: [], cron: "* * * * *" } }', 'jobs.a.command must not have fewer than 1 items'],
    ['jobs: { a: { command: [x] } }', 'jobs.a has nothing that makes it run'],
    [
      'jobs: { a: { command: [x], cron: "* * * * *", after: b }, b: { command: [x] } }',
      'jobs.a has both cron and after',
    ],
    ['jobs: { a: { command: [x], cron: "61 * * * *" } }', "jobs.a.cron '61 * * * *' (UTC) is refused"],
    ['jobs: { a: { command: [x], cron: "* * * * *", timeZone: Mars/Olympus } }', '(Mars/Olympus) is refused'],
    ['jobs: { a: { command: [x], after: b, timeZone: UTC } }', 'jobs.a.timeZone is of no use without cron'],
    [
      'jobs: { nightly: { command: [x], after: nihgtly } }',
      'names the job nihgtly, which is not there (Did you mean nightly?)',
    ],
    ['jobs: { a: { command: [x], after: b }, b: { command: [x], after: a } }', 'comes after itself'],
    ['jobs: { a: { command: [x], after: a } }', 'jobs.a comes after itself'],
    [
      'jobs: { a: { command: [x], when: { disk: full } } }',
      'jobs.a.when is not what a job can wait for (It is one of { file: PATH }',
    ],
    ['jobs: { a: { command: [x], when: { object: "ftp://x" } } }', 'jobs.a.when is not what a job can wait for'],
    ['jobs: { a: { command: [x], when: later } }', 'jobs.a.when is not what a job can wait for'],
    ['jobs: { a: { command: [x], cron: "* * * * *", attempts: 0 } }', 'jobs.a.attempts must be >= 1'],
    ['jobs: { "a b": { command: [x], cron: "* * * * *" } }', 'jobs.a b is no name of a job'],
  ])('is refused where it is wrong: %s', (text, message) => {
    const error = errorOf(text);
    expect(error).toMatch(/^TM_SCHEDULE jobs\.yaml(:\d+)?: /);
    expect(error).toContain(message);
  });

  it.each([
    ['jobs:\n  a:\n    command: [x]\n    corn: "* * * * *"\n', 4],
    ['jobs:\n  a:\n    command: [x]\n    cron: "61 * * * *"\n', 4],
    ['jobs:\n  a:\n    command: [x]\n    when: { fil: x }\n', 4],
    ['jobs:\n  a:\n    cron: "* * * * *"\n', 2],
    ['jobs:\n  a: { command: [x], cron: "* * * * *" }\n  b: { command: [x], after: c }\n', 3],
    ['jobs:\n  a: { command: [x], when: { file: x } }\n  a: { command: [x], when: { file: x } }\n', 3],
    ['jobs:\n  a: { command: [x\n  b: 1\n', 3],
  ])('is refused at the line that is wrong: %j', (text, line) => {
    expect(errorOf(text)).toMatch(new RegExp(`^TM_SCHEDULE jobs\\.yaml:${line}: `));
  });
});
