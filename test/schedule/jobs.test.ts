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
    ['jobs: { a: { command: [x], when: { disk: full } } }', 'jobs.a.when'],
    ['jobs: { a: { command: [x], cron: "* * * * *", attempts: 0 } }', 'jobs.a.attempts must be >= 1'],
    ['jobs: { "a b": { command: [x], cron: "* * * * *" } }', 'jobs.a b is no name of a job'],
  ])('is refused where it is wrong: %s', (text, message) => {
    const error = errorOf(text);
    expect(error).toMatch(/^TM_SCHEDULE jobs\.yaml: /);
    expect(error).toContain(message);
  });
});
