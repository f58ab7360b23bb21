import { generationTopic } from '../../core/output.ts';
import type { PartitionRange } from '../../log/log.ts';
import { resultsSinkGroup } from '../../runtime/sinks.ts';
import { type ApiParts, TOPOLOGY } from '../parts.ts';
import type { BarEvent } from './barEvents.ts';
import { type Feeds, generationOf, resultRanges } from './feed.ts';
import { missedEvents } from './missed.ts';
import { eventId, type ResetReason, resetReason, type StreamPlace } from './place.ts';

/** A quiet stream says so often that it is alive, so that proxies and readers do not give it up. */
const HEARTBEAT_MS = 10_000;

export interface StreamRequest {
  /** The place that the reader has come to; null for one that begins. */
  readonly place: StreamPlace | null;
  readonly isWanted: (event: BarEvent) => boolean;
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
  const ranges = await resultRanges(parts, generation);
  const reset = request.place === null ? null : resetReason(request.place, { generation, ranges }, maxResume(parts));
  const offsets = await startOf(parts, reset === null ? request.place : null, generation, ranges);
  const place = { generation, offsets };
  yield opening(place, reset);
  const { subscription, offsets: liveFrom } = feeds.feedOf(generation, ranges).subscribe(request.isWanted);
  const leave = (): void => subscription.end('gone');
  request.gone.addEventListener('abort', leave);
  try {
    for (const [partition, to] of liveFrom.entries()) yield* missed(parts, place, partition, to, request.isWanted);
    while (subscription.reason === null || subscription.hasMore) {
      const events = await subscription.take(HEARTBEAT_MS);
      if (events.length === 0 && subscription.reason === null) yield `: alive\n\n`;
      for (const event of events) {
        // A reader may have come further than the feed had when it subscribed.
        if (event.offset < (offsets[event.partition] ?? 0)) continue;
        offsets[event.partition] = event.offset + 1;
        yield barText(event, place);
      }
    }
    yield `event: end\ndata: ${JSON.stringify({ reason: subscription.reason })}\n\n`;
  } finally {
    request.gone.removeEventListener('abort', leave);
    subscription.close();
  }
}

function maxResume({ config }: ApiParts): number {
  return config.maxResumeRecords;
}

function opening(place: StreamPlace, reset: ResetReason | null): string {
  const { generation } = place;
  const [event, data] = reset === null ? ['start', { generation }] : ['reset', { generation, reason: reset }];
  return `event: ${event}\nid: ${eventId(place)}\ndata: ${JSON.stringify(data)}\n\n`;
}

function barText(event: BarEvent, place: StreamPlace): string {
  return `event: bar\nid: ${eventId(place)}\ndata: ${event.data}\n\n`;
}

/** Where a stream begins: the reader's place, or what ClickHouse has stored. */
async function startOf(
  { log }: ApiParts,
  place: StreamPlace | null,
  generation: number,
  ranges: readonly PartitionRange[],
): Promise<number[]> {
  if (place !== null) return ranges.map(({ partition, begin }) => place.offsets[partition] ?? begin);
  // The committed positions of its sink say what ClickHouse holds.
  const stored = await log.committed(resultsSinkGroup(generationTopic(TOPOLOGY, generation)));
  return ranges.map(({ topic, partition, begin }) => {
    const own = stored.find((position) => position.topic === topic && position.partition === partition);
    return Math.max(begin, own?.offset ?? begin);
  });
}

/** What a partition holds from the place up to `to`; the place moves along. In parts, so that no more is held than may be. */
async function* missed(
  parts: ApiParts,
  place: { readonly generation: number; readonly offsets: number[] },
  partition: number,
  to: number,
  isWanted: StreamRequest['isWanted'],
): AsyncIterable<string> {
  const { generation, offsets } = place;
  for (let from = offsets[partition] ?? 0; from < to; ) {
    const end = Math.min(to, from + maxResume(parts));
    for (const event of await missedEvents(parts, { generation, partition, from, to: end }, isWanted)) {
      offsets[partition] = event.offset + 1;
      yield barText(event, place);
    }
    offsets[partition] = end;
    from = end;
  }
}
