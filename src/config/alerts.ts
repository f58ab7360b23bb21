import { HOUR_MS, integer, SECOND_MS, section, text } from './values.ts';

const WEBHOOK = { secret: true, pattern: '^$|^https?://[^\\s]+$' } as const;

/** The section of what is told to webhooks. */
export const alertsSection = section(
  'Webhooks that are told of trouble while `tidemark run` goes on, by one process of a data directory, and of failed jobs by ' +
    '`tidemark schedule`. None where both ' +
    'addresses are empty; `tidemark alerts test` tries them.',
  {
    url: text('', {
      ...WEBHOOK,
      description: 'Takes each alert as JSON by POST. Set it through the environment where the address is a secret.',
    }),
    slackUrl: text('', {
      ...WEBHOOK,
      description:
        'Takes each alert as `{"text": …}` by POST, as Slack and what is compatible do. The address is a secret.',
    }),
    template: text('[{state}] {title}: {detail}', {
      pattern: '^[^{}]*(\\{(state|kind|title|detail|value|threshold|since|at)\\}[^{}]*)*$',
      description:
        'An alert in words, from `{state}`, `{kind}`, `{title}`, `{detail}`, `{value}`, `{threshold}`, `{since}`, `{at}`.',
    }),
    deadLetters: integer(
      100,
      { minimum: 0, maximum: 100_000_000 },
      {
        unit: 'records',
        description: 'More dead letters than this in `alerts.deadLettersWindowMs` are told of; 0: any at all.',
      },
    ),
    deadLettersWindowMs: integer(
      300 * SECOND_MS,
      { minimum: SECOND_MS, maximum: 24 * HOUR_MS },
      { unit: 'ms', description: 'How far back dead letters are counted.' },
    ),
    stalledMs: integer(
      300 * SECOND_MS,
      { minimum: SECOND_MS, maximum: 24 * HOUR_MS },
      {
        unit: 'ms',
        description:
          'A task with records to read, or that reads some, whose watermark stands still for so long is told of.',
      },
    ),
    everyMs: integer(
      15 * SECOND_MS,
      { minimum: 100, maximum: HOUR_MS },
      { unit: 'ms', description: 'Time between two looks.' },
    ),
    repeatMs: integer(
      HOUR_MS,
      { minimum: SECOND_MS, maximum: 365 * 24 * HOUR_MS },
      { unit: 'ms', description: 'Trouble that goes on is told of again after so long.' },
    ),
    timeoutMs: integer(
      10 * SECOND_MS,
      { minimum: 1, maximum: HOUR_MS },
      { unit: 'ms', description: 'A webhook that has not answered after so long has failed.' },
    ),
    retries: integer(
      5,
      { minimum: 0, maximum: 100 },
      { description: 'How often an alert is sent again to a webhook that failed.' },
    ),
    backoffMs: integer(
      SECOND_MS,
      { minimum: 1, maximum: HOUR_MS },
      { unit: 'ms', description: 'Longest wait before the first of these; each further one may be twice as long.' },
    ),
    maxBackoffMs: integer(
      60 * SECOND_MS,
      { minimum: 1, maximum: HOUR_MS },
      { unit: 'ms', description: 'Longest wait before any of these.' },
    ),
    maxRemembered: integer(
      1_000,
      { minimum: 1, maximum: 100_000 },
      { description: 'Most open alerts that are remembered over a restart, the newest ones.' },
    ),
    maxWaiting: integer(
      100,
      { minimum: 1, maximum: 10_000 },
      { description: 'Most alerts that wait for a webhook; the oldest is dropped for one more.' },
    ),
  },
);
