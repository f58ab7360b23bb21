import { PassThrough } from 'node:stream';
import type { WriteStream } from 'node:tty';
import { describe, expect, it } from 'vitest';
import { startProgress } from '../../src/cli/progress.ts';

/** A stream that remembers, in the place of standard error. */
function captured(): { stream: NodeJS.WriteStream; text: () => string } {
  const stream = new PassThrough();
  return { stream: stream as unknown as WriteStream, text: () => String(stream.read() ?? '') };
}

describe('progress without a terminal', () => {
  it('writes at most one line a second, and where it ended', () => {
    let nowMs = 0;
    const { stream, text } = captured();
    const progress = startProgress({ total: 1_000, unit: 'records', stream, now: () => nowMs });
    for (; nowMs < 2_500; nowMs += 100) progress.update(nowMs / 10);
    progress.stop();
    expect(text().trimEnd().split('\n')).toEqual([
      '100 of 1000 (10%) records, 100/s',
      '200 of 1000 (20%) records, 100/s',
      '240 of 1000 (24%) records, 96/s',
    ]);
  });

  it('writes no escape sequences, and nothing at all when nothing happened', () => {
    const { stream, text } = captured();
    startProgress({ unit: 'rows', stream, now: () => 0 }).stop();
    expect(text()).toBe('');
    const progress = startProgress({ unit: 'rows', stream, now: () => 0 });
    progress.update(3, 'two bad');
    progress.stop();
    expect(text()).toBe('3 rows, 0/s, two bad\n');
  });
});
