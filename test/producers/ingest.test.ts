import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Log, TransactionalWriter } from '../../src/log/log.ts';
import { readBody } from '../../src/producers/ingest/body.ts';
import { Ingest, type IngestOptions } from '../../src/producers/ingest/ingest.ts';
import { type Bench, NOW_MS, openBench } from './support.ts';

const KEEP_MS = 60_000;
const BOUNDS = { maxRows: 1_000, maxBytes: 1_000_000 };

describe('ingest', () => {
  let bench: Bench;
  let nowMs: number;
  const opened: Ingest[] = [];

  beforeEach(async () => {
    bench = await openBench();
    nowMs = NOW_MS;
  });

  afterEach(async () => {
    for (const ingest of opened.splice(0)) await ingest.close();
    await bench.close();
  });

  /** Another process, as far as the log can tell. */
  function open(options: Partial<IngestOptions> = {}): Ingest {
    const ingest = new Ingest({
      ...{ log: bench.log, registry: bench.registry, partitions: 4, retentionMs: -1, maxAheadMs: 3_600_000 },
      ...{ keyFields: new Map([['ticks', 'instrument']]), maxRequests: 100, maxKeys: 100, keepKeysMs: KEEP_MS },
      now: () => nowMs,
      ...options,
    });
    opened.push(ingest);
    return ingest;
  }

  async function send(ingest: Ingest, key: string, body: readonly unknown[] = [row(key)]) {
    const topic = await ingest.topic('ticks');
    const text = JSON.stringify(body);
    const { columns, errors } = readBody('json', Buffer.from(text), topic.schema, BOUNDS);
    return ingest.write({ topic, key, digest: text, columns, rejected: errors.length });
  }

  const row = (instrument: string) => ({ instrument, eventTime: NOW_MS * 1_000, price: 1, size: 1 });
  const written = async () => (await bench.records('ticks')).map(({ instrument }) => instrument).sort();

  it('writes a request once, however often it comes, also at once and in another process', async () => {
    const ingest = open();
    expect(await send(ingest, 'a', [row('a'), {}])).toEqual({ accepted: 1, rejected: 1, isRepeat: false });
    const repeat = { accepted: 1, rejected: 1, isRepeat: true };
    expect(await send(ingest, 'a', [row('a'), {}])).toEqual(repeat);
    expect(await send(open(), 'a', [row('a'), {}])).toEqual(repeat);
    expect(await send(ingest, 'a', [row('a'), {}])).toEqual(repeat);
    const both = await Promise.all([send(ingest, 'b'), send(ingest, 'b')]);
    expect(both.map(({ isRepeat }) => isRepeat)).toEqual([false, true]);
    expect(await written()).toEqual(['a', 'b']);
  });

  it('writes what many processes are sent in turn, and each request once', async () => {
    const processes = [open(), open(), open()];
    const keys = Array.from({ length: 12 }, (_, i) => `k${String(i).padStart(2, '0')}`);
    for (const key of keys) {
      const outcomes = await Promise.all(processes.map((ingest) => send(ingest, key)));
      expect(outcomes.filter(({ isRepeat }) => !isRepeat)).toHaveLength(1);
    }
    expect(await written()).toEqual(keys);
  });

  it('refuses a key that came with something else, and goes on', async () => {
    const ingest = open();
    await send(ingest, 'a');
    const outcomes = await Promise.allSettled([
      send(ingest, 'a', [row('x')]),
      send(ingest, 'c'),
      send(ingest, 'c', []),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'rejected']);
    expect(outcomes[0]).toMatchObject({ reason: { code: 'TM_INGEST_KEY_REUSED' } });
    expect(await written()).toEqual(['a', 'c']);
  });

  it('writes requests that wait in one transaction', async () => {
    let commits = 0;
    const log = watched(bench.log, async (commit) => {
      commits++;
      return commit();
    });
    const ingest = open({ log });
    await send(ingest, 'first');
    commits = 0;
    await Promise.all(Array.from({ length: 50 }, (_, i) => send(ingest, `k${i}`)));
    expect(commits).toBeLessThanOrEqual(2);
    expect(await written()).toHaveLength(51);
  });

  it('says that it is busy before more wait than the bound', async () => {
    const ingest = open({ maxRequests: 2 });
    await send(ingest, 'first');
    const outcomes = await Promise.allSettled(Array.from({ length: 10 }, (_, i) => send(ingest, `k${i}`)));
    const refused = outcomes.filter(({ status }) => status === 'rejected');
    expect(refused.length).toBeGreaterThan(0);
    for (const outcome of refused) expect(outcome).toMatchObject({ reason: { code: 'TM_INGEST_BUSY' } });
    expect(await written()).toHaveLength(1 + outcomes.length - refused.length);
  });

  it.each([
    ['before it was committed', false],
    ['after it was committed', true],
  ])('knows after a failure %s whether the rows are there', async (_, isCommitted) => {
    let fails = false;
    const log = watched(bench.log, async (commit) => {
      if (!fails) return commit();
      fails = false;
      if (isCommitted) await commit();
      throw new Error('the connection is lost');
    });
    const ingest = open({ log });
    await send(ingest, 'a');
    fails = true;
    await expect(send(ingest, 'b')).rejects.toThrow('the connection is lost');
    expect(await send(ingest, 'b')).toMatchObject({ accepted: 1, isRepeat: isCommitted });
    expect(await written()).toEqual(['a', 'b']);
  });

  it('knows keys for as long as it says, and as many', async () => {
    const ingest = open({ maxKeys: 2 });
    for (const key of ['a', 'b', 'c']) await send(ingest, key);
    const isKnown = async (from: Ingest, key: string) => (await send(from, key)).isRepeat;
    expect(await isKnown(ingest, 'b')).toBe(true);
    expect(await isKnown(open({ maxKeys: 2 }), 'c')).toBe(true);
    expect(await isKnown(open({ maxKeys: 2 }), 'a')).toBe(false);
    nowMs += KEEP_MS + 1;
    expect(await isKnown(open(), 'c')).toBe(false);
    // Nor by one that had it in memory.
    const other = open();
    await send(other, 'd');
    nowMs += KEEP_MS + 1;
    expect(await isKnown(other, 'd')).toBe(false);
  });

  it('keeps the newest event times of a topic, so that producers know history', async () => {
    const ingest = open();
    await Promise.all([send(ingest, 'x', [row('x')]), send(ingest, 'y', [{ ...row('x'), eventTime: 1e15 }])]);
    const positions = await bench.log.committed('topic.ticks.eventtime');
    expect(positions.map(({ metadata }) => JSON.parse(metadata))).toEqual([{ maxEventTimeMicros: NOW_MS * 1_000 }]);
  });
});

type Commit = () => ReturnType<TransactionalWriter['commit']>;

/** The log with commits that a test has a hand in. */
function watched(log: Log, onCommit: (commit: Commit) => ReturnType<Commit>): Log {
  return new Proxy(log, {
    get(target, name) {
      if (name !== 'openWriter') {
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? value.bind(target) : value;
      }
      return async (id: string): Promise<TransactionalWriter> => {
        const writer = await target.openWriter(id);
        return {
          commit: (transaction) => onCommit(() => writer.commit(transaction)),
          close: () => writer.close(),
        };
      };
    },
  });
}
