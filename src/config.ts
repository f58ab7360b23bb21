import { type Static, type TSchema, Type } from 'typebox';
import { alertsSection } from './config/alerts.ts';
import { ingestSection } from './config/ingest.ts';
import { marketSections } from './config/market.ts';
import {
  choice,
  GIB,
  HOUR_MS,
  integer,
  KIB,
  MIB,
  SECOND_MS,
  section,
  text,
  type ValueNotes,
  YEAR_MS,
} from './config/values.ts';
import { venueSections } from './config/venues.ts';

/**
 * Every configuration value, once: its default, bounds, unit and meaning. `docs/configuration.md` is generated from it.
 * Closed: an unknown section or value is an error.
 */
export const configSchema = Type.Object(
  {
    data: section('Where the embedded log and ClickHouse keep their files.', {
      directory: text('.tidemark', {
        minLength: 1,
        description: 'The data directory, relative to the working directory. `--data DIR` sets it too.',
      }),
    }),
    broker: section('A broker that speaks the Kafka protocol, in place of the embedded log.', {
      urls: text('', {
        pattern: '^$|^[^\\s,:]+:[0-9]+(,[^\\s,:]+:[0-9]+)*$',
        description: '`HOST:PORT`, several with commas; empty for the embedded log. `--brokers` sets it too.',
      }),
      idPrefix: text('tidemark.', {
        pattern: '^[A-Za-z0-9._-]{0,100}$',
        description: 'Put before consumer groups and transactional ids: installs that share a broker need one each.',
      }),
      tls: choice(['off', 'on'], { description: 'Whether connections are encrypted.' }),
      caFile: text('', { description: "PEM file of the authorities to trust; empty for the system's." }),
      certificateFile: text('', {
        description: "PEM file of the client's certificate, where the broker asks for one.",
      }),
      keyFile: text('', { description: "PEM file of that certificate's key." }),
      saslMechanism: choice(['', 'PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'], {
        description: 'How to log in; empty for no login.',
      }),
      user: text('', { description: 'User name at the broker.' }),
      password: text('', { secret: true, description: 'Password at the broker. Set it through the environment.' }),
    }),
    registry: section('A schema registry with the Confluent HTTP contract. A broker needs one.', {
      url: text('', {
        pattern: '^$|^https?://',
        description: 'Its address; empty for the embedded registry in the data directory. `--registry` sets it too.',
      }),
      user: text('', { description: 'User name at the registry; empty for no login.' }),
      password: text('', { secret: true, description: 'Password at the registry. Set it through the environment.' }),
    }),
    outage: section(
      'How long a broker, a schema registry or a ClickHouse server may be away before a command fails. What was committed ' +
        'is never lost: the same command goes on from there.',
      {
        startTimeoutMs: integer(
          10_000,
          { minimum: 1, maximum: HOUR_MS },
          { unit: 'ms', description: 'When a command starts.' },
        ),
        recoveryTimeoutMs: integer(
          30_000,
          { minimum: 1, maximum: HOUR_MS },
          { unit: 'ms', description: 'In mid-run. One that comes back before is gone on with.' },
        ),
      },
    ),
    log: section('Topics that Tidemark creates. A topic that exists keeps the settings it was made with.', {
      partitions: integer(4, { minimum: 1, maximum: 1_024 }, { description: 'Partitions of a new topic.' }),
      retentionMs: integer(
        -1,
        { minimum: -1, maximum: 100 * YEAR_MS },
        {
          unit: 'ms',
          description: 'Records of a new topic that were appended longer ago may be deleted; -1 keeps everything.',
        },
      ),
    }),
    topology: section('How much a task takes in at a time, and how it brings several inputs together.', {
      maxRecordsPerChunk: integer(
        8_192,
        { minimum: 1, maximum: 1_048_576 },
        { unit: 'records', description: 'Most records in a chunk.' },
      ),
      maxBytesPerChunk: integer(
        MIB,
        { minimum: KIB, maximum: GIB },
        { unit: 'bytes', description: 'A chunk stops growing once its records hold this much.' },
      ),
      idleTimeoutMs: integer(
        10_000,
        { minimum: 1, maximum: HOUR_MS },
        {
          unit: 'ms',
          description:
            'An input that is read to its end, and where nothing comes for so long, holds the others back no more.',
        },
      ),
      wallClockAfterMs: integer(
        10_000,
        { minimum: 0, maximum: YEAR_MS },
        {
          unit: 'ms',
          description:
            'In a live run, once nothing has come for so long in any input of a task, the wall clock moves its watermark on ' +
            'and so closes its windows: to where the last record left it, and as far beyond as that record is past. 0: never.',
        },
      ),
      wallClockEveryMs: integer(
        1_000,
        { minimum: 1, maximum: HOUR_MS },
        { unit: 'ms', description: 'Least time between two such moves of a task.' },
      ),
      maxSkewMs: integer(
        60 * SECOND_MS,
        { minimum: 0, maximum: YEAR_MS },
        { unit: 'ms', description: 'How far in event time an input is read ahead of the others.' },
      ),
      maxBufferedRecords: integer(
        65_536,
        { minimum: 1, maximum: 16_777_216 },
        { unit: 'records', description: 'Most records that wait in an input for those of the others.' },
      ),
    }),
    commit: section('When a task commits results and position in one transaction: at whichever bound is met first.', {
      maxRecords: integer(
        65_536,
        { minimum: 1, maximum: 16_777_216 },
        { unit: 'records', description: 'Most input records between two commits.' },
      ),
      maxBytes: integer(
        16 * MIB,
        { minimum: KIB, maximum: GIB },
        { unit: 'bytes', description: 'Most bytes of results held for a commit.' },
      ),
      intervalMs: integer(
        200,
        { minimum: 1, maximum: HOUR_MS },
        { unit: 'ms', description: 'Longest time between two commits while records come in.' },
      ),
    }),
    snapshot: section('Copies of the state of tasks in the log, from which a restart goes on.', {
      maxRereadRecords: integer(
        1_000_000,
        { minimum: 1, maximum: 1_000_000_000 },
        {
          unit: 'records',
          description:
            'A snapshot is taken before a restart of a task would read more records again than this, but none while ' +
            'snapshots would take more than 5% of its working time.',
        },
      ),
    }),
    watermark: section(
      "Event time. A topology's own parameters set its watermark and lateness (`--set`); producers go by these to tell " +
        'late rows from news, and refuse a source that is older than what its topic has gone past.',
      {
        outOfOrdernessMs: integer(
          SECOND_MS,
          { minimum: 0, maximum: YEAR_MS },
          { unit: 'ms', description: 'How far behind the newest record of its partition a record is still on time.' },
        ),
        allowedLatenessMs: integer(
          300 * SECOND_MS,
          { minimum: 0, maximum: YEAR_MS },
          { unit: 'ms', description: 'How much later than that a record may still revise its windows.' },
        ),
        maxAheadMs: integer(
          HOUR_MS,
          { minimum: 0, maximum: YEAR_MS },
          {
            unit: 'ms',
            description:
              'A record whose event time is further than this past its own append time goes to `deadletter`.',
          },
        ),
      },
    ),
    schedule: section('How `tidemark schedule` runs jobs.', {
      pollMs: integer(
        1_000,
        { minimum: 10, maximum: HOUR_MS },
        { unit: 'ms', description: 'How often it looks whether something is due or has arrived.' },
      ),
      lookTimeoutMs: integer(
        10_000,
        { minimum: 1, maximum: HOUR_MS },
        { unit: 'ms', description: 'How long one look at an object over HTTP may take.' },
      ),
      graceMs: integer(
        30_000,
        { minimum: 0, maximum: HOUR_MS },
        { unit: 'ms', description: 'How long a command that was asked to end may take before it is killed.' },
      ),
      maxOutput: integer(
        64 * KIB,
        { minimum: KIB, maximum: GIB },
        { unit: 'characters', description: 'Most that is kept of what a command prints, of its end.' },
      ),
    }),
    producer: section('When a producer sends what it has gathered: at whichever bound is met first.', {
      batchRecords: integer(
        32_768,
        { minimum: 1, maximum: 1_048_576 },
        { unit: 'records', description: 'Most records in a transaction.' },
      ),
      batchBytes: integer(
        8 * MIB,
        { minimum: KIB, maximum: GIB },
        { unit: 'bytes', description: 'Most bytes of a source in a transaction.' },
      ),
      batchMs: integer(
        100,
        { minimum: 1, maximum: 60 * SECOND_MS },
        { unit: 'ms', description: 'Longest wait of a record before its transaction, for sources with a rate.' },
      ),
    }),
    ...marketSections,
    ingest: ingestSection,
    alerts: alertsSection,
    deadletter: section('Commands that look through dead letters.', {
      maxLetters: integer(
        1_000_000,
        { minimum: 1, maximum: 100_000_000 },
        { unit: 'records', description: 'Most dead letters that a command keeps in memory to tell which are done.' },
      ),
    }),
    ...venueSections,
    sink: section('How results and ticks go to ClickHouse.', {
      batchRows: integer(
        65_536,
        { minimum: 1, maximum: 4_194_304 },
        { unit: 'rows', description: 'Most rows in an insert.' },
      ),
      batchBytes: integer(
        16 * MIB,
        { minimum: KIB, maximum: GIB },
        { unit: 'bytes', description: 'An insert stops growing once its records hold this much.' },
      ),
      batchMs: integer(
        500,
        { minimum: 1, maximum: 60 * SECOND_MS },
        { unit: 'ms', description: 'Longest wait of a row before its insert.' },
      ),
      insertRetries: integer(
        5,
        { minimum: 0, maximum: 100 },
        {
          description:
            'How often an insert whose connection fails is sent again before the sink counts ClickHouse as away.',
        },
      ),
    }),
    clickhouse: section('Where results are stored and queried.', {
      url: text('', {
        pattern: '^$|^https?://',
        description: "A server's HTTP address; empty for the embedded ClickHouse in the data directory.",
      }),
      database: text('tidemark', {
        pattern: '^[A-Za-z_][A-Za-z0-9_]*$',
        description: "The product's database; made when missing.",
      }),
      user: text('default', { description: 'User name at the server.' }),
      password: text('', { secret: true, description: 'Password at the server. Set it through the environment.' }),
      requestTimeoutMs: integer(
        300_000,
        { minimum: 1, maximum: HOUR_MS },
        { unit: 'ms', description: 'A request that neither sends nor gets anything for so long is given up.' },
      ),
      compression: text('off', {
        pattern: '^(on|off)$',
        description: 'Whether inserts and results are sent compressed (gzip): for a server behind a slow network.',
      }),
      memoryMb: integer(
        1_024,
        { minimum: 256, maximum: 1_048_576 },
        { unit: 'MB', description: 'Most memory that the embedded ClickHouse may take.' },
      ),
    }),
    api: section('The HTTP API and its page.', {
      host: text('127.0.0.1', {
        minLength: 1,
        description: 'The address to listen on. Any other than this machine itself needs `api.key`.',
      }),
      port: integer(
        8_080,
        { minimum: 0, maximum: 65_535 },
        { description: 'The port; 0, or one that is taken, gives a free one. `--port` sets it too.' },
      ),
      key: text('', {
        secret: true,
        pattern: '^$|^[!-~]{16,256}$',
        description:
          'The key that requests for data must carry, in `authorization: Bearer KEY` or `x-api-key: KEY`; empty for none. ' +
          'At least 16 characters. Set it through the environment.',
      }),
      maxRows: integer(
        1_000_000,
        { minimum: 1, maximum: 100_000_000 },
        {
          unit: 'rows',
          description: 'Most rows of one answer without a `limit`; an answer that passes it is broken off.',
        },
      ),
      maxPageRows: integer(
        10_000,
        { minimum: 1, maximum: 1_000_000 },
        { unit: 'rows', description: 'Largest `limit`.' },
      ),
      maxQueryMs: integer(
        30_000,
        { minimum: 1, maximum: HOUR_MS },
        { unit: 'ms', description: 'Longest time that ClickHouse may work for one request.' },
      ),
      maxQueryMb: integer(
        512,
        { minimum: 1, maximum: 1_048_576 },
        { unit: 'MB', description: 'Most memory that ClickHouse may take for one request.' },
      ),
      maxStreams: integer(100, { minimum: 1, maximum: 10_000 }, { description: 'Most live streams at a time.' }),
      maxStreamEvents: integer(
        10_000,
        { minimum: 1, maximum: 1_000_000 },
        {
          description:
            'Most events that wait for one reader of a live stream; one who falls further behind is dropped.',
        },
      ),
      maxResumeRecords: integer(
        250_000,
        { minimum: 1, maximum: 10_000_000 },
        {
          unit: 'records',
          description:
            'Most results that a resumed live stream reads again; one that missed more is told to start over.',
        },
      ),
    }),
  },
  { additionalProperties: false },
);

