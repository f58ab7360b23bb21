import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseRecordSchema } from '../../src/core/avro/parseSchema.ts';
import type { Log } from '../../src/log/log.ts';
import type { SchemaRegistry } from '../../src/log/registry/registry.ts';
import { SnapshotSchedule } from '../../src/runtime/snapshotSchedule.ts';
import { readSnapshot, type SnapshotPointer, Snapshots } from '../../src/runtime/snapshots.ts';
import { snapshotSliceSchema } from '../../src/schemas.generated.ts';
import { inStore } from '../support/tickStore.ts';

const PLACE = { topic: 't.snapshots', partition: 1 };
const SLICE_BYTES = 512 * 1024;

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tidemark-snapshots-'));
});
afterEach(() => {
  rmSync(directory, { recursive: true });
});

/** Bytes that tell where they are from. */
function stateOf(seed: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 31 + seed) % 251);
}

function at(position: number) {
  return { position, offsets: [position], controlSequence: 0, controlOffset: 0 };
}

interface Store {
  readonly log: Log;
  readonly registry: SchemaRegistry;
  /** Snapshots of a task that takes over from the one before. */
  readonly open: (pointers?: readonly SnapshotPointer[]) => Promise<Snapshots>;
}

function inSnapshotStore(body: (store: Store) => Promise<void>): Promise<void> {
  return inStore(directory, async (log, registry) => {
    await log.createTopic(PLACE.topic, { partitions: 2, retentionMs: -1 });
    const schemaId = await registry.register('t', parseRecordSchema(snapshotSliceSchema).text);
    const open = async (pointers: readonly SnapshotPointer[] = []): Promise<Snapshots> =>
      new Snapshots({ log, writer: await log.openWriter('t'), place: PLACE, schemaId }, pointers);
    await body({ log, registry, open });
  });
}

describe('snapshots of a task', () => {
  it.each([0, 1, SLICE_BYTES, SLICE_BYTES + 1, 20 * SLICE_BYTES])(
    'of %i bytes are read as they were written',
    (length) =>
      inSnapshotStore(async ({ log, registry, open }) => {
        const snapshots = await open();
        await snapshots.write(stateOf(1, length), at(7));
        const found = await readSnapshot({ log, registry }, PLACE, snapshots.pointers, () => {});
        expect(found?.pointer).toMatchObject({ number: 1, position: 7 });
        expect(Buffer.compare(found?.state ?? Buffer.of(9), stateOf(1, length))).toBe(0);
      }),
  );

  it('that are damaged or gone are passed over with a warning', () =>
    inSnapshotStore(async ({ log, registry, open }) => {
      const snapshots = await open();
      await snapshots.write(stateOf(1, 10), at(1));
      await snapshots.write(stateOf(2, 10), at(2));
      const [newest, before] = snapshots.pointers as readonly [SnapshotPointer, SnapshotPointer];
      const warnings: string[] = [];
      const read = (...pointers: SnapshotPointer[]) =>
        readSnapshot({ log, registry }, PLACE, pointers, ({ code, message }) => warnings.push(`${code} ${message}`));
      expect((await read(newest, before))?.pointer.position).toBe(2);
      expect(warnings).toEqual([]);
      const damaged = { ...newest, checksum: before.checksum };
      expect((await read(damaged, before))?.pointer.position).toBe(1);
      expect((await read({ ...newest, format: 0 }, before))?.pointer.position).toBe(1);
      expect((await read({ ...newest, slices: 2 }, before))?.pointer.position).toBe(1);
      await log.deleteRecords(PLACE, before.firstOffset + 1);
      expect(await read(damaged, before)).toBeNull();
      expect(warnings).toHaveLength(5);
      expect(warnings[0]).toBe('TM_SNAPSHOT_UNUSABLE snapshot 2 is damaged, or not all there');
    }));

  it('that nobody came to name are not in the way of later ones', () =>
    inSnapshotStore(async ({ log, registry, open }) => {
      const first = await open();
      await first.write(stateOf(1, 10), at(1));
      const named = first.pointers;
      await first.write(stateOf(2, 3 * SLICE_BYTES), at(2));
      const second = await open(named);
      await second.write(stateOf(3, 2 * SLICE_BYTES), at(3));
      const found = await readSnapshot({ log, registry }, PLACE, second.pointers, () => {});
      expect(found?.pointer).toMatchObject({ number: 2, position: 3 });
      expect(second.pointers.map(({ position }) => position)).toEqual([3, 1]);
    }));

  it('stay as long as a position may name them, and are deleted then', () =>
    inSnapshotStore(async ({ log, registry, open }) => {
      const snapshots = await open();
      for (let i = 1; i <= 20; i++) await snapshots.write(stateOf(i, 2 * SLICE_BYTES), at(i));
      const [range] = (await log.ranges(PLACE.topic)).filter(({ partition }) => partition === PLACE.partition);
      expect((range?.end ?? 0) - (range?.begin ?? 0)).toBeLessThanOrEqual(2 * 3);
      for (const pointer of snapshots.pointers) {
        const found = await readSnapshot({ log, registry }, PLACE, [pointer], () => {});
        expect(found?.pointer.position).toBe(pointer.position);
      }
    }));

  it('are written by one owner at a time', () =>
    inSnapshotStore(async ({ open }) => {
      const first = await open();
      await open();
      const fenced = expect.objectContaining({ code: 'TM_LOG_FENCED' });
      await expect(first.write(stateOf(1, 10), at(1))).rejects.toEqual(fenced);
    }));
});

describe('the schedule of snapshots', () => {
  it('has one taken before a restart would read more again than it may', () => {
    const schedule = new SnapshotSchedule(1_000, 100);
    schedule.worked(900, 10);
    expect(schedule.isDue).toBe(false);
    schedule.worked(1, 10);
    expect(schedule.isDue).toBe(true);
    schedule.taken(1);
    expect(schedule.isDue).toBe(false);
  });

  it('keeps them below a twentieth of the working time', () => {
    const schedule = new SnapshotSchedule(1_000, 100);
    schedule.taken(50);
    schedule.worked(5_000, 999);
    expect(schedule.isDue).toBe(false);
    schedule.worked(5_000, 1);
    expect(schedule.isDue).toBe(true);
  });
});
