import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ServedApi } from '../../src/api/serve.ts';
import { migrate } from '../../src/sinks/clickhouse/migrate.ts';
import { createOutput, serveGeneration } from '../../src/sinks/clickhouse/outputTables.ts';
import { barsSpec, insertRows } from '../sinks/clickhouse/support.ts';
import { effort } from '../support/effort.ts';
import { type OpenStream, openStream, type StreamEvent } from './events.ts';
import { MINUTE, minuteBar, NOON, type Place, PUBLISHED_TOPICS, type Published, Publisher } from './published.ts';
import { openStores, serve, temporaryData } from './served.ts';

const TIMEOUT_MS = effort(240_000);
const RUNS = effort(4);
const SPEC = barsSpec();

interface Step {
  /** Whether ClickHouse has them before a reader comes. */
  readonly isStoredBefore: boolean;
  readonly bars: readonly { readonly place: number; readonly minute: number }[];
  readonly reads: number;
}

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    isStoredBefore: fc.boolean(),
    bars: fc.array(fc.record({ place: fc.nat({ max: 3 }), minute: fc.nat({ max: 130 }) }), { maxLength: 6 }),
    reads: fc.nat({ max: 8 }),
  }),
  { minLength: 1, maxLength: 4 },
);

describe('published bars in the live stream', { timeout: TIMEOUT_MS }, async () => {
  const stores = await openStores(temporaryData());
  let api: ServedApi;
  let publisher: Publisher;
  const streams: OpenStream[] = [];

  beforeAll(async () => {
    await migrate(stores.clickhouse);
    publisher = await Publisher.open(stores);
    api = await serve(stores, { api: { maxResumeRecords: 200 } });
  });
  afterAll(async () => {
    for (const stream of streams) stream.close();
    await api.close();
  });

  /** A stream whose `start` has come, with that event's id. */
  async function open(query: string, lastEventId?: string): Promise<OpenStream & { readonly id: string }> {
    const stream = await openStream(`${api.url}/v1/stream?${query}`, lastEventId);
    streams.push(stream);
    const start = await stream.next();
    expect(start?.event).toBe('start');
    return { ...stream, id: start?.id ?? '' };
  }

  async function served(symbol: string, interval: string): Promise<Record<string, unknown>[]> {
    const query = new URLSearchParams({ symbol, interval });
    return (await (await fetch(`${api.url}/v1/bars?${query}`)).json()) as Record<string, unknown>[];
  }

  async function publishAndStore(rows: readonly Published[], place?: Place): Promise<void> {
    await publisher.publish(rows, place);
    await publisher.store();
  }

  it('come once they are stored, as they are served, with the hour and the day that are made of them', async () => {
    const stream = await open('symbol=v:A');
    await publishAndStore([minuteBar('v:A', 0)]);
    const events = [await stream.next(), await stream.next(), await stream.next()];
    for (const [index, interval] of ['1m', '1h', '1d'].entries()) {
      const [bar] = await served('v:A', interval);
      const place = { topic: 'source_bars', partition: 0, interval, final: true, deleted: false };
      expect(events[index]?.data).toEqual({ ...bar, ...place, offset: expect.any(Number) });
    }
    await publishAndStore([minuteBar('v:A', 0, { high: 20, revision: 1, provisional: true })]);
    expect((await stream.next())?.data).toMatchObject({ interval: '1m', high: 20, revision: 1, final: false });
    expect((await stream.next())?.data).toMatchObject({ interval: '1h', high: 20, revision: 1, count: 1 });
    expect((await stream.next())?.data).toMatchObject({ interval: '1d', high: 20, revision: 1 });
  });

  it('come of one symbol and interval only, where they are asked for', async () => {
    const stream = await open('symbol=v:F&interval=60m');
    await publishAndStore([minuteBar('v:E', 0), minuteBar('v:F', 1)]);
    await publishAndStore([minuteBar('v:F', 61)]);
    expect((await stream.next())?.data).toMatchObject({ symbol: 'v:F', interval: '1h', count: 1 });
    expect((await stream.next())?.data).toMatchObject({ start: '2024-08-09T13:00:00.000Z' });
  });

  it('miss nothing and come once, wherever a reader is cut off, and end as they are served', async () => {
    let run = 0;
    await fc.assert(
      fc.asyncProperty(steps, async (plan) => {
        const symbol = `v:P${run++}`;
        const revisions = new Map<number, number>();
        const seen: StreamEvent[] = [];
        const first = await open(`symbol=${symbol}`);
        first.close();
        let { id } = first;
        const last = { isStoredBefore: true, bars: [{ place: 0, minute: 131 }], reads: Number.POSITIVE_INFINITY };
        for (const { isStoredBefore, bars, reads } of [...plan, last]) {
          for (const { place, minute } of bars) {
            const revision = (revisions.get(minute) ?? -1) + 1;
            revisions.set(minute, revision);
            await publisher.publish([minuteBar(symbol, minute, { revision, close: revision })], placeOf(place));
          }
          if (isStoredBefore) await publisher.store();
          const stream = await open(`symbol=${symbol}`, id);
          await publisher.store();
          const target = newest(await Promise.all(['1m', '1h', '1d'].map((interval) => served(symbol, interval))));
          for (let read = 0; read < reads && !isSame(newestSeen(seen), target); read++) {
            const event = await stream.next();
            expect(event?.event).toBe('bar');
            if (event !== null) seen.push(event);
            id = event?.id ?? id;
          }
          stream.close();
        }
        const places = seen.map(({ data }) => `${data.topic} ${data.partition} ${data.offset} ${data.interval}`);
        expect(new Set(places).size).toBe(places.length);
      }),
      { numRuns: RUNS },
    );
  });

  it('that ClickHouse has yet to store wait for it', async () => {
    await publisher.publish([minuteBar('v:W', 0)]);
    const stream = await open('symbol=v:W&interval=1m');
    await publishAndStore([minuteBar('v:W', 1)]);
    expect((await stream.next())?.data.start).toBe('2024-08-09T12:00:00.000Z');
    expect((await stream.next())?.data.start).toBe('2024-08-09T12:01:00.000Z');
  });

  it('come no more where they are adjusted and unadjusted ones have come', async () => {
    const adjusted = { adjusted: true, close: 5 };
    const stream = await open('symbol=v:J&interval=1m');
    await publishAndStore([minuteBar('v:J', 0, adjusted)]);
    expect((await stream.next())?.data).toMatchObject({ close: 5 });
    await publishAndStore([minuteBar('v:J', 0), minuteBar('v:J', 1, adjusted), minuteBar('v:J', 2)]);
    expect((await stream.next())?.data).toMatchObject({ close: 11, start: '2024-08-09T12:00:00.000Z' });
    expect((await stream.next())?.data).toMatchObject({ close: 11, start: '2024-08-09T12:02:00.000Z' });
  });

  it.each([
    ['beyond the end', '1:;9999999', 'unknown'],
    ['of more partitions than there are', '1:;0,0,0,0', 'unknown'],
    ['too far behind', '1:;0', 'behind'],
  ])('are reset for an id %s', async (_, id, reason) => {
    const many = Array.from({ length: 250 }, (_row, minute) => minuteBar('v:R', minute));
    if (reason === 'behind') await publishAndStore(many);
    const stream = await openStream(`${api.url}/v1/stream`, id);
    streams.push(stream);
    expect(await stream.next()).toMatchObject({ event: 'reset', data: { reason } });
    await publishAndStore([minuteBar('v:R', 500)]);
    expect((await stream.next())?.data).toMatchObject({ symbol: 'v:R', start: '2024-08-09T20:20:00.000Z' });
  });

  it("and in the latest bars give way to the topology's", async () => {
    const target = await createOutput(stores.clickhouse, SPEC);
    await serveGeneration(stores.clickhouse, [SPEC], 0);
    const own = {
      ...{ instrument: 'v:T', interval: '1m', start: NOON, end: NOON + MINUTE, revision: 3, final: true },
      ...{ deleted: false, open: 1, high: 1, low: 1, close: 1, count: 7, vwap: 1, volume: 1n, notional: 1n },
    };
    await insertRows(stores.clickhouse, target, SPEC.schema, [own]);
    const latest = async (query: string): Promise<readonly Record<string, unknown>[]> => {
      const answer = await fetch(`${api.url}/v1/latest?${query}`);
      return ((await answer.json()) as { bars: Record<string, unknown>[] }).bars;
    };
    const stream = await open('symbol=v:T&interval=1m');
    await publishAndStore([minuteBar('v:T', 0)]);
    expect(await latest('symbol=v:T&interval=1m')).toMatchObject([{ count: 7, revision: 3, vwap: 1 }]);
    await publishAndStore([minuteBar('v:T', 1)]);
    expect((await stream.next())?.data.start).toBe('2024-08-09T12:01:00.000Z');
    const all = await latest('symbol=v:T');
    expect(all.map(({ interval, start, count }) => `${interval} ${start} ${count}`)).toEqual([
      '1d 2024-08-09T00:00:00.000Z 2',
      '1h 2024-08-09T12:00:00.000Z 2',
      '1m 2024-08-09T12:01:00.000Z 1',
    ]);
    expect(all[2]).toEqual({ interval: '1m', ...(await served('v:T', '1m')).at(-1) });
    expect((await latest('interval=1h')).map(({ symbol }) => symbol)).toContain('v:F');
  });
});

function placeOf(place: number): Place {
  return { topic: PUBLISHED_TOPICS[place % 2] ?? 'source_bars', partition: place >> 1 };
}

/** By bar, what it is. */
function newest(bars: readonly (readonly Record<string, unknown>[])[]): Map<string, string> {
  return new Map(bars.flat().map((bar) => [`${bar.start} ${bar.end}`, contentOf(bar)]));
}

function newestSeen(seen: readonly StreamEvent[]): Map<string, string> {
  return new Map(seen.map(({ data }) => [`${data.start} ${data.end}`, contentOf(data)]));
}

function contentOf({ close, volume, count, revision }: Readonly<Record<string, unknown>>): string {
  return [close, volume, count, revision].join(' ');
}

function isSame(one: ReadonlyMap<string, string>, other: ReadonlyMap<string, string>): boolean {
  return one.size === other.size && Array.from(one).every(([bar, content]) => other.get(bar) === content);
}
