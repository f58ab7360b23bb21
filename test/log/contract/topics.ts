import { describe, expect, it } from 'vitest';
import { numbered } from '../records.ts';
import type { ContractFixture } from './fixture.ts';

/** Topics: made, listed, refused. */
export function topicContract(fixture: ContractFixture): void {
  const { at, commit, openWriter } = fixture;

  describe('topics', () => {
    it('lists what was created, with its settings', async () => {
      const other = `${fixture.topic}.other`;
      await fixture.log.createTopic(other, { partitions: 1, retentionMs: 60_000 });
      const listed = await fixture.log.listTopics();
      expect(listed).toContainEqual({ topic: fixture.topic, partitions: 3, retentionMs: -1 });
      expect(listed).toContainEqual({ topic: other, partitions: 1, retentionMs: 60_000 });
    });

    it('creates a topic once, and refuses it with other settings', async () => {
      await fixture.log.createTopic(fixture.topic, { partitions: 3, retentionMs: -1 });
      const differs = fixture.log.createTopic(fixture.topic, { partitions: 4, retentionMs: -1 });
      await expect(differs).rejects.toMatchObject({ code: 'TM_TOPIC_DIFFERS' });
      expect(await fixture.log.ranges(fixture.topic)).toHaveLength(3);
    });

    it.each(['', '.', '..', 'a/b', 'a b', 'é', 'a'.repeat(250)])('refuses the name %j', async (bad) => {
      const created = fixture.log.createTopic(bad, { partitions: 1, retentionMs: -1 });
      await expect(created).rejects.toMatchObject({ code: 'TM_TOPIC_NAME' });
    });

    it('begins every partition empty, at 0', async () => {
      expect(await fixture.log.ranges(fixture.topic)).toEqual(
        [0, 1, 2].map((partition) => ({ topic: fixture.topic, partition, begin: 0, end: 0 })),
      );
    });

    it('refuses a topic or partition that there is not, whatever is asked of it', async () => {
      const writer = await openWriter();
      const nowhere = { topic: `${fixture.topic}.none`, partition: 0, offset: 0 };
      const unknown = { code: 'TM_TOPIC_UNKNOWN' };
      await expect(fixture.log.ranges(nowhere.topic)).rejects.toMatchObject(unknown);
      await expect(fixture.log.offsetAtTime(nowhere, 0)).rejects.toMatchObject(unknown);
      await expect(fixture.log.openReader([nowhere])).rejects.toMatchObject(unknown);
      await expect(fixture.log.openReader([at(3)])).rejects.toMatchObject(unknown);
      await expect(commit(writer, 3, numbered('a', 1))).rejects.toMatchObject(unknown);
    });
  });
}
