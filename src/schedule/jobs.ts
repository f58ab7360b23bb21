import { createHash } from 'node:crypto';
import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import { nearest } from '../config/nearest.ts';
import type { TidemarkError } from '../errors.ts';
import { Occurrences } from './occurrences.ts';
import { EXAMPLE, ScheduleText } from './scheduleText.ts';

const DAY_SECONDS = 86_400;
const WEEK_SECONDS = 7 * DAY_SECONDS;
const HOUR_SECONDS = 3_600;

const arrivalSchema = Type.Union([
  Type.Object({ file: Type.String({ minLength: 1 }) }, { additionalProperties: false }),
  Type.Object({ object: Type.String({ pattern: '^https?://' }) }, { additionalProperties: false }),
  Type.Object({ topic: Type.String({ minLength: 1 }) }, { additionalProperties: false }),
]);

const jobSchema = Type.Object(
  {
    command: Type.Array(Type.String(), { minItems: 1 }),
    cron: Type.Optional(Type.String({ minLength: 1 })),
    timeZone: Type.Optional(Type.String({ minLength: 1 })),
    jitterSeconds: Type.Optional(Type.Integer({ minimum: 0, maximum: HOUR_SECONDS })),
    catchUp: Type.Optional(Type.Enum(['none', 'last', 'all'])),
    after: Type.Optional(Type.String({ minLength: 1 })),
    when: Type.Optional(arrivalSchema),
    waitSeconds: Type.Optional(Type.Integer({ minimum: 1, maximum: WEEK_SECONDS })),
    timeoutSeconds: Type.Optional(Type.Integer({ minimum: 1, maximum: WEEK_SECONDS })),
    attempts: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })),
    retryAfterSeconds: Type.Optional(Type.Integer({ minimum: 0, maximum: DAY_SECONDS })),
  },
  { additionalProperties: false },
);

const fileSchema = Type.Object(
  {
    jobs: Type.Record(Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}$' }), jobSchema, {
      minProperties: 1,
      additionalProperties: false,
    }),
  },
  { additionalProperties: false },
);

/** What a job waits for: that a file, an object behind HTTP or a topic has become another than it was at the job's last run. */
export type Arrival = Static<typeof arrivalSchema>;
export type CatchUp = 'none' | 'last' | 'all';

/** A command of `tidemark` and when it is to run. It runs on occurrences of `cron`, after another job, or whenever data arrives. */
export interface Job {
  readonly name: string;
  readonly command: readonly string[];
  /** Of its definition: runs of a changed job can be told apart. */
  readonly configHash: string;
  readonly occurrences: Occurrences | null;
  /** How much later than its occurrence a run may begin, at random. */
  readonly jitterMs: number;
  /** Which of the occurrences that passed while nobody could run them are made up for. */
  readonly catchUp: CatchUp;
  readonly after: string | null;
  readonly when: Arrival | null;
  /** How long a run that is due waits for `when`. */
  readonly waitMs: number;
  readonly timeoutMs: number;
  readonly attempts: number;
  readonly retryAfterMs: number;
}

const MS = 1_000;
/** Of a job that does not say how long it may take. */
export const DEFAULT_TIMEOUT_MS = HOUR_SECONDS * MS;
/** What a key is to be, where a file has something else. */
const MEANT: Readonly<Record<string, string>> = {
  jobs: 'It holds jobs by their names.',
  command: 'It is a list of words after tidemark, such as [produce, csv, --layout, layout.yaml, trades.csv].',
  cron: "It is a text of five fields, such as '30 18 * * 1-5'.",
  timeZone: 'It is an IANA name, such as Europe/Vienna.',
  jitterSeconds: `It is a whole number from 0 to ${HOUR_SECONDS}.`,
  catchUp: 'It is one of none, last and all.',
  after: 'It is the name of another job.',
  when: 'It is one of { file: PATH }, { object: https://… } and { topic: NAME }.',
  waitSeconds: `It is a whole number from 1 to ${WEEK_SECONDS}.`,
  timeoutSeconds: `It is a whole number from 1 to ${WEEK_SECONDS}.`,
  attempts: 'It is a whole number from 1 to 100.',
  retryAfterSeconds: `It is a whole number from 0 to ${DAY_SECONDS}.`,
};

/**
 * The jobs of a schedule file. `where` names it in messages.
 * @throws TM_SCHEDULE with the line, the job and the key that is wrong
 */
