import { rangesIfAny } from '../../log/rangesIfAny.ts';
import type { ApiParts } from '../parts.ts';
import { type Feeds, generationOf, streamTopics } from './feed.ts';
import { eventId, type Places, type ResetReason, resetReason, type StreamPlace } from './place.ts';
import { type BarEvent, type IsWanted, type StreamTopic, storedOffsets } from './streamTopic.ts';

/** A quiet stream says so often that it is alive, so that proxies and readers do not give it up. */
const HEARTBEAT_MS = 10_000;

export interface StreamRequest {
  /** The place that the reader has come to; null for one that begins. */
  readonly place: StreamPlace | null;
  readonly isWanted: IsWanted;
  /** Aborted when the reader has gone. */
  readonly gone: AbortSignal;
}

/**
 * A live stream of bars as text of Server-Sent Events (https://html.spec.whatwg.org/multipage/server-sent-events.html).
 *
 * It begins with `start`, or with `reset` when the reader's place cannot be resumed; then it goes on from where ClickHouse
 * has come to: what lies before that is in `/v1/bars`, what lies after it comes as `bar`. Each id is the place after the
 * event, so that whoever resumes from it misses nothing and sees nothing twice. `end` says why it ends from this side.
 */
export async function* barStream(parts: ApiParts, feeds: Feeds, request: StreamRequest): AsyncIterable<string> {
  const generation = await generationOf(parts);
  const topics = await Promise.all(streamTopics(parts, generation).map((topic) => heldOf(parts, topic)));
  const reset =
    request.place === null ? null : resetReason(request.place, { generation, topics }, parts.config.maxResumeRecords);
  const from = reset === null ? request.place : null;
  const place = {
    generation,
    topics: topics.map((held, index) => startOf(held, from === null ? null : (from.topics[index] ?? []))),
  };
  yield opening(place, reset);
  const { subscription, places: liveFrom } = feeds
    .feedOf(generation, topics.map(feedStart))
    .subscribe(request.isWanted);
  const leave = (): void => subscription.end('gone');
  request.gone.addEventListener('abort', leave);
  try {
    for (const [index, held] of topics.entries()) {
      for (const [partition, to] of (liveFrom[index] ?? []).entries()) {
        yield* missed(parts, held.topic, { place, index, partition, to }, request.isWanted);
      }
    }
    const indexes = new Map(topics.map(({ topic }, index) => [topic.topic, index]));
    while (subscription.reason === null || subscription.hasMore) {
      const events = await subscription.take(HEARTBEAT_MS);
      if (events.length === 0 && subscription.reason === null) yield `: alive\n\n`;
      for (const { topic, event } of events) {
        const places = place.topics[indexes.get(topic) ?? 0] ?? [];
        // A reader may have come further than the feed had when it subscribed.
        if (event.next <= (places[event.partition] ?? 0)) continue;
        places[event.partition] = event.next;
        yield barText(event, place);
      }
    }
    yield `event: end\ndata: ${JSON.stringify({ reason: subscription.reason })}\n\n`;
  } finally {
    request.gone.removeEventListener('abort', leave);
    subscription.close();
  }
}

/** What a topic holds now, and how far ClickHouse has come in it. */
async function heldOf({ log }: ApiParts, topic: StreamTopic) {
  const ranges = await rangesIfAny(log, topic.topic);
  return { topic, steps: topic.steps, ranges, stored: await storedOffsets(log, topic, ranges) };
}

type Held = Awaited<ReturnType<typeof heldOf>>;

/** What comes live begins at the log's end, or where ClickHouse has come to. */
function feedStart({ topic, ranges, stored }: Held) {
  return { topic, offsets: topic.followsSink ? stored : ranges.map(({ end }) => end) };
}

function opening(place: StreamPlace, reset: ResetReason | null): string {
  const { generation } = place;
  const [event, data] = reset === null ? ['start', { generation }] : ['reset', { generation, reason: reset }];
  return `event: ${event}\nid: ${eventId(place)}\ndata: ${JSON.stringify(data)}\n\n`;
}

function barText(event: BarEvent, place: StreamPlace): string {
  return `event: bar\nid: ${eventId(place)}\ndata: ${event.data}\n\n`;
}

/** Where a stream begins in a topic: the reader's place, or what ClickHouse has stored. */
function startOf({ steps, ranges, stored }: Held, places: Places | null): number[] {
  if (places === null) return stored.map((offset) => offset * steps);
  return ranges.map(({ partition, begin }) => places[partition] ?? begin * steps);
}

interface Missed {
  readonly place: { readonly generation: number; readonly topics: readonly number[][] };
  /** Of the topic. */
  readonly index: number;
  readonly partition: number;
  readonly to: number;
}

/** What a partition holds from the place up to `to`; the place moves along. In parts, so that no more is held than may be. */
async function* missed(
  { config }: ApiParts,
  topic: StreamTopic,
  { place, index, partition, to }: Missed,
  isWanted: IsWanted,
): AsyncIterable<string> {
  const places = place.topics[index] ?? [];
  for (let from = places[partition] ?? 0; from < to; ) {
    const end = Math.min(to, from + config.maxResumeRecords * topic.steps);
    for (const event of await topic.missedEvents({ partition, from, to: end }, isWanted)) {
      places[partition] = event.next;
      yield barText(event, place);
    }
    places[partition] = end;
    from = end;
  }
}
