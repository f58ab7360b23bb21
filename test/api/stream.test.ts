import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ServedApi } from '../../src/api/serve.ts';
import { migrate } from '../../src/sinks/clickhouse/migrate.ts';
import { effort } from '../support/effort.ts';
import { appendBars, type BarRevision, symbolOf } from './bars.ts';
import { openStream, type StreamEvent } from './events.ts';
import { openStores, serve, temporaryData } from './served.ts';

const TIMEOUT_MS = effort(120_000);
const RUNS = effort(25);
const PARTITIONS = 3;

type Append = { readonly partition: number; readonly bars: readonly number[] };

/** What is appended while no reader is there, what while one is, and how many events it takes before it is cut off. */
interface Step {
  readonly before: readonly Append[];
  readonly live: readonly Append[];
  readonly reads: number;
}

const appends: fc.Arbitrary<Append[]> = fc.array(
  fc.record({
    partition: fc.nat({ max: PARTITIONS - 1 }),
    bars: fc.array(fc.nat({ max: 5 }), { minLength: 1, maxLength: 8 }),
  }),
  { maxLength: 3 },
);
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({ before: appends, live: appends, reads: fc.nat({ max: 20 }) }),
  {
    minLength: 1,
    maxLength: 8,
  },
);

describe('the live stream', { timeout: TIMEOUT_MS }, async () => {
  const stores = await openStores(temporaryData());
  const { log, registry, clickhouse } = stores;
  let api: ServedApi;
  beforeAll(async () => {
    await migrate(clickhouse);
    api = await serve(stores, { api: { maxResumeRecords: 200, maxStreams: 5 } });
  });
  afterAll(() => api.close());

  /** A results topic of its own for a case: one of a generation that is then served. */
  let generation = 1;
  async function newGeneration(): Promise<Results> {
    generation++;
    const topic = `bars__g${generation}`;
    await log.createTopic(topic, { partitions: PARTITIONS, retentionMs: -1 });
    await clickhouse.command(
      `INSERT INTO served (topology, generation, version) VALUES ('bars', ${generation}, ${generation})`,
    );
    const writer = await log.openWriter(`test-${generation}`);
    const written: Written[] = [];
    const revisions = new Map<string, number>();
    return {
      topic,
      written,
      async append(partition, bars) {
        const rows: BarRevision[] = bars.map((bar) => {
          // A key lies in one partition: so do all revisions of a bar.
          const key = bar * PARTITIONS + partition;
          const revision = revisions.get(`${key}`) ?? 0;
          revisions.set(`${key}`, revision + 1);
          return { bar: key, revision };
        });
        const offset = written.filter((own) => own.partition === partition).length;
        await appendBars(writer, registry, { topic, partition }, rows);
        written.push(...rows.map((row, i) => ({ ...row, partition, offset: offset + i })));
      },
    };
  }

  it('loses nothing and doubles nothing, wherever it is cut, and tells a bar revised meanwhile once', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (plan) => {
        const results = await newGeneration();
        const seen: StreamEvent[] = [];
        let id: string | undefined;
        for (const { before, live, reads } of [...plan, { before: [], live: [], reads: Number.POSITIVE_INFINITY }]) {
          for (const { partition, bars } of before) await results.append(partition, bars);
          const missed = newestAfter(results.written, seen);
          const stale = results.written.map(textOf).filter((place) => !missed.includes(place));
          const stream = await openStream(`${api.url}/v1/stream`, id);
          const start = await stream.next();
          expect(start?.event).toBe('start');
          id = start?.id;
          for (const { partition, bars } of live) await results.append(partition, bars);
          for (let read = 0; read < reads && !isUpToDate(results.written, seen); read++) {
            const event = (await stream.next()) as StreamEvent;
            expect(event.event).toBe('bar');
            // Of a bar that was revised meanwhile, no revision but the newest comes.
            expect(stale).not.toContain(placeOf(event));
            seen.push(event);
            id = event.id;
          }
          stream.close();
        }
        const places = seen.map(placeOf);
        expect(new Set(places).size).toBe(places.length);
        expect(lastRevisions(seen)).toEqual(newestRevisions(results.written));
      }),
      { numRuns: RUNS },
    );
  });

  it('goes on live while records are appended, in the order of each partition', async () => {
    const results = await newGeneration();
    const stream = await openStream(`${api.url}/v1/stream`);
    expect(await stream.next()).toMatchObject({ event: 'start', id: `${generation}:0,0,0`, data: { generation } });
    for (let round = 0; round < 10; round++) await results.append(round % PARTITIONS, [round, round]);
    const seen: StreamEvent[] = [];
    while (seen.length < 20) seen.push((await stream.next()) as StreamEvent);
    stream.close();
    expect(seen.map(placeOf).sort()).toEqual(results.written.map(textOf).sort());
    expect(seen[0]?.data).toMatchObject({ low: 5e-7, volume: 3, interval: '1m', final: true, deleted: false });
  });

  it('may be open before there is anything to read', async () => {
    generation++;
    const place = { topic: `bars__g${generation}`, partition: 2 };
    await clickhouse.command(
      `INSERT INTO served (topology, generation, version) VALUES ('bars', ${generation}, ${generation})`,
    );
    const stream = await openStream(`${api.url}/v1/stream`);
    expect(await stream.next()).toMatchObject({ event: 'start', id: `${generation}:` });
    await log.createTopic(place.topic, { partitions: PARTITIONS, retentionMs: -1 });
    const writer = await log.openWriter('test-early');
    await appendBars(writer, registry, place, [{ bar: 0, revision: 0 }]);
    expect(await stream.next()).toMatchObject({ event: 'bar', id: `${generation}:0,0,1` });
    stream.close();
  });

  it('gives one symbol only, where it is asked for one', async () => {
    const results = await newGeneration();
    const stream = await openStream(`${api.url}/v1/stream?symbol=${symbolOf(1)}&interval=60s`);
    await stream.next();
    await results.append(0, [0, 1, 2]);
    await results.append(1, [0, 1, 2]);
    const seen = [await stream.next(), await stream.next()];
    stream.close();
    const wanted = results.written.filter(({ bar }) => symbolOf(bar) === symbolOf(1));
    expect(wanted.length).toBeGreaterThanOrEqual(2);
    for (const event of seen) expect(event?.data.symbol).toBe(symbolOf(1));
  });

  it('begins where ClickHouse has come to, so that what is not in /v1/bars yet is in the stream', async () => {
    const results = await newGeneration();
    await results.append(0, [0, 1, 2, 3]);
    const sink = await log.openWriter('test-sink');
    const positions = [{ topic: results.topic, partition: 0, offset: 2, metadata: '' }];
    await sink.commit({ appends: [], positions: [{ group: `sink.${results.topic}`, positions }] });
    await sink.close();
    const stream = await openStream(`${api.url}/v1/stream`);
    await stream.next();
    expect([placeOf((await stream.next()) as StreamEvent), placeOf((await stream.next()) as StreamEvent)]).toEqual([
      '0/2',
      '0/3',
    ]);
    stream.close();
  });

  it.each([
    ['of another generation', (own: number) => `${own - 1}:0,0,0`, 'generation'],
    ['beyond the end', (own: number) => `${own}:9,0,0`, 'unknown'],
    ['of more partitions than there are', (own: number) => `${own}:0,0,0,0`, 'unknown'],
    ['too far behind', (own: number) => `${own}:0,0,0`, 'behind'],
    ['whose records are gone', (own: number) => `${own}:0,250,0`, 'expired'],
  ])('is reset for an id %s, and goes on', async (_, idOf, reason) => {
    const results = await newGeneration();
    const bars = Array.from({ length: 300 }, (_bar, i) => i);
    if (reason === 'behind' || reason === 'expired') await results.append(1, bars);
    if (reason === 'expired') await log.deleteRecords({ topic: results.topic, partition: 1 }, 290);
    const stream = await openStream(`${api.url}/v1/stream`, idOf(generation));
    expect(await stream.next()).toMatchObject({ event: 'reset', data: { generation, reason } });
    await results.append(2, [7]);
    for (let event = await stream.next(); event?.data.partition !== 2; event = await stream.next()) {
      expect(event?.event).toBe('bar');
    }
    stream.close();
  });

  it('ends when another generation is served, and the next one is told to start over', async () => {
    await newGeneration();
    const stream = await openStream(`${api.url}/v1/stream`);
    const start = await stream.next();
    await newGeneration();
    expect(await stream.next()).toMatchObject({ event: 'end', data: { reason: 'generation' } });
    expect(await stream.next()).toBeNull();
    const next = await openStream(`${api.url}/v1/stream`, start?.id);
    expect(await next.next()).toMatchObject({ event: 'reset', data: { generation, reason: 'generation' } });
    next.close();
  });

  it('is refused with a problem when as many are open as may be', async () => {
    const streams = await Promise.all(Array.from({ length: 5 }, () => openStream(`${api.url}/v1/stream`)));
    const refused = await fetch(`${api.url}/v1/stream`);
    expect(refused.status).toBe(503);
    expect(await refused.json()).toMatchObject({ code: 'TM_API_STREAMS' });
    for (const stream of streams) stream.close();
    await expect.poll(async () => (await openAndClose(`${api.url}/v1/stream`)).status, { timeout: 10_000 }).toBe(200);
  });

  it('drops a reader who falls too far behind, and says why', async () => {
    const results = await newGeneration();
    const own = await serve(stores, { api: { maxStreamEvents: 20 } });
    const stream = await openStream(`${own.url}/v1/stream`);
    await stream.next();
    stream.pause();
    const bars = Array.from({ length: 1_000 }, (_, i) => i);
    // More than the sockets between hold, so that the reader is the one who waits.
    for (let round = 0; round < 20; round++) await results.append(0, bars);
    stream.resume();
    let last: StreamEvent | null = null;
    for (let event = await stream.next(); event !== null; event = await stream.next()) last = event;
    expect(last).toMatchObject({ event: 'end', data: { reason: 'slow' } });
    await own.close();
  });
});

