import { beforeEach, describe, expect, it } from 'vitest';
import type { LogReader, TransactionalWriter } from '../../../src/log/log.ts';
import { numbered, type ReadRecord, readToEnd, recordsOf, WIDE } from '../records.ts';
import { AT_END_MS, type ContractFixture, PATIENCE_MS } from './fixture.ts';

/** Readers: where they start and stop, and how they wait. */
export function readerContract(fixture: ContractFixture): void {
  const { at, commit, openWriter, readFrom } = fixture;

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
      const reader = await fixture.log.openReader([at(0)]);
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
      const reader = await fixture.log.openReader([at(0)]);
      expect(reader.position(at(0))).toBe(0);
      const chunk = await reader.read({ maxRecords: 4, maxBytes: 1_000_000 }, PATIENCE_MS);
      expect(reader.position(at(0))).toBe(chunk?.nextOffset);
      await readToEnd(reader, WIDE, AT_END_MS);
      expect(reader.position(at(0))).toBe((await fixture.log.ranges(fixture.topic))[0]?.end);
    });

    it('give every partition its turn', async () => {
      for (const partition of [0, 1, 2]) await commit(writer, partition, numbered(`p${partition}`, 100));
      const reader = await fixture.log.openReader([at(0), at(1), at(2)]);
      const seen = new Set<number>();
      // A broker may send all of one partition before any of the next: then its turn comes after 10 reads of each before.
      for (let reads = 0; seen.size < 3 && reads < 21; reads++) {
        const chunk = await reader.read({ maxRecords: 10, maxBytes: 1_000_000 }, PATIENCE_MS);
        if (chunk !== null) seen.add(chunk.partition);
      }
      expect(seen.size).toBe(3);
    });

    it('seek back and forth', async () => {
      await commit(writer, 0, numbered('a', 10));
      const reader = await fixture.log.openReader([at(0)]);
      const all = await readToEnd(reader, WIDE, AT_END_MS);
      reader.seek(at(0), all[8]?.offset ?? 0);
      expect(values(await readToEnd(reader, WIDE, AT_END_MS))).toEqual(['a-8', 'a-9']);
      reader.seek(at(0), 0);
      const first = await reader.read({ maxRecords: 3, maxBytes: 1_000_000 }, PATIENCE_MS);
      expect(first === null ? [] : values(recordsOf(first))).toEqual(['a-0', 'a-1', 'a-2']);
    });

    it('drop what they held ready when they seek', async () => {
      await commit(writer, 0, numbered('a', 10));
      const [, , third] = await readFrom([at(0)]);
      const reader = await fixture.log.openReader([at(0)]);
      await reader.read({ maxRecords: 5, maxBytes: 1_000_000 }, PATIENCE_MS);
      reader.seek(at(0), third?.offset ?? 0);
      expect(reader.position(at(0))).toBe(third?.offset);
      const next = await reader.read({ maxRecords: 2, maxBytes: 1_000_000 }, PATIENCE_MS);
      expect(next === null ? [] : values(recordsOf(next))).toEqual(['a-2', 'a-3']);
    });

    it('skip a paused partition until it is resumed', async () => {
      for (const partition of [0, 1]) await commit(writer, partition, numbered(`p${partition}`, 2));
      const reader = await fixture.log.openReader([at(0), at(1)]);
      reader.pause(at(0));
      expect(values(await readToEnd(reader, WIDE, AT_END_MS))).toEqual(['p1-0', 'p1-1']);
      reader.resume(at(0));
      expect(values(await readToEnd(reader, WIDE, AT_END_MS))).toEqual(['p0-0', 'p0-1']);
    });

    it('refuse offsets outside the partition', async () => {
      await commit(writer, 0, numbered('a', 10));
      const [first] = await fixture.log.ranges(fixture.topic);
      const end = first?.end ?? 0;
      const outOfRange = { code: 'TM_OFFSET_OUT_OF_RANGE' };
      await expect(fixture.log.openReader([at(0, end + 1)])).rejects.toMatchObject(outOfRange);
      await fixture.log.deleteRecords(at(0), 5);
      await expect(fixture.log.openReader([at(0, 4)])).rejects.toMatchObject(outOfRange);
      const reader = await fixture.log.openReader([at(0, 5)]);
      reader.seek(at(0), 4);
      await expect(reader.read(WIDE, PATIENCE_MS)).rejects.toMatchObject(outOfRange);
    });

    it('wait for records and wake when they come', async () => {
      const reader = await fixture.log.openReader([at(0), at(1)]);
      const waiting = reader.read(WIDE, PATIENCE_MS);
      await commit(writer, 1, numbered('a', 2));
      const chunk = await waiting;
      expect(chunk === null ? [] : values(recordsOf(chunk))).toEqual(['a-0', 'a-1']);
    });

    it('give null when nothing came in time', async () => {
      const reader = await fixture.log.openReader([at(0)]);
      expect(await reader.read(WIDE, 0)).toBeNull();
      expect(await reader.read(WIDE, AT_END_MS)).toBeNull();
    });

    it('give null to a read that waits while they are closed, and refuse the next', async () => {
      const reader = await fixture.log.openReader([at(0)]);
      const waiting = reader.read(WIDE, PATIENCE_MS);
      await reader.close();
      expect(await waiting).toBeNull();
      await expect(reader.read(WIDE, 0)).rejects.toMatchObject({ code: 'TM_LOG_CLOSED' });
    });

    it('give null to a read that waits while the log is closed', async () => {
      const reader: LogReader = await fixture.log.openReader([at(0)]);
      const waiting = reader.read(WIDE, PATIENCE_MS);
      await fixture.log.close();
      expect(await waiting).toBeNull();
    });
  });
}
