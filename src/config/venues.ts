import { planLimits } from './market.ts';
import { GIB, HOUR_MS, integer, KIB, MIB, SECOND_MS, section, YEAR_MS } from './values.ts';

/** The sections of what listens to exchanges, and of recordings of them. */
export const venueSections = {
  venues: section(
    "Exchanges' WebSockets, and the requests for trades that were missed there: the limits are each venue's own.",
    {
      connectMs: integer(
        10 * SECOND_MS,
        { minimum: 1, maximum: HOUR_MS },
        { unit: 'ms', description: 'A connection that is not open after so long is given up, and tried again.' },
      ),
      backoffMs: integer(
        SECOND_MS,
        { minimum: 1, maximum: HOUR_MS },
        {
          unit: 'ms',
          description: 'Longest wait before the first attempt to connect again; each further one may be twice as long.',
        },
      ),
      maxBackoffMs: integer(
        60 * SECOND_MS,
        { minimum: 1, maximum: HOUR_MS },
        { unit: 'ms', description: 'Longest wait before any of these.' },
      ),
      quietMs: integer(
        60 * SECOND_MS,
        { minimum: 1, maximum: 24 * HOUR_MS },
        {
          unit: 'ms',
          description:
            'After so long without a word of a symbol it is warned that the exchange may not have it (`TM_VENUE_QUIET`).',
        },
      ),
      maxFrameBytes: integer(
        16 * MIB,
        { minimum: KIB, maximum: GIB },
        { unit: 'bytes', description: 'A larger message breaks the connection.' },
      ),
      queueBytes: integer(
        64 * MIB,
        { minimum: KIB, maximum: GIB },
        {
          unit: 'bytes',
          description:
            'Messages that wait to be read. With more, the connection is broken and made again, and what was missed is asked for.',
        },
      ),
      heldTrades: integer(
        100_000,
        { minimum: 1, maximum: 10_000_000 },
        {
          unit: 'records',
          description:
            'Trades of a symbol that wait for missed ones before them. Further ones are let go, and asked for with the missed ones.',
        },
      ),
      repairTries: integer(
        5,
        { minimum: 1, maximum: 1_000 },
        {
          description:
            'How often a venue is asked for missed trades that its answers do not have, before they are given up and named in `deadletter`.',
        },
      ),
      knownTrades: integer(
        2_000_000,
        { minimum: 1, maximum: 100_000_000 },
        {
          unit: 'records',
          description:
            'Most trades that the topic has of the time and the exchanges of what is produced, which are kept in memory so that none comes twice.',
        },
      ),
      clockErrorMs: integer(
        60 * SECOND_MS,
        { minimum: 0, maximum: 24 * HOUR_MS },
        {
          unit: 'ms',
          description:
            'How far the times of a trade may be apart by the clocks of the exchange, of a recorder and of the log, its way to them included: what the topic has already is looked for so much before and after.',
        },
      ),
      ...planLimits({ perSecond: 2, perMinute: 30, perDay: 0 }),
    },
  ),
  recording: section('Recordings of venues, and how they are played.', {
    flushBytes: integer(
      256 * KIB,
      { minimum: KIB, maximum: GIB },
      { unit: 'bytes', description: 'What was received goes to the file as soon as it is this much.' },
    ),
    flushMs: integer(
      SECOND_MS,
      { minimum: 1, maximum: HOUR_MS },
      { unit: 'ms', description: 'Longest time that it waits for that: what a killed recorder loses.' },
    ),
    fileBytes: integer(
      256 * MIB,
      { minimum: KIB, maximum: 1_024 * GIB },
      { unit: 'bytes', description: 'A file that has so much before compression is followed by another.' },
    ),
    fileMs: integer(
      24 * HOUR_MS,
      { minimum: 1, maximum: YEAR_MS },
      { unit: 'ms', description: 'A file that is so old is followed by another.' },
    ),
    rememberedTrades: integer(
      10_000,
      { minimum: 1, maximum: 10_000_000 },
      {
        unit: 'records',
        description:
          "Of each symbol's latest trades in all recordings of a command, the ids by which a repeat is told.",
      },
    ),
  }),
};
