import { PassThrough } from 'node:stream';
import type { WriteStream } from 'node:tty';
import { describe, expect, it } from 'vitest';
import { RequestProgress } from '../../src/cli/requestProgress.ts';

describe('the progress of requests', () => {
  it('says how long the rest takes: by the pace so far, or by the limits of the plan, whichever is longer', () => {
    const stream = new PassThrough();
    let nowMs = 0;
    const leastMs = (requests: number): number => (requests > 25 ? 86_400_000 + requests * 1_000 : requests * 1_000);
    const progress = new RequestProgress({ stream: stream as unknown as WriteStream, now: () => nowMs, leastMs });
    for (const [asked, atMs] of [
      [0, 0],
      [1, 1_000],
      [10, 20_000],
      [39, 100_000],
      [40, 160_000],
    ] as const) {
      nowMs = atMs;
      progress.rows(asked * 100);
      progress.asked(asked, 40);
    }
    progress.stop();
    expect(String(stream.read()).trimEnd().split('\n')).toEqual([
      '1 of 40 (2%) requests, 1/s, 100 rows, about 25 h left',
      '10 of 40 (25%) requests, 0.5/s, 1000 rows, about 25 h left',
      '39 of 40 (97%) requests, 0.39/s, 3900 rows, about 3 s left',
      '40 of 40 (100%) requests, 0.25/s, 4000 rows',
    ]);
  });
});