/** The validated configuration: every value present and within its bounds. */
export type Config = Static<typeof configSchema>;

/** One value of the configuration, as its schema declares it. */
export interface ConfigOption extends ValueNotes {
  /** `section.name`, as in the file. */
  readonly key: string;
  readonly section: string;
  readonly name: string;
  /** `TIDEMARK_SECTION_NAME`. */
  readonly variable: string;
  readonly schema: TSchema;
  readonly type: 'integer' | 'string';
  readonly default: number | string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly pattern?: string;
  /** All that it may be, where it is one of some texts. */
  readonly enum?: readonly string[];
}

function variableName(sectionName: string, name: string): string {
  const snake = name.replace(/([A-Z])/g, '_$1');
  return `TIDEMARK_${sectionName}_${snake}`.toUpperCase();
}

/** All values in the order of the schema. */
export const configOptions: readonly ConfigOption[] = Object.entries(configSchema.properties).flatMap(
  ([sectionName, { properties }]) =>
    Object.entries<TSchema>(properties).map(([name, schema]) => ({
      // typebox drops a schema's own keywords from its type; integer(), text() and choice() above put them there.
      ...(schema as TSchema & Pick<ConfigOption, 'type' | 'default' | 'description'>),
      key: `${sectionName}.${name}`,
      section: sectionName,
      name,
      variable: variableName(sectionName, name),
      schema,
    })),
);
