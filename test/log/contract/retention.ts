import { expect, it } from 'vitest';
import { numbered, type ReadRecord } from '../records.ts';
import type { ContractFixture } from './fixture.ts';

/** Another broker's clock, and its steps, decide when append times differ. */
const MAX_COMMITS_TO_NEXT_TIME = 10_000;

/** Times, deletion and the end of a log. */
export function retentionContract(fixture: ContractFixture): void {
  const { at, commit, openWriter, readFrom } = fixture;

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
    expect(await fixture.log.offsetAtTime(at(0), 0)).toBe(0);
    expect(await fixture.log.offsetAtTime(at(0), firstMs)).toBe(0);
    expect(await fixture.log.offsetAtTime(at(0), firstMs + 1)).toBe(later?.offset);
    expect(await fixture.log.offsetAtTime(at(0), (later?.appendMs ?? 0) + 60_000)).toBe(
      (await fixture.log.ranges(fixture.topic))[0]?.end,
    );
    expect(await fixture.log.offsetAtTime(at(1), firstMs)).toBe(0);
  });

  it('deletes records below an offset, and no others', async () => {
    const writer = await openWriter();
    for (let i = 0; i < 3; i++) await commit(writer, 0, numbered(`t${i}`, 10));
    const all = await readFrom([at(0)]);
    const before = all[14]?.offset ?? 0;
    await fixture.log.deleteRecords(at(0), before);
    const [range] = await fixture.log.ranges(fixture.topic);
    expect(range?.begin).toBe(before);
    expect(await readFrom([at(0, before)])).toEqual(all.slice(14));
    expect(await fixture.log.offsetAtTime(at(0), 0)).toBe(before);
    await fixture.log.deleteRecords(at(0), range?.end ?? 0);
    expect(await readFrom([at(0, range?.end)])).toEqual([]);
    const [appended] = await commit(writer, 0, numbered('next', 1));
    expect(appended?.firstOffset).toBe(range?.end);
    const [after] = await fixture.log.ranges(fixture.topic);
    const beyond = fixture.log.deleteRecords(at(0), (after?.end ?? 0) + 1);
    await expect(beyond).rejects.toMatchObject({ code: 'TM_OFFSET_OUT_OF_RANGE' });
  });

  it('refuses everything after it was closed', async () => {
    await fixture.log.close();
    const closed = { code: 'TM_LOG_CLOSED' };
    await expect(fixture.log.listTopics()).rejects.toMatchObject(closed);
    await expect(
      fixture.log.createTopic(`${fixture.topic}.x`, { partitions: 1, retentionMs: -1 }),
    ).rejects.toMatchObject(closed);
    await expect(fixture.log.openWriter('w')).rejects.toMatchObject(closed);
    await expect(fixture.log.openReader([at(0)])).rejects.toMatchObject(closed);
    await expect(fixture.log.committed(fixture.topic)).rejects.toMatchObject(closed);
  });
}