export function parseJobs(text: string, where: string): readonly Job[] {
  const file = new ScheduleText(text, where);
  const { value } = file;
  if (!Value.Check(fileSchema, value)) throw firstFault(value, file);
  const jobs = Object.entries(value.jobs).map(([name, definition]) => toJob(name, definition, file));
  checkOrder(jobs, file);
  return jobs;
}

function toJob(name: string, definition: Static<typeof jobSchema>, file: ScheduleText): Job {
  const { cron, timeZone, after = null, when = null, command } = definition;
  const triggers = [cron, after].filter((trigger) => trigger !== undefined && trigger !== null).length;
  if (triggers > 1 || (triggers === 0 && when === null)) {
    throw file.fault(
      ['jobs', name],
      `jobs.${name} has ${triggers > 1 ? 'both cron and after' : 'nothing that makes it run'}`,
      'Give it one of cron and after, with or without when; or when alone.',
    );
  }
  if (timeZone !== undefined && cron === undefined) {
    throw file.fault(['jobs', name, 'timeZone'], `jobs.${name}.timeZone is of no use without cron`);
  }
  return {
    name,
    command,
    configHash: createHash('sha256').update(JSON.stringify(definition)).digest('hex').slice(0, 16),
    occurrences: cron === undefined ? null : occurrencesOf(name, cron, timeZone ?? 'UTC', file),
    jitterMs: (definition.jitterSeconds ?? 0) * MS,
    catchUp: definition.catchUp ?? 'last',
    after,
    when,
    waitMs: (definition.waitSeconds ?? HOUR_SECONDS) * MS,
    timeoutMs: definition.timeoutSeconds === undefined ? DEFAULT_TIMEOUT_MS : definition.timeoutSeconds * MS,
    attempts: definition.attempts ?? 1,
    retryAfterMs: (definition.retryAfterSeconds ?? 0) * MS,
  };
}

function occurrencesOf(name: string, cron: string, timeZone: string, file: ScheduleText): Occurrences {
  try {
    return new Occurrences(cron, timeZone);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw file.fault(
      ['jobs', name, 'cron'],
      `jobs.${name}.cron '${cron}' (${timeZone}) is refused: ${reason}`,
      "Five fields (minute, hour, day, month, weekday), such as '30 18 * * 1-5', and an IANA time zone.",
      cause,
    );
  }
}

/** Every `after` names a job, and following them comes to an end. */
function checkOrder(jobs: readonly Job[], file: ScheduleText): void {
  const byName = new Map(jobs.map((job) => [job.name, job]));
  for (const job of jobs) {
    const passed = new Set<string>();
    for (let at: Job | undefined = job; at?.after != null; ) {
      const key = ['jobs', at.name, 'after'];
      if (passed.has(at.name)) throw file.fault(key, `jobs.${at.name} comes after itself`);
      passed.add(at.name);
      const before: Job | undefined = byName.get(at.after);
      if (before === undefined) {
        const near = nearest(at.after, [...byName.keys()]);
        const hint = near === null ? `The jobs are ${[...byName.keys()].join(', ')}.` : `Did you mean ${near}?`;
        throw file.fault(key, `jobs.${at.name}.after names the job ${at.after}, which is not there`, hint);
      }
      at = before;
    }
  }
}

function firstFault(value: unknown, file: ScheduleText): TidemarkError {
  const faults = Value.Errors(fileSchema, value);
  const unknown = faults.find(({ keyword }) => keyword === 'additionalProperties');
  const fault = unknown ?? faults[0];
  const path = fault?.instancePath.split('/').slice(1) ?? [];
  const at = path.join('.');
  // Keys of a union's branches say little of what is meant.
  const [, , key] = path;
  if (key === 'when')
    return file.fault(path, `${at.split('.').slice(0, 3).join('.')} is not what a job can wait for`, MEANT.when);
  if (unknown?.keyword === 'additionalProperties') {
    const [name = ''] = unknown.params.additionalProperties;
    if (at === 'jobs') {
      const hint = 'It has 1 to 64 letters, digits, - and _.';
      return file.fault([...path, name], `jobs.${name} is no name of a job`, hint);
    }
    const keys = Object.keys(at === '' ? fileSchema.properties : jobSchema.properties);
    const near = nearest(name, keys);
    const hint = near === null ? `The keys here are ${keys.join(', ')}.` : `Did you mean ${near}?`;
    return file.fault([...path, name], `there is no key ${at === '' ? name : `${at}.${name}`}`, hint);
  }
  return file.fault(
    path,
    `${at === '' ? 'the file' : at} ${fault?.message ?? 'is wrong'}`,
    MEANT[key ?? at] ?? EXAMPLE,
  );
}
