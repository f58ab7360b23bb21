import { GIB, HOUR_MS, integer, KIB, MIB, section, text } from './values.ts';

/** The section of what takes rows over HTTP. */
export const ingestSection = section(
  'Rows over HTTP (`POST /v1/ingest/{topic}`). Off until it has a key of its own: who may read may not write.',
  {
    key: text('', {
      secret: true,
      pattern: '^$|^[!-~]{16,256}$',
      description:
        'The key that requests with rows must carry, in `authorization: Bearer KEY` or `x-api-key: KEY`; empty: none are ' +
        'taken. At least 16 characters. Set it through the environment.',
    }),
    topics: text('ticks,quotes,source_bars', {
      pattern: '^[A-Za-z0-9._-]+(:[A-Za-z_][A-Za-z0-9_]*)?(,[A-Za-z0-9._-]+(:[A-Za-z_][A-Za-z0-9_]*)?)*$',
      description:
        'The topics that rows may go to, with commas. Another topic than these three needs a schema in the registry, and the ' +
        'field that is its key: `readings:sensor`; without it that is `instrument`.',
    }),
    maxBodyBytes: integer(
      4 * MIB,
      { minimum: KIB, maximum: GIB },
      { unit: 'bytes', description: 'Largest body of a request, and most that a compressed one may hold.' },
    ),
    maxRows: integer(
      10_000,
      { minimum: 1, maximum: 1_000_000 },
      { unit: 'rows', description: 'Most rows of a request.' },
    ),
    maxRequests: integer(
      32,
      { minimum: 1, maximum: 10_000 },
      { description: 'Most requests under way; any more are told to come again.' },
    ),
    maxKeys: integer(
      100_000,
      { minimum: 1, maximum: 10_000_000 },
      { description: 'Most idempotency keys that are kept: those of the latest requests.' },
    ),
    keepKeysMs: integer(
      24 * HOUR_MS,
      { minimum: 1_000, maximum: 366 * 24 * HOUR_MS },
      { unit: 'ms', description: 'How long an idempotency key is kept.' },
    ),
  },
);
