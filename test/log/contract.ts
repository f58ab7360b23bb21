import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Log, LogReader, TopicPartition, Transaction, TransactionalWriter } from '../../src/log/log.ts';
import { numbered, type ReadRecord, readToEnd, recordBytes, recordsOf, type TestRecord, WIDE } from './records.ts';

/** Longer than any adapter takes to show what was committed; a wait ends as soon as it is there. */
const PATIENCE_MS = 10_000;
/** How long a read of a partition at its end waits before the test takes the end for certain. */
const AT_END_MS = 100;
/** Another broker's clock, and its steps, decide when append times differ. */
const MAX_COMMITS_TO_NEXT_TIME = 10_000;

/** Holds an adapter to the log port. `open` gives a log that may hold other topics. */
export function logContract(name: string, open: () => Promise<{ log: Log; close: () => Promise<void> }>): void {
  describe(`${name} keeps the log's contract`, () => {
    let log: Log;
    let close: () => Promise<void>;
    let topic: string;

    beforeEach(async () => {
      ({ log, close } = await open());
      topic = `contract-${randomUUID()}`;
      await log.createTopic(topic, { partitions: 3, retentionMs: -1 });
    });

    afterEach(async () => {
      await close();
    });

    const at = (partition: number, offset = 0) => ({ topic, partition, offset });
    const append = (partition: number, records: readonly TestRecord[]) => ({
      topic,
      partition,
      records: recordBytes(records),
    });
    const commit = async (writer: TransactionalWriter, partition: number, records: readonly TestRecord[]) =>
      writer.commit({ appends: [append(partition, records)], positions: [] });
    const openWriter = () => log.openWriter(`writer-${randomUUID()}`);
    const readFrom = async (start: readonly (TopicPartition & { offset: number })[]) => {
      const reader = await log.openReader(start);
      const records = await readToEnd(reader, WIDE, AT_END_MS);
      await reader.close();
      return records;
    };

    describe('topics', () => {
      it('lists what was created, with its settings', async () => {
        const other = `${topic}.other`;
        await log.createTopic(other, { partitions: 1, retentionMs: 60_000 });
        const listed = await log.listTopics();
        expect(listed).toContainEqual({ topic, partitions: 3, retentionMs: -1 });
        expect(listed).toContainEqual({ topic: other, partitions: 1, retentionMs: 60_000 });
      });

      it('creates a topic once, and refuses it with other settings', async () => {
        await log.createTopic(topic, { partitions: 3, retentionMs: -1 });
        const differs = log.createTopic(topic, { partitions: 4, retentionMs: -1 });
        await expect(differs).rejects.toMatchObject({ code: 'TM_TOPIC_DIFFERS' });
        expect(await log.ranges(topic)).toHaveLength(3);
      });

      it.each(['', '.', '..', 'a/b', 'a b', 'é', 'a'.repeat(250)])('refuses the name %j', async (bad) => {
        const created = log.createTopic(bad, { partitions: 1, retentionMs: -1 });
        await expect(created).rejects.toMatchObject({ code: 'TM_TOPIC_NAME' });
      });

      it('begins every partition empty, at 0', async () => {
        expect(await log.ranges(topic)).toEqual([0, 1, 2].map((partition) => ({ topic, partition, begin: 0, end: 0 })));
      });

      it('refuses a topic or partition that there is not, whatever is asked of it', async () => {
        const writer = await openWriter();
        const nowhere = { topic: `${topic}.none`, partition: 0, offset: 0 };
        const unknown = { code: 'TM_TOPIC_UNKNOWN' };
        await expect(log.ranges(nowhere.topic)).rejects.toMatchObject(unknown);
        await expect(log.offsetAtTime(nowhere, 0)).rejects.toMatchObject(unknown);
        await expect(log.openReader([nowhere])).rejects.toMatchObject(unknown);
        await expect(log.openReader([at(3)])).rejects.toMatchObject(unknown);
        await expect(commit(writer, 3, numbered('a', 1))).rejects.toMatchObject(unknown);
      });
    });

    describe('records', () => {
      it('come back byte for byte, in order, with rising offsets and the time of their append', async () => {
        const before = Date.now();
        const allBytes = String.fromCharCode(...Array.from({ length: 256 }, (_, i) => i));
        const records = [
          { key: 'key', value: 'value' },
          { key: '', value: 'empty key' },
          { key: 'empty value', value: '' },
          { key: allBytes, value: allBytes },
          { key: 'k'.repeat(300), value: 'v'.repeat(20_000) },
        ];
        const [appended] = await commit(await openWriter(), 1, records);
        const read = await readFrom([at(1)]);
        expect(read.map(({ key, value }) => ({ key, value }))).toEqual(records);
        expect(appended).toMatchObject({ topic, partition: 1, firstOffset: read[0]?.offset });
        expect(appended?.nextOffset).toBeGreaterThan(read.at(-1)?.offset ?? Number.POSITIVE_INFINITY);
        expect(rises(read.map(({ offset }) => offset))).toBe(true);
        for (const { appendMs } of read) {
          expect(appendMs).toBeGreaterThanOrEqual(before);
          expect(appendMs).toBeLessThanOrEqual(Date.now());
        }
      });

      it('keep their order across many transactions and chunks', async () => {
        const writer = await openWriter();
        for (let i = 0; i < 20; i++) await commit(writer, 0, numbered(`t${i}`, 50));
        const reader = await log.openReader([at(0)]);
        const read = await readToEnd(reader, { maxRecords: 37, maxBytes: 1_000_000 }, AT_END_MS);
        const expected = Array.from({ length: 20 }, (_, i) => numbered(`t${i}`, 50)).flat();
        expect(read.map(({ value }) => value)).toEqual(expected.map(({ value }) => value));
      });

      it('may be many in one append', async () => {
        const records = numbered('many', 25_000);
        await commit(await openWriter(), 2, records);
        const read = await readFrom([at(2)]);
        expect(read.map(({ key, value }) => ({ key, value }))).toEqual(records);
      });

      it('may be none', async () => {
        const [appended] = await commit(await openWriter(), 0, []);
        expect(appended?.nextOffset).toBe(appended?.firstOffset);
        expect(await readFrom([at(0)])).toEqual([]);
      });

      it('are read back whatever their sizes, transactions and read bounds (property)', async () => {
        const record = fc.record({ key: bytes(8), value: bytes(200) });
        const transaction = fc.array(fc.tuple(fc.nat(2), fc.array(record, { maxLength: 30 })), { maxLength: 3 });
        const bounds = fc.record({
          maxRecords: fc.integer({ min: 1, max: 40 }),
          maxBytes: fc.integer({ min: 1, max: 2000 }),
        });
        const plan = fc.tuple(fc.array(transaction, { maxLength: 5 }), bounds);
        let run = 0;
        await fc.assert(
          fc.asyncProperty(plan, async ([transactions, readBounds]) => {
            const runTopic = `${topic}.${run++}`;
            await log.createTopic(runTopic, { partitions: 3, retentionMs: -1 });
            const writer = await openWriter();
            const expected: TestRecord[][] = [[], [], []];
            for (const appends of transactions) {
              await writer.commit({
                appends: appends.map(([partition, records]) => ({
                  topic: runTopic,
                  partition,
                  records: recordBytes(records),
                })),
                positions: [],
              });
              for (const [partition, records] of appends) expected[partition]?.push(...records);
            }
            const reader = await log.openReader(
              [0, 1, 2].map((partition) => ({ topic: runTopic, partition, offset: 0 })),
            );
            const read = await readToEnd(reader, readBounds);
            await reader.close();
            for (const [partition, records] of expected.entries()) {
              const ofPartition = read.filter((one) => one.partition === partition);
              expect(ofPartition.map(({ key, value }) => ({ key, value }))).toEqual(records);
            }
          }),
          { numRuns: 15 },
        );
      });
    });

    describe('transactions', () => {
      it('show appends to several partitions and positions together', async () => {
        const writer = await openWriter();
        const appended = await writer.commit({
          appends: [append(0, numbered('a', 3)), append(2, numbered('b', 2)), append(0, numbered('c', 1))],
          positions: [{ group: topic, positions: [{ topic, partition: 1, offset: 0, metadata: 'm' }] }],
        });
        expect(appended.map(({ partition }) => partition)).toEqual([0, 2, 0]);
        const values = (await readFrom([at(0), at(2)])).map(({ partition, value }) => `${partition}:${value}`);
        expect(values.filter((value) => value.startsWith('0'))).toEqual(['0:a-0', '0:a-1', '0:a-2', '0:c-0']);
        expect(values.filter((value) => value.startsWith('2'))).toEqual(['2:b-0', '2:b-1']);
        expect(await log.committed(topic)).toEqual([{ topic, partition: 1, offset: 0, metadata: 'm' }]);
      });

      it.each(['an append', 'a position'])('store nothing when %s is refused', async (what) => {
        const writer = await openWriter();
        const nowhere = { topic: `${topic}.none`, partition: 0 };
        const good = { topic, partition: 0, offset: 1, metadata: '' };
        const transaction: Transaction =
          what === 'an append'
            ? {
                appends: [append(0, numbered('a', 3)), { ...nowhere, records: recordBytes(numbered('b', 1)) }],
                positions: [{ group: topic, positions: [good] }],
              }
            : {
                appends: [append(0, numbered('a', 3))],
                positions: [{ group: topic, positions: [good, { ...good, metadata: 'm'.repeat(4001) }] }],
              };
        await expect(writer.commit(transaction)).rejects.toHaveProperty('code');
        expect(await readFrom([at(0)])).toEqual([]);
        expect(await log.committed(topic)).toEqual([]);
      });

      it('of an earlier writer of the same id are refused, and leave nothing', async () => {
        const id = `writer-${randomUUID()}`;
        const first = await log.openWriter(id);
        await commit(first, 0, numbered('first', 1));
        const second = await log.openWriter(id);
        const late = first.commit({
          appends: [append(0, numbered('late', 1))],
          positions: [{ group: topic, positions: [{ topic, partition: 0, offset: 9, metadata: '' }] }],
        });
        await expect(late).rejects.toMatchObject({ code: 'TM_LOG_FENCED' });
        await commit(second, 0, numbered('second', 1));
        expect((await readFrom([at(0)])).map(({ value }) => value)).toEqual(['first-0', 'second-0']);
        expect(await log.committed(topic)).toEqual([]);
      });

      it('of writers of different ids all land, each writer in its order', async () => {
        const writers = await Promise.all(
          ['a', 'b', 'c', 'd'].map(async (tag) => ({ tag, writer: await openWriter() })),
        );
        await Promise.all(
          writers.map(async ({ tag, writer }) => {
            for (let i = 0; i < 25; i++) await commit(writer, 0, [{ key: tag, value: String(i) }]);
          }),
        );
        const read = await readFrom([at(0)]);
        const inOrder = Array.from({ length: 25 }, (_, i) => String(i));
        for (const { tag } of writers) {
          expect(read.filter(({ key }) => key === tag).map(({ value }) => value)).toEqual(inOrder);
        }
        expect(read).toHaveLength(100);
      });

      it('are refused once the writer is closed', async () => {
        const writer = await openWriter();
        await writer.close();
        await expect(commit(writer, 0, numbered('a', 1))).rejects.toMatchObject({ code: 'TM_LOG_CLOSED' });
      });
    });

    describe('positions', () => {
      const position = (partition: number, offset: number, metadata: string) => ({
        topic,
        partition,
        offset,
        metadata,
      });
      const store = async (writer: TransactionalWriter, group: string, ...positions: ReturnType<typeof position>[]) =>
        writer.commit({ appends: [], positions: [{ group, positions }] });

      it('are the newest that were committed, by partition', async () => {
        const writer = await openWriter();
        await store(writer, topic, position(0, 5, 'old'), position(2, 7, ''));
        await store(writer, topic, position(0, 6, 'new'));
        const committed = await log.committed(topic);
        expect([...committed].sort((a, b) => a.partition - b.partition)).toEqual([
          position(0, 6, 'new'),
          position(2, 7, ''),
        ]);
      });

      it('belong to one group', async () => {
        const writer = await openWriter();
        await store(writer, topic, position(0, 1, 'ours'));
        await store(writer, `${topic}-other`, position(0, 2, 'theirs'));
        expect(await log.committed(topic)).toEqual([position(0, 1, 'ours')]);
        expect(await log.committed(`${topic}-none`)).toEqual([]);
      });

      it('hold 4,000 bytes of metadata', async () => {
        const metadata = 'é'.repeat(2000);
        await store(await openWriter(), topic, position(0, 1, metadata));
        expect(await log.committed(topic)).toEqual([position(0, 1, metadata)]);
      });
    });

    describe('readers', () => {
      let writer: TransactionalWriter;
      beforeEach(async () => {
        writer = await openWriter();
      });

      const values = (records: readonly ReadRecord[]) => records.map(({ value }) => value);

      it('start at the given offset, and in the middle of what was appended together', async () => {
        await commit(writer, 0, numbered('a', 10));
        const all = await readFrom([at(0)]);
        expect(values(await readFrom([at(0, all[7]?.offset)]))).toEqual(['a-7', 'a-8', 'a-9']);
      });

      it('stop at the bounds, and return one larger record alone', async () => {
        const sizes = [100, 100, 5000, 100, 100, 100];
        await commit(
          writer,
          0,
          sizes.map((size, i) => ({ key: '', value: String(i).repeat(size) })),
        );
        const reader = await log.openReader([at(0)]);
        const counts: number[] = [];
        for (let left = sizes.length; left > 0; ) {
          const chunk = await reader.read({ maxRecords: 2, maxBytes: 1000 }, PATIENCE_MS);
          left -= chunk?.count ?? 0;
          counts.push(chunk?.count ?? 0);
        }
        expect(counts).toEqual([2, 1, 2, 1]);
      });

      it('know their position: after the last chunk, and at the end the end of the partition', async () => {
        await commit(writer, 0, numbered('a', 10));
        const reader = await log.openReader([at(0)]);
        expect(reader.position(at(0))).toBe(0);
        const chunk = await reader.read({ maxRecords: 4, maxBytes: 1_000_000 }, PATIENCE_MS);
        expect(reader.position(at(0))).toBe(chunk?.nextOffset);
        await readToEnd(reader, WIDE, AT_END_MS);
        expect(reader.position(at(0))).toBe((await log.ranges(topic))[0]?.end);
      });

      it('give every partition its turn', async () => {
        for (const partition of [0, 1, 2]) await commit(writer, partition, numbered(`p${partition}`, 100));
        const reader = await log.openReader([at(0), at(1), at(2)]);
        const seen = new Set<number>();
        for (let reads = 0; seen.size < 3 && reads < 9; reads++) {
          const chunk = await reader.read({ maxRecords: 10, maxBytes: 1_000_000 }, PATIENCE_MS);
          if (chunk !== null) seen.add(chunk.partition);
        }
        expect(seen.size).toBe(3);
      });

      it('seek back and forth', async () => {
        await commit(writer, 0, numbered('a', 10));
        const reader = await log.openReader([at(0)]);
        const all = await readToEnd(reader, WIDE, AT_END_MS);
        reader.seek(at(0), all[8]?.offset ?? 0);
        expect(values(await readToEnd(reader, WIDE, AT_END_MS))).toEqual(['a-8', 'a-9']);
        reader.seek(at(0), 0);
        const first = await reader.read({ maxRecords: 3, maxBytes: 1_000_000 }, PATIENCE_MS);
        expect(first === null ? [] : values(recordsOf(first))).toEqual(['a-0', 'a-1', 'a-2']);
      });

      it('skip a paused partition until it is resumed', async () => {
        for (const partition of [0, 1]) await commit(writer, partition, numbered(`p${partition}`, 2));
        const reader = await log.openReader([at(0), at(1)]);
        reader.pause(at(0));
        expect(values(await readToEnd(reader, WIDE, AT_END_MS))).toEqual(['p1-0', 'p1-1']);
        reader.resume(at(0));
        expect(values(await readToEnd(reader, WIDE, AT_END_MS))).toEqual(['p0-0', 'p0-1']);
      });

      it('refuse offsets outside the partition', async () => {
        await commit(writer, 0, numbered('a', 10));
        const [first] = await log.ranges(topic);
        const end = first?.end ?? 0;
        const outOfRange = { code: 'TM_OFFSET_OUT_OF_RANGE' };
        await expect(log.openReader([at(0, end + 1)])).rejects.toMatchObject(outOfRange);
        await log.deleteRecords(at(0), 5);
        await expect(log.openReader([at(0, 4)])).rejects.toMatchObject(outOfRange);
        const reader = await log.openReader([at(0, 5)]);
        reader.seek(at(0), 4);
        await expect(reader.read(WIDE, PATIENCE_MS)).rejects.toMatchObject(outOfRange);
      });

      it('wait for records and wake when they come', async () => {
        const reader = await log.openReader([at(0), at(1)]);
        const waiting = reader.read(WIDE, PATIENCE_MS);
        await commit(writer, 1, numbered('a', 2));
        const chunk = await waiting;
        expect(chunk === null ? [] : values(recordsOf(chunk))).toEqual(['a-0', 'a-1']);
      });

      it('give null when nothing came in time', async () => {
        const reader = await log.openReader([at(0)]);
        expect(await reader.read(WIDE, 0)).toBeNull();
        expect(await reader.read(WIDE, AT_END_MS)).toBeNull();
      });

      it('give null to a read that waits while they are closed, and refuse the next', async () => {
        const reader = await log.openReader([at(0)]);
        const waiting = reader.read(WIDE, PATIENCE_MS);
        await reader.close();
        expect(await waiting).toBeNull();
        await expect(reader.read(WIDE, 0)).rejects.toMatchObject({ code: 'TM_LOG_CLOSED' });
      });

      it('give null to a read that waits while the log is closed', async () => {
        const reader: LogReader = await log.openReader([at(0)]);
        const waiting = reader.read(WIDE, PATIENCE_MS);
        await log.close();
        expect(await waiting).toBeNull();
      });
    });

    it('finds the first offset appended at or after a time', async () => {
      const writer = await openWriter();
      await commit(writer, 0, numbered('a', 3));
      const [first] = await readFrom([at(0)]);
      const firstMs = first?.appendMs ?? 0;
      // Append until the clock has moved on.
      let later: ReadRecord | undefined;
      for (let i = 0; later === undefined && i < MAX_COMMITS_TO_NEXT_TIME; i++) {
        const [appended] = await commit(writer, 0, numbered(`b${i}`, 1));
        later = (await readFrom([at(0, appended?.firstOffset)])).find(({ appendMs }) => appendMs > firstMs);
      }
      expect(await log.offsetAtTime(at(0), 0)).toBe(0);
      expect(await log.offsetAtTime(at(0), firstMs)).toBe(0);
      expect(await log.offsetAtTime(at(0), firstMs + 1)).toBe(later?.offset);
      expect(await log.offsetAtTime(at(0), (later?.appendMs ?? 0) + 60_000)).toBe((await log.ranges(topic))[0]?.end);
      expect(await log.offsetAtTime(at(1), firstMs)).toBe(0);
    });

    it('deletes records below an offset, and no others', async () => {
      const writer = await openWriter();
      for (let i = 0; i < 3; i++) await commit(writer, 0, numbered(`t${i}`, 10));
      const all = await readFrom([at(0)]);
      const before = all[14]?.offset ?? 0;
      await log.deleteRecords(at(0), before);
      const [range] = await log.ranges(topic);
      expect(range?.begin).toBe(before);
      expect(await readFrom([at(0, before)])).toEqual(all.slice(14));
      expect(await log.offsetAtTime(at(0), 0)).toBe(before);
      await log.deleteRecords(at(0), range?.end ?? 0);
      expect(await readFrom([at(0, range?.end)])).toEqual([]);
      const [appended] = await commit(writer, 0, numbered('next', 1));
      expect(appended?.firstOffset).toBe(range?.end);
      const beyond = log.deleteRecords(at(0), (appended?.nextOffset ?? 0) + 1);
      await expect(beyond).rejects.toMatchObject({ code: 'TM_OFFSET_OUT_OF_RANGE' });
    });

    it('refuses everything after it was closed', async () => {
      await log.close();
      const closed = { code: 'TM_LOG_CLOSED' };
      await expect(log.listTopics()).rejects.toMatchObject(closed);
      await expect(log.createTopic(`${topic}.x`, { partitions: 1, retentionMs: -1 })).rejects.toMatchObject(closed);
      await expect(log.openWriter('w')).rejects.toMatchObject(closed);
      await expect(log.openReader([at(0)])).rejects.toMatchObject(closed);
      await expect(log.committed(topic)).rejects.toMatchObject(closed);
    });
  });
}

/** Text of one character a byte. */
function bytes(maxLength: number): fc.Arbitrary<string> {
  return fc.uint8Array({ maxLength }).map((array) => Buffer.from(array).toString('latin1'));
}

function rises(numbers: readonly number[]): boolean {
  return numbers.every((number, i) => i === 0 || number > (numbers[i - 1] as number));
}
