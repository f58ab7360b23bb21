import { createHash } from 'node:crypto';
import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import { parseDocument } from 'yaml';
import { nearest } from '../config/nearest.ts';
import { TidemarkError } from '../errors.ts';
import { Occurrences } from './occurrences.ts';

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
const EXAMPLE = 'see examples/schedule.yaml for a complete one';

/**
 * The jobs of a schedule file. `where` names it in messages.
 * @throws TM_SCHEDULE with the job and the key that is wrong
 */
export function parseJobs(text: string, where: string): readonly Job[] {
  const document = parseDocument(text);
  const [problem] = document.errors;
  if (problem !== undefined) throw scheduleError(`it is not YAML: ${problem.message.split('\n')[0]}`, where, EXAMPLE);
  const value: unknown = document.toJS();
  if (!Value.Check(fileSchema, value)) throw firstFault(value, where);
  const jobs = Object.entries(value.jobs).map(([name, definition]) => toJob(name, definition, where));
  checkOrder(jobs, where);
  return jobs;
}

function toJob(name: string, definition: Static<typeof jobSchema>, where: string): Job {
  const { cron, timeZone, after = null, when = null, command } = definition;
  const triggers = [cron, after].filter((trigger) => trigger !== undefined && trigger !== null).length;
  if (triggers > 1 || (triggers === 0 && when === null)) {
    throw scheduleError(
      `jobs.${name} has ${triggers > 1 ? 'both cron and after' : 'nothing that makes it run'}`,
      where,
      {
        hint: 'Give it one of cron and after, with or without when; or when alone.',
      },
    );
  }
  if (timeZone !== undefined && cron === undefined) {
    throw scheduleError(`jobs.${name}.timeZone is of no use without cron`, where, EXAMPLE);
  }
  return {
    name,
    command,
    configHash: createHash('sha256').update(JSON.stringify(definition)).digest('hex').slice(0, 16),
    occurrences: cron === undefined ? null : occurrencesOf(name, cron, timeZone ?? 'UTC', where),
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

function occurrencesOf(name: string, cron: string, timeZone: string, where: string): Occurrences {
  try {
    return new Occurrences(cron, timeZone);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw scheduleError(`jobs.${name}.cron '${cron}' (${timeZone}) is refused: ${reason}`, where, {
      hint: "Five fields (minute, hour, day, month, weekday), such as '30 18 * * 1-5', and an IANA time zone.",
      cause,
    });
  }
}

/** Every `after` names a job, and following them comes to an end. */
function checkOrder(jobs: readonly Job[], where: string): void {
  const byName = new Map(jobs.map((job) => [job.name, job]));
  for (const job of jobs) {
    const passed = new Set<string>();
    for (let at: Job | undefined = job; at?.after != null; ) {
      if (passed.has(at.name)) throw scheduleError(`jobs.${at.name} comes after itself`, where, EXAMPLE);
      passed.add(at.name);
      const before: Job | undefined = byName.get(at.after);
      if (before === undefined) {
        const near = nearest(at.after, [...byName.keys()]);
        const hint = near === null ? `The jobs are ${[...byName.keys()].join(', ')}.` : `Did you mean ${near}?`;
        throw scheduleError(`jobs.${at.name}.after names the job ${at.after}, which is not there`, where, hint);
      }
      at = before;
    }
  }
}

function firstFault(value: unknown, where: string): TidemarkError {
  const faults = Value.Errors(fileSchema, value);
  const unknown = faults.find(({ keyword }) => keyword === 'additionalProperties');
  const fault = unknown ?? faults[0];
  const at = fault?.instancePath.slice(1).replaceAll('/', '.') ?? '';
  if (unknown?.keyword === 'additionalProperties' && !at.endsWith('.when')) {
    const [key = ''] = unknown.params.additionalProperties;
    if (at === 'jobs') {
      return scheduleError(`jobs.${key} is no name of a job`, where, 'It has 1 to 64 letters, digits, - and _.');
    }
    const keys = Object.keys(at === '' ? fileSchema.properties : jobSchema.properties);
    const near = nearest(key, keys);
    const hint = near === null ? `The keys here are ${keys.join(', ')}.` : `Did you mean ${near}?`;
    return scheduleError(`there is no key ${at === '' ? key : `${at}.${key}`}`, where, hint);
  }
  return scheduleError(`${at === '' ? 'the file' : at} ${fault?.message ?? 'is wrong'}`, where, EXAMPLE);
}

function scheduleError(
  message: string,
  where: string,
  hint: string | { readonly hint: string; readonly cause?: unknown },
): TidemarkError {
  return new TidemarkError('TM_SCHEDULE', message, { where, ...(typeof hint === 'string' ? { hint } : hint) });
}