interface Written extends BarRevision {
  readonly partition: number;
  readonly offset: number;
}

interface Results {
  readonly topic: string;
  readonly written: Written[];
  append(partition: number, bars: readonly number[]): Promise<void>;
}

async function openAndClose(url: string): Promise<{ readonly status: number }> {
  const stream = await openStream(url);
  stream.close();
  return stream;
}

function placeOf({ data }: StreamEvent): string {
  return `${data.partition}/${data.offset}`;
}

function textOf({ partition, offset }: Written): string {
  return `${partition}/${offset}`;
}

/** Whether the newest revision of every bar has been seen. */
function isUpToDate(written: readonly Written[], seen: readonly StreamEvent[]): boolean {
  const places = new Set(seen.map(placeOf));
  return newestAfter(written, []).every((place) => places.has(place));
}

/** Places of the newest revision of each bar, among the records after the last that was seen in each partition. */
function newestAfter(written: readonly Written[], seen: readonly StreamEvent[]): string[] {
  const newest = new Map<number, string>();
  for (const { bar, partition, offset, revision } of written) {
    const isNew = seen.every(({ data }) => data.partition !== partition || data.offset < offset);
    if (isNew) newest.set(bar, textOf({ bar, partition, offset, revision }));
  }
  return [...newest.values()];
}

function newestRevisions(written: readonly Written[]): Map<number, number> {
  return new Map(written.map(({ bar, revision }) => [bar, revision]));
}

/** By bar, the revision seen last; a revision never goes back. */
function lastRevisions(seen: readonly StreamEvent[]): Map<number, number> {
  const last = new Map<number, number>();
  for (const { data } of seen) {
    const bar = (Date.parse(data.start) - 1_723_123_200_000) / 60_000;
    expect(data.revision).toBeGreaterThan(last.get(bar) ?? -1);
    last.set(bar, data.revision);
  }
  return last;
}
