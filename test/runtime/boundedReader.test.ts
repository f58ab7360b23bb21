import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BoundedReader } from '../../src/runtime/boundedReader.ts';
import type { TestTick } from '../support/drive.ts';
import { appendTicks, inStore } from '../support/tickStore.ts';

const PARTITIONS = 2;
const BOUNDS = { maxRecords: 100, maxBytes: 1_000_000 };

let directory = '';
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'tidemark-bounded-'));
  const ticks = Array.from({ length: 20 }, (_, i): TestTick => {
    return { instrument: `key-${i % PARTITIONS}`, eventTime: i, price: 1, size: 1, sequence: i };
  });
  await appendTicks(directory, PARTITIONS, ticks, ({ instrument }) => Number(instrument.at(-1)));
});
afterEach(() => {
  rmSync(directory, { recursive: true });
});

/** Offsets of each partition that are read until nothing comes any more. */
async function readAll(reader: BoundedReader): Promise<number[][]> {
  const read: number[][] = Array.from({ length: PARTITIONS }, () => []);
  for (let chunk = await reader.read(BOUNDS, 0); chunk !== null; chunk = await reader.read(BOUNDS, 0)) {
    read[chunk.partition]?.push(...chunk.offsets.subarray(0, chunk.count));
  }
  return read;
}

function upTo(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

describe('a bounded reader', () => {
  it('stops at the limit of each partition, goes on as it rises, and leaves alone what is paused', async () => {
    await inStore(directory, async (log) => {
      const places = [0, 1].map((partition) => ({ topic: 'ticks', partition, offset: 0 }));
      const limits = [3, 0];
      const reader = new BoundedReader(await log.openReader(places), places, ({ partition }) => limits[partition] ?? 0);
      expect(await readAll(reader)).toEqual([upTo(0, 3), []]);
      expect(places.map((place) => reader.position(place))).toEqual([3, 0]);
      limits.splice(0, 2, 7, 5);
      reader.pause({ topic: 'ticks', partition: 1 });
      expect(await readAll(reader)).toEqual([upTo(3, 7), []]);
      reader.resume({ topic: 'ticks', partition: 1 });
      limits.splice(0, 2, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY);
      expect(await readAll(reader)).toEqual([upTo(7, 10), upTo(0, 10)]);
      await reader.close();
    });
  });
});
