import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { open } from 'lmdb';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openEmbeddedLog } from '../../../src/log/embedded/embeddedLog.ts';
import { MAX_BATCHES_DELETED_AT_ONCE } from '../../../src/log/embedded/partitionStore.ts';
import type { Log, TransactionalWriter } from '../../../src/log/log.ts';
import { logContract } from '../contract.ts';
import { numbered, readToEnd, recordBytes } from '../records.ts';

const makeDirectory = () => mkdtempSync(join(tmpdir(), 'tidemark-log-'));

logContract('the embedded log', async () => {
  const directory = makeDirectory();
  const log = await openEmbeddedLog({ directory, now: Date.now });
  return {
    log,
    address: { directory },
    close: async () => {
      await log.close();
      rmSync(directory, { recursive: true });
    },
  };
});

describe('the embedded log', () => {
  const topic = 'ticks';
  const at = (offset = 0) => ({ topic, partition: 0, offset });
  let directory: string;
  let nowMs: number;
  let log: Log;
  let writer: TransactionalWriter;

  beforeEach(async () => {
    directory = makeDirectory();
    nowMs = 1_000_000;
    log = await openEmbeddedLog({ directory, now: () => nowMs });
    writer = await log.openWriter('writer');
  });

  afterEach(async () => {
    await log.close();
    rmSync(directory, { recursive: true, force: true });
  });

  const create = (retentionMs = -1) => log.createTopic(topic, { partitions: 2, retentionMs });
  const commit = (tag: string, count = 10) =>
    writer.commit({ appends: [{ topic, partition: 0, records: recordBytes(numbered(tag, count)) }], positions: [] });
  const range = async () => (await log.ranges(topic))[0];
  const readAll = async (offset = 0) => {
    const reader = await log.openReader([at(offset)]);
    const records = await readToEnd(reader);
    await reader.close();
    return records;
  };

  it('is there again after it was closed: topics, records, positions and fences', async () => {
    await create();
    await commit('a');
    await writer.commit({
      appends: [],
      positions: [{ group: 'g', positions: [{ topic, partition: 0, offset: 3, metadata: 'm' }] }],
    });
    const before = await readAll();
    await log.close();

    log = await openEmbeddedLog({ directory, now: () => nowMs });
    expect(await log.listTopics()).toEqual([{ topic, partitions: 2, retentionMs: -1 }]);
    expect(await readAll()).toEqual(before);
    expect(await log.committed('g')).toEqual([{ topic, partition: 0, offset: 3, metadata: 'm' }]);
  });

  it('may be open several times in a process; each is closed on its own', async () => {
    await create();
    const other = await openEmbeddedLog({ directory: join(directory, '.'), now: () => nowMs });
    const reader = await other.openReader([at()]);
    const waiting = reader.read({ maxRecords: 100, maxBytes: 10_000 }, 10_000);
    await commit('a', 3);
    expect(await waiting).toMatchObject({ count: 3 });
    await log.close();
    expect(await other.ranges(topic)).toMatchObject([{ end: 3 }, { end: 0 }]);
    await other.close();
  });

  it('gives append times by its clock, and never lets them go back', async () => {
    await create();
    await commit('a', 1);
    nowMs -= 500;
    await commit('b', 1);
    nowMs += 1000;
    await commit('c', 1);
    expect((await readAll()).map(({ appendMs }) => appendMs)).toEqual([1_000_000, 1_000_000, 1_000_500]);
    expect(await log.offsetAtTime(at(), 1_000_000)).toBe(0);
    expect(await log.offsetAtTime(at(), 1_000_001)).toBe(2);
  });

  it('deletes what is older than the retention time when it appends', async () => {
    await create(1000);
    for (const tag of ['a', 'b', 'c']) {
      await commit(tag);
      nowMs += 600;
    }
    expect(await range()).toMatchObject({ begin: 10, end: 30 });
    nowMs += 10_000;
    await commit('d');
    expect(await range()).toMatchObject({ begin: 30, end: 40 });
    expect((await readAll(30)).map(({ value }) => value)).toEqual(numbered('d', 10).map(({ value }) => value));
  });

  it('keeps everything without a retention time', async () => {
    await create();
    await commit('a');
    nowMs += 10 ** 12;
    await commit('b');
    expect(await range()).toMatchObject({ begin: 0, end: 20 });
  });

  it('deletes many batches, in bounded steps', async () => {
    await create(1000);
    const batches = 2 * MAX_BATCHES_DELETED_AT_ONCE + 10;
    for (let i = 0; i < batches; i++) await commit(`t${i}`, 1);
    nowMs += 5000;
    await commit('new', 1);
    expect(await range()).toMatchObject({ begin: batches, end: batches + 1 });
    await log.deleteRecords(at(), batches + 1);
    expect(await range()).toMatchObject({ begin: batches + 1, end: batches + 1 });
    expect(await log.offsetAtTime(at(), 0)).toBe(batches + 1);
    const store = open({ path: directory, noSubdir: false });
    expect(store.openDB('batches', { encoding: 'binary' }).getKeysCount()).toBe(0);
    await store.close();
  });

  it('refuses a reader whose records were deleted under it', async () => {
    await create();
    await commit('a');
    const reader = await log.openReader([at()]);
    await log.deleteRecords(at(), 5);
    await expect(reader.read({ maxRecords: 10, maxBytes: 1000 }, 0)).rejects.toMatchObject({
      code: 'TM_OFFSET_OUT_OF_RANGE',
      where: 'ticks/0',
    });
  });

  it('reports a damaged batch with its place', async () => {
    await create();
    await commit('a');
    await commit('b');
    const store = open({ path: directory, noSubdir: false });
    const batches = store.openDB<Uint8Array, [number, number, number]>('batches', { encoding: 'binary' });
    const damaged = Buffer.from(batches.get([1, 0, 10]) ?? []);
    damaged.writeUInt8(damaged.readUInt8(damaged.length - 1) ^ 1, damaged.length - 1);
    await batches.put([1, 0, 10], damaged);
    await expect(readAll()).rejects.toMatchObject({
      code: 'TM_LOG_CORRUPT',
      where: 'topic ticks partition 0 offset 10',
    });
    await store.close();
  });

  it.each([0, 1.5, 1025, Number.NaN])('refuses %d partitions', async (partitions) => {
    const created = log.createTopic(topic, { partitions, retentionMs: -1 });
    await expect(created).rejects.toMatchObject({ code: 'TM_TOPIC_SETTINGS' });
  });

  it('refuses a record larger than its bound', async () => {
    await create();
    const records = recordBytes([{ key: '', value: 'x'.repeat(16 * 1024 * 1024 + 1) }]);
    const appended = writer.commit({ appends: [{ topic, partition: 0, records }], positions: [] });
    await expect(appended).rejects.toMatchObject({ code: 'TM_LOG_RECORD_TOO_LARGE' });
  });

  describe('when it is opened', () => {
    const opening = (path: string) => openEmbeddedLog({ directory: path, now: () => nowMs });

    it('makes its directory, and the ones above', async () => {
      const made = await opening(join(directory, 'a', 'b.c'));
      expect(await made.listTopics()).toEqual([]);
      await made.close();
    });

    it('refuses a directory that cannot be made', async () => {
      writeFileSync(join(directory, 'file'), '');
      await expect(opening(join(directory, 'file', 'log'))).rejects.toMatchObject({ code: 'TM_LOG_DIRECTORY' });
    });

    it('refuses a file that is not an LMDB store', async () => {
      const path = join(directory, 'other');
      mkdirSync(path);
      writeFileSync(join(path, 'data.mdb'), 'not a store'.repeat(1000));
      await expect(opening(path)).rejects.toMatchObject({ code: 'TM_LOG_FORMAT' });
    });

    it('refuses a store that Tidemark did not make', async () => {
      const path = join(directory, 'other');
      const store = open({ path, noSubdir: false });
      await store.openDB('theirs', {}).put('key', 'value');
      await store.close();
      await expect(opening(path)).rejects.toMatchObject({ code: 'TM_LOG_FORMAT' });
    });

    it('refuses a store of another format version', async () => {
      const path = join(directory, 'other');
      await (await opening(path)).close();
      const store = open({ path, noSubdir: false });
      await store.openDB('meta', { encoding: 'json' }).put('format', 99);
      await store.close();
      await expect(opening(path)).rejects.toMatchObject({ code: 'TM_LOG_FORMAT' });
    });
  });
});
