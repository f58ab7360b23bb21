import { expect } from 'vitest';
import { runScenarioText } from '../../src/topology/scenario/runScenario.ts';

/** An event of a key, whose value is its own time; a watermark; the end of input. */
export type Move = readonly [key: string | null, timestampMs: number] | { readonly w: number } | 'end';

export interface Setting {
  readonly window: object;
  readonly watermarks?: 'explicit' | 'perEvent';
  readonly outOfOrdernessMs?: number;
  readonly allowedLatenessMs?: number;
  readonly accumulation?: 'accumulating' | 'discarding';
}

interface Printed {
  readonly results: readonly {
    readonly after: number;
    readonly key: string | null;
    readonly startMs: number;
    readonly endMs: number;
    readonly revision: number;
    readonly values: { readonly times: readonly number[] };
  }[];
  readonly late: readonly { readonly input: number; readonly key: string | null; readonly timestampMs: number }[];
  readonly watermarks: readonly (number | 'end' | null)[];
}

export interface Played {
  /** `after: key [start,end) revision: times of the events in it`, in order. */
  readonly results: readonly string[];
  /** `index: key time`. */
  readonly late: readonly string[];
  readonly watermarks: Printed['watermarks'];
}

const CHUNK_SIZES = [1, 2, 3, 100];

/** Plays moves through the engine, at several chunk sizes, which must not matter. Event time is explicit unless set. */
export function play(setting: Setting, moves: readonly Move[]): Played {
  const input = moves.map((move) => {
    if (move === 'end') return { kind: 'endOfInput' };
    if ('w' in move) return { kind: 'watermark', timestampMs: move.w };
    const [key, timestampMs] = move;
    return { kind: 'event', key, timestampMs, value: timestampMs };
  });
  const aggregates = { times: { fn: 'collect' } };
  const text = JSON.stringify({ id: 'rule', watermarks: 'explicit', ...setting, aggregates, input });
  const lines = CHUNK_SIZES.map((size) => runScenarioText(text, size).line);
  expect(new Set(lines), 'one outcome at all chunk sizes').toEqual(new Set([lines[0]]));
  const { results, late, watermarks } = JSON.parse(lines[0] as string) as Printed;
  return {
    results: results.map(
      ({ after, key, startMs, endMs, revision, values }) =>
        `${after}: ${key} [${startMs},${endMs}) r${revision}: ${values.times.join(' ')}`,
    ),
    late: late.map(({ input, key, timestampMs }) => `${input}: ${key} ${timestampMs}`),
    watermarks,
  };
}
