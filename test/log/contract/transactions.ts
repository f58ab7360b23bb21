import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Transaction, TransactionalWriter } from '../../../src/log/log.ts';
import { numbered, recordBytes } from '../records.ts';
import type { ContractFixture } from './fixture.ts';

/** Transactions and the positions in them. */
export function transactionContract(fixture: ContractFixture): void {
  const { at, append, commit, openWriter, readFrom } = fixture;

  describe('transactions', () => {
    it('show appends to several partitions and positions together', async () => {
      const writer = await openWriter();
      const appended = await writer.commit({
        appends: [append(0, numbered('a', 3)), append(2, numbered('b', 2)), append(0, numbered('c', 1))],
        positions: [
          { group: fixture.topic, positions: [{ topic: fixture.topic, partition: 1, offset: 0, metadata: 'm' }] },
        ],
      });
      expect(appended.map(({ partition }) => partition)).toEqual([0, 2, 0]);
      const values = (await readFrom([at(0), at(2)])).map(({ partition, value }) => `${partition}:${value}`);
      expect(values.filter((value) => value.startsWith('0'))).toEqual(['0:a-0', '0:a-1', '0:a-2', '0:c-0']);
      expect(values.filter((value) => value.startsWith('2'))).toEqual(['2:b-0', '2:b-1']);
      expect(await fixture.log.committed(fixture.topic)).toEqual([
        { topic: fixture.topic, partition: 1, offset: 0, metadata: 'm' },
      ]);
    });

    it.each(['an append', 'a position'])('store nothing when %s is refused', async (what) => {
      const writer = await openWriter();
      const nowhere = { topic: `${fixture.topic}.none`, partition: 0 };
      const good = { topic: fixture.topic, partition: 0, offset: 1, metadata: '' };
      const transaction: Transaction =
        what === 'an append'
          ? {
              appends: [append(0, numbered('a', 3)), { ...nowhere, records: recordBytes(numbered('b', 1)) }],
              positions: [{ group: fixture.topic, positions: [good] }],
            }
          : {
              appends: [append(0, numbered('a', 3))],
              positions: [{ group: fixture.topic, positions: [good, { ...good, metadata: 'm'.repeat(4001) }] }],
            };
      await expect(writer.commit(transaction)).rejects.toHaveProperty('code');
      expect(await readFrom([at(0)])).toEqual([]);
      expect(await fixture.log.committed(fixture.topic)).toEqual([]);
    });

    it.each(['openWriter', 'openBulkWriter'] as const)(
      'of an earlier writer of the same id are refused, and leave nothing (%s)',
      async (open) => {
        const id = `writer-${randomUUID()}`;
        const first = await fixture.log[open](id);
        await commit(first, 0, numbered('first', 1));
        const second = await fixture.log[open](id);
        const late = first.commit({
          appends: [append(0, numbered('late', 1))],
          positions: [
            { group: fixture.topic, positions: [{ topic: fixture.topic, partition: 0, offset: 9, metadata: '' }] },
          ],
        });
        await expect(late).rejects.toMatchObject({ code: 'TM_LOG_FENCED' });
        await commit(second, 0, numbered('second', 1));
        await second.close();
        expect((await readFrom([at(0)])).map(({ value }) => value)).toEqual(['first-0', 'second-0']);
        expect(await fixture.log.committed(fixture.topic)).toEqual([]);
      },
    );

    it('of writers of different ids all land, each writer in its order', async () => {
      const writers = await Promise.all(['a', 'b', 'c', 'd'].map(async (tag) => ({ tag, writer: await openWriter() })));
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

    it('of a bulk writer are seen once it is closed: its records in order, and positions', async () => {
      const writer = await fixture.log.openBulkWriter(`writer-${randomUUID()}`);
      const values: string[] = [];
      for (let i = 0; i < 5; i++) {
        const tag = `t${i}`;
        await writer.commit({
          appends: [append(0, numbered(tag, 700)), append(1, numbered('other', 1)), append(0, [])],
          positions: [
            { group: fixture.topic, positions: [{ topic: fixture.topic, partition: 0, offset: i, metadata: tag }] },
          ],
        });
        values.push(...numbered(tag, 700).map(({ value }) => value));
      }
      await writer.close();
      expect((await readFrom([at(0)])).map(({ value }) => value)).toEqual(values);
      expect(await readFrom([at(1)])).toHaveLength(5);
      expect(await fixture.log.committed(fixture.topic)).toEqual([
        { topic: fixture.topic, partition: 0, offset: 4, metadata: 't4' },
      ]);
    });

    it.each(['openWriter', 'openBulkWriter'] as const)('are refused once the writer is closed (%s)', async (open) => {
      const writer = await fixture.log[open](`writer-${randomUUID()}`);
      await writer.close();
      await expect(commit(writer, 0, numbered('a', 1))).rejects.toMatchObject({ code: 'TM_LOG_CLOSED' });
    });
  });

  describe('positions', () => {
    const position = (partition: number, offset: number, metadata: string) => ({
      topic: fixture.topic,
      partition,
      offset,
      metadata,
    });
    const store = async (writer: TransactionalWriter, group: string, ...positions: ReturnType<typeof position>[]) =>
      writer.commit({ appends: [], positions: [{ group, positions }] });

    it('are the newest that were committed, by partition', async () => {
      const writer = await openWriter();
      await store(writer, fixture.topic, position(0, 5, 'old'), position(2, 7, ''));
      await store(writer, fixture.topic, position(0, 6, 'new'));
      const committed = await fixture.log.committed(fixture.topic);
      expect([...committed].sort((a, b) => a.partition - b.partition)).toEqual([
        position(0, 6, 'new'),
        position(2, 7, ''),
      ]);
    });

    it('are those of the partitions that are asked for', async () => {
      await store(await openWriter(), fixture.topic, position(0, 5, 'a'), position(2, 7, 'b'));
      expect(await fixture.log.committed(fixture.topic, [fixture.at(1), fixture.at(2)])).toEqual([position(2, 7, 'b')]);
      expect(await fixture.log.committed(fixture.topic, [])).toEqual([]);
    });

    it('belong to one group', async () => {
      const writer = await openWriter();
      await store(writer, fixture.topic, position(0, 1, 'ours'));
      await store(writer, `${fixture.topic}-other`, position(0, 2, 'theirs'));
      expect(await fixture.log.committed(fixture.topic)).toEqual([position(0, 1, 'ours')]);
      expect(await fixture.log.committed(`${fixture.topic}-none`)).toEqual([]);
    });

    it('hold 4,000 bytes of metadata', async () => {
      const metadata = 'é'.repeat(2000);
      await store(await openWriter(), fixture.topic, position(0, 1, metadata));
      expect(await fixture.log.committed(fixture.topic)).toEqual([position(0, 1, metadata)]);
    });
  });
}
