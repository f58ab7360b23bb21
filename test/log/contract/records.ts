import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { numbered, readToEnd, recordBytes, type TestRecord } from '../records.ts';
import { AT_END_MS, type ContractFixture } from './fixture.ts';

/** Records: what is read is what was appended. */
export function recordContract(fixture: ContractFixture): void {
  const { at, commit, openWriter, readFrom } = fixture;

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
      expect(appended).toMatchObject({ topic: fixture.topic, partition: 1, firstOffset: read[0]?.offset });
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
      const reader = await fixture.log.openReader([at(0)]);
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
          const runTopic = `${fixture.topic}.${run++}`;
          await fixture.log.createTopic(runTopic, { partitions: 3, retentionMs: -1 });
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
          const reader = await fixture.log.openReader(
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
}

/** Text of one character a byte. */
function bytes(maxLength: number): fc.Arbitrary<string> {
  return fc.uint8Array({ maxLength }).map((array) => Buffer.from(array).toString('latin1'));
}

function rises(numbers: readonly number[]): boolean {
  return numbers.every((number, i) => i === 0 || number > (numbers[i - 1] as number));
}
