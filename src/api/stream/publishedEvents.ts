import { parseRecordSchema } from '../../core/avro/parseSchema.ts';
import { RowView } from '../../core/avro/rowView.ts';
import { TopicDecoder } from '../../core/avro/topicDecoder.ts';
import type { RecordChunk } from '../../log/log.ts';
import type { SchemaRegistry } from '../../log/registry/registry.ts';
import { type PublishedBar, servedPublishedBars } from '../../query/publishedBars.ts';
import { jsonObjects } from '../../query/rowText.ts';
import { RAW_SINK_GROUP } from '../../runtime/sinks.ts';
import { type SourceBar, sourceBarSchema } from '../../schemas.generated.ts';
import { queryBounds } from '../parameters.ts';
import { type ApiParts, OUTPUT, TOPOLOGY } from '../parts.ts';
import { EVENT_COLUMNS } from './resultEvents.ts';
import { type BarChange, type BarEvent, newestChanges, type StreamTopic, takeIn } from './streamTopic.ts';

const HOUR_MICROS = 3_600_000_000;
/** What is made of a published minute, in the order of the places of its record. */
const MADE = [
  { interval: '1h', sizeMicros: HOUR_MICROS },
  { interval: '1d', sizeMicros: 24 * HOUR_MICROS },
] as const;
/** Of a record: the bar itself, and those that are made of it. */
const STEPS = 1 + MADE.length;
/** Bars that one statement asks for. */
const BARS_AT_ONCE = 1_024;

/** That a source has published a bar: it, or one made of it, may have changed. */
interface PublishedChange extends BarChange {
  readonly start: number;
  readonly made: boolean;
  readonly adjusted: boolean;
  /** Of what was published. */
  readonly revision: number;
}

const jsonOf = jsonObjects(EVENT_COLUMNS);

/**
 * Bars that sources publish. A record says which bars have changed, and ClickHouse what they are: so events are what `/v1/bars`
 * gives, adjusted or not, and hours and days that are made of minutes.
 */
export function publishedTopic(parts: ApiParts, topic: string): StreamTopic {
  const live = new PublishedChanges(parts.registry);
  return {
    topic,
    steps: STEPS,
    sinkGroup: RAW_SINK_GROUP,
    followsSink: true,
    liveEvents: async (chunk) => {
      const newest = new Map<string, PublishedChange>();
      for (const change of await live.of(chunk)) takeIn(newest, change, merged);
      return eventsOf(parts, topic, newest.values());
    },
    missedEvents: async ({ partition, from, to }, isWanted) => {
      const missed = new PublishedChanges(parts.registry);
      const offsets = { from: Math.floor(from / STEPS), to: Math.ceil(to / STEPS) };
      const read = (chunk: RecordChunk) => missed.of(chunk);
      const changes = await newestChanges(parts.log, { topic, partition }, offsets, read, isWanted, merged);
      return eventsOf(
        parts,
        topic,
        Array.from(changes).filter(({ next }) => next > from),
      );
    },
  };
}

/** What counts as served is the highest revision, wherever it lies. */
function merged(newer: PublishedChange, older: PublishedChange): PublishedChange {
  return older.revision > newer.revision ? { ...newer, revision: older.revision } : newer;
}

/** Turns records of published bars into changes. */
class PublishedChanges {
  readonly #decoder: TopicDecoder;
  readonly #view: RowView<SourceBar>;

  constructor(registry: SchemaRegistry) {
    const schema = parseRecordSchema(sourceBarSchema);
    this.#decoder = new TopicDecoder(schema, (id) => registry.schemaById(id));
    this.#view = new RowView<SourceBar>(schema);
  }

  /** In the order of their places. */
  async of(chunk: RecordChunk): Promise<PublishedChange[]> {
    const { columns, rows } = await this.#decoder.decode(chunk);
    this.#view.bind(columns);
    return Array.from({ length: columns.length }, (_, row) => {
      const offset = chunk.offsets[rows === null ? row : (rows[row] as number)] as number;
      return changesOf(this.#view.at(row), chunk.partition, offset);
    }).flat();
  }
}

function changesOf(
  { instrument: symbol, interval: own, eventTime, adjusted, revision }: SourceBar,
  partition: number,
  offset: number,
): PublishedChange[] {
  const change = (interval: string, start: number, step: number): PublishedChange => {
    const made = step > 0;
    const bar = `${interval} ${start} ${symbol} ${adjusted} ${made}`;
    const next = offset * STEPS + step + 1;
    return { partition, offset, next, symbol, interval, bar, start, made, adjusted, revision };
  };
  const made = own === '1m' ? MADE : [];
  return [
    change(own, eventTime, 0),
    ...made.map(({ interval, sizeMicros }, i) =>
      change(interval, Math.floor(eventTime / sizeMicros) * sizeMicros, i + 1),
    ),
  ];
}

/** The changes that show in what is served, with what is served. */
async function eventsOf(
  parts: ApiParts,
  topic: string,
  changes: Iterable<PublishedChange>,
): Promise<readonly BarEvent[]> {
  const byKind = new Map<string, PublishedChange[]>();
  for (const change of changes) {
    const kind = `${change.interval} ${change.made}`;
    const others = byKind.get(kind);
    if (others === undefined) byKind.set(kind, [change]);
    else others.push(change);
  }
  const events: BarEvent[] = [];
  for (const all of byKind.values()) {
    for (let from = 0; from < all.length; from += BARS_AT_ONCE) {
      events.push(...(await servedOf(parts, topic, all.slice(from, from + BARS_AT_ONCE))));
    }
  }
  return events.sort((one, other) => one.next - other.next);
}

/** @param changes of one interval, all made or none */
async function servedOf(
  { clickhouse, config }: ApiParts,
  topic: string,
  changes: readonly PublishedChange[],
): Promise<BarEvent[]> {
  const [first] = changes;
  if (first === undefined) return [];
  const { interval, made } = first;
  const names = { topology: TOPOLOGY, output: OUTPUT, interval, made };
  const bars = await servedPublishedBars({ clickhouse, ...names, bars: changes, settings: queryBounds(config) });
  const served = new Map(bars.map((bar) => [`${bar.start} ${bar.symbol}`, bar]));
  return changes.flatMap((change) => {
    const bar = served.get(`${change.start} ${change.symbol}`);
    return bar === undefined || !isBy(bar, change) ? [] : [eventOf(topic, change, bar)];
  });
}

/** Whether a bar as it is served now is so by this change: a later one has an event of its own. */
function isBy(bar: PublishedBar, { made, adjusted, revision }: PublishedChange): boolean {
  return bar.adjusted === adjusted && (made || bar.revision <= revision);
}

function eventOf(topic: string, change: PublishedChange, { row, provisional }: PublishedBar): BarEvent {
  const { partition, offset, next, symbol, interval, bar } = change;
  const place = [topic, String(partition), String(offset), interval];
  const data = jsonOf([...place, ...row, String(!provisional), 'false']);
  return { partition, offset, next, symbol, interval, bar, data };
}
