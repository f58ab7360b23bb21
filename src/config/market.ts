import { GIB, HOUR_MS, integer, KIB, MIB, SECOND_MS, section, text } from './values.ts';

/** A vendor's limits, over any stretch of time of that length. */
export function planLimits({
  perSecond,
  perMinute,
  perDay,
}: Readonly<Record<'perSecond' | 'perMinute' | 'perDay', number>>) {
  const limit = (requests: number, stretch: string) =>
    integer(
      requests,
      { minimum: 0, maximum: 10_000 },
      { description: `Most requests in any ${stretch}; 0 for no limit.` },
    );
  return {
    requestsPerSecond: limit(perSecond, 'second'),
    requestsPerMinute: limit(perMinute, 'minute'),
    requestsPerDay: limit(perDay, '24 hours'),
  };
}

/** The sections of what asks market APIs. */
export const marketSections = {
  requests: section('How producers ask market APIs.', {
    timeoutMs: integer(
      30 * SECOND_MS,
      { minimum: 1, maximum: HOUR_MS },
      { unit: 'ms', description: 'An answer that is not all there after so long is given up.' },
    ),
    maxBytes: integer(
      64 * MIB,
      { minimum: KIB, maximum: GIB },
      { unit: 'bytes', description: 'A larger answer is given up.' },
    ),
    retries: integer(
      4,
      { minimum: 0, maximum: 100 },
      { description: 'How often a request is sent again after an error that may pass.' },
    ),
    backoffMs: integer(
      SECOND_MS,
      { minimum: 1, maximum: HOUR_MS },
      {
        unit: 'ms',
        description:
          'Longest wait before the first of these, each further one may be twice as long; after a rate limit a quarter of `requests.maxBackoffMs`.',
      },
    ),
    maxBackoffMs: integer(
      60 * SECOND_MS,
      { minimum: 1, maximum: HOUR_MS },
      { unit: 'ms', description: 'Longest wait before any of these, also where the vendor asks for a longer one.' },
    ),
    maxWaitMs: integer(
      120 * SECOND_MS,
      { minimum: 0, maximum: 24 * HOUR_MS },
      { unit: 'ms', description: "A request that the plan's limits would hold back for longer fails instead." },
    ),
    maxKnownBars: integer(
      2_000_000,
      { minimum: 1, maximum: 100_000_000 },
      {
        unit: 'records',
        description: 'Most published bars of the symbols asked for, which are kept in memory to tell what has changed.',
      },
    ),
  }),
  alphavantage: section(
    "Alpha Vantage (https://www.alphavantage.co), and the plan's limits: the defaults are those of a free key. All " +
      'producers of a data directory share them.',
    {
      key: text('', {
        secret: true,
        pattern: '^$|^demo$|^[A-Za-z0-9]{12,64}$',
        description: 'The API key. Set it through the environment.',
      }),
      url: text('https://www.alphavantage.co/query', {
        // What a query or a user's name and password would hold stands in each record.
        pattern: '^https?://[^?#@]+$',
        description: 'Where requests go, without a query.',
      }),
      ...planLimits({ perSecond: 1, perMinute: 5, perDay: 25 }),
    },
  ),
  yahoo: section('Yahoo Finance, which publishes no limits: these have been found to be borne.', {
    url: text('https://query2.finance.yahoo.com', { pattern: '^https?://', description: 'Where requests go.' }),
    cookieUrl: text('https://fc.yahoo.com/', {
      pattern: '^https?://',
      description: 'Where a cookie comes from when Yahoo insists on one, as it does for quotes.',
    }),
    ...planLimits({ perSecond: 2, perMinute: 60, perDay: 2_000 }),
  }),
};
