import { describe, expect, it } from 'vitest';
import {
  aggregate,
  collect,
  external,
  globally,
  keyBy,
  TopologyTestDriver,
  topology,
  tumbling,
  type WindowDefinition,
  watermark,
  window,
} from '../../../src/index.ts';
import type { ResultRow, TestTick } from '../../support/drive.ts';

const MS = 1_000;
const START = Date.UTC(1900, 0, 1) * MS;
const END = Number.MAX_SAFE_INTEGER;
const CHUNK_SIZES = [1, 2, 3, 100];

type Behaviour = Parameters<typeof window>[1];
/** An event of a key at a millisecond, its price the number of the move; a watermark in milliseconds; or else what it says. */
type Move = readonly [key: string, timestampMs: number] | { readonly w: number } | 'flush' | 'end' | 'move';

/** Rows as `key interval r<revision>: prices`, in order, the same at all chunk sizes; `move` goes on in a fresh driver. */
function play(definitions: readonly WindowDefinition[], behaviour: Behaviour, moves: readonly Move[]): string[] {
  const [rows, ...others] = CHUNK_SIZES.map((size) => playInChunks(definitions, behaviour, moves, size));
  for (const other of others) expect(other, 'one outcome at all chunk sizes').toEqual(rows);
  return (rows ?? []).map(({ instrument, interval, revision, held, final }) => {
    return `${instrument} ${interval} r${revision}: ${held}${final === true ? '' : ' provisional'}`;
  });
}

function playInChunks(
  definitions: readonly WindowDefinition[],
  behaviour: Behaviour,
  moves: readonly Move[],
  size: number,
): ResultRow[] {
  const built = topology({
    name: 'played',
    version: 1,
    inputs: { ticks: 'ticks' },
    build: ({ ticks }) => ({
      played: ticks.pipe(
        watermark(external()),
        keyBy('instrument'),
        window(definitions, behaviour),
        aggregate({ held: collect('price') }),
      ),
    }),
  });
  let driver = new TopologyTestDriver(built);
  let pending: TestTick[] = [];
  const rows: ResultRow[] = [];
  const feed = (): void => {
    if (pending.length > 0) driver.feed('ticks', pending);
    pending = [];
    rows.push(...driver.read<ResultRow>('played'));
  };
  for (const [i, move] of moves.entries()) {
    if (typeof move === 'object' && !('w' in move)) {
      const [instrument, timestampMs] = move;
      pending.push({ instrument, eventTime: timestampMs * MS, price: i, size: 1, sequence: null });
      if (pending.length === size) feed();
      continue;
    }
    feed();
    if (move === 'flush') driver.flush();
    else if (move === 'end') driver.end();
    else if (move === 'move') driver = TopologyTestDriver.restore(built, driver.snapshot());
    else driver.advanceWatermark(move.w * MS + MS - 1);
    rows.push(...driver.read<ResultRow>('played'));
  }
  feed();
  expect(driver.readLate('played')).toEqual([]);
  return rows;
}

const everyTwo = [globally({ everyCount: 2 })];
const everyTen = [globally({ everyMs: 10 })];

describe('global windows', () => {
  // One window for each key; the prices are the numbers of the moves.
  it('have the same bounds whatever they hold, and negative times belong to them', () => {
    const results = playInChunks(
      [globally({ everyCount: 1 })],
      {},
      [
        ['a', -5],
        ['a', 1_700_000_000_000],
      ],
      9,
    );
    const bounds = { start: START, end: END, deleted: false, final: true };
    expect(results).toMatchObject([
      { ...bounds, revision: 0, held: '[0]' },
      { ...bounds, revision: 1, held: '[0,1]' },
    ]);
  });

  it('take every record, however late it is', () => {
    expect(play(everyTwo, {}, [['a', 5], { w: 1_000_000 }, ['a', -1_000_000]])).toEqual(['a global/2 r0: [0,2]']);
  });

  it('with several triggers and other windows are served in one pass; they come after what completes at one instant', () => {
    const definitions = [globally({ everyMs: 10 }), globally({ everyCount: 2 }), tumbling('10ms')];
    expect(play(definitions, {}, [{ w: 0 }, ['a', 3], ['a', 4], ['a', 5], { w: 9 }])).toEqual([
      'a global/2 r0: [1,2]',
      'a 10ms r0: [1,2,3]',
      'a global/10ms r0: [1,2,3]',
    ]);
  });
});

describe('a count trigger', () => {
  // moves  0 1 2 3 4
  // of a   1   2 1 2      fires after each second
  // of b     1
  it('fires after each n-th record of a key', () => {
    expect(
      play(everyTwo, {}, [
        ['a', 9],
        ['b', 1],
        ['a', 3],
        ['a', 1],
        ['a', 2],
      ]),
    ).toEqual(['a global/2 r0: [0,2]', 'a global/2 r1: [0,2,3,4]']);
  });

  it('is not moved by time, nor by a flush, which gives what is left', () => {
    expect(play(everyTwo, {}, [['a', 1], { w: 50 }, 'flush', 'flush', ['a', 2], ['a', 3], 'flush'])).toEqual([
      'a global/2 r0: [0]',
      'a global/2 r1: [0,4]',
      'a global/2 r2: [0,4,5]',
    ]);
  });

  it('that discards gives what came since, and a flush what came since that', () => {
    const moves = [['a', 1], ['a', 2], ['a', 3], 'flush', ['a', 4], 'flush'] as const;
    expect(play(everyTwo, { accumulation: 'discarding' }, moves)).toEqual([
      'a global/2 r0: [0,1]',
      'a global/2 r1: [2]',
      'a global/2 r2: [4]',
    ]);
  });

  it('goes on counting in another process', () => {
    const three = [globally({ everyCount: 3 })];
    expect(play(three, {}, [['a', 1], ['b', 1], ['a', 2], 'move', ['b', 2], ['a', 3], 'move', ['b', 3]])).toEqual([
      'a global/3 r0: [0,2,5]',
      'b global/3 r0: [1,4,7]',
    ]);
  });

  it('leaves what is left to the end of the input, by first record', () => {
    expect(play(everyTwo, {}, [['b', 2], ['a', 1], ['a', 1], ['c', 1], 'end'])).toEqual([
      'a global/2 r0: [1,2]',
      'b global/2 r0: [0]',
      'c global/2 r0: [3]',
    ]);
  });

  it('gives final results among the provisional ones of each change', () => {
    expect(play(everyTwo, { emit: 'eachChange' }, [['a', 1], ['a', 2], ['a', 3], 'flush'])).toEqual([
      'a global/2 r0: [0] provisional',
      'a global/2 r1: [0,1]',
      'a global/2 r2: [0,1,2] provisional',
      'a global/2 r3: [0,1,2]',
    ]);
  });
});

describe('a time trigger', () => {
  // watermark   8   9     18  19
  // fires           10        20: nothing before it is to come
  it('fires when the watermark passes a multiple, whatever the times of the records', () => {
    const moves = [{ w: -1 }, ['a', 25], { w: 8 }, { w: 9 }, ['a', 0], { w: 18 }, { w: 19 }] as const;
    expect(play(everyTen, {}, moves)).toEqual(['a global/10ms r0: [1]', 'a global/10ms r1: [1,4]']);
    expect(play(everyTen, {}, moves.slice(0, 3))).toEqual([]);
    expect(play(everyTen, {}, moves.slice(0, 6))).toHaveLength(1);
  });

  it('has multiples below zero', () => {
    expect(play(everyTen, {}, [{ w: -19 }, ['a', 1], { w: -12 }])).toEqual([]);
    expect(play(everyTen, {}, [{ w: -19 }, ['a', 1], { w: -11 }])).toEqual(['a global/10ms r0: [1]']);
  });

  it('fires once where the watermark passes several, and for keys that changed, by first record', () => {
    const moves = [
      { w: 0 },
      ['b', 1],
      ['a', 1],
      { w: 95 },
      ['a', 2],
      { w: 99 },
      ['a', 3],
      ['b', 3],
      { w: 200 },
    ] as const;
    expect(play(everyTen, {}, moves)).toEqual([
      'b global/10ms r0: [1]',
      'a global/10ms r0: [2]',
      'a global/10ms r1: [2,4]',
      'b global/10ms r1: [1,7]',
      'a global/10ms r2: [2,4,6]',
    ]);
  });

  it('is started by the first watermark, which has passed nothing', () => {
    expect(play(everyTen, {}, [['a', 1], { w: 34 }])).toEqual([]);
    expect(play(everyTen, {}, [['a', 1], { w: 34 }, { w: 39 }])).toEqual(['a global/10ms r0: [0]']);
  });

  it('is done by the end of the input, with or without a watermark before it', () => {
    expect(play(everyTen, {}, [['a', 1], 'end'])).toEqual(['a global/10ms r0: [0]']);
    expect(play(everyTen, {}, [{ w: 3 }, ['a', 1], 'end'])).toEqual(['a global/10ms r0: [1]']);
  });

  it('does not give again what a flush gave', () => {
    expect(play(everyTen, {}, [{ w: 0 }, ['a', 1], 'flush', { w: 9 }, ['a', 1], { w: 19 }])).toEqual([
      'a global/10ms r0: [1]',
      'a global/10ms r1: [1,4]',
    ]);
  });

  it('that discards gives what came since', () => {
    const moves = [{ w: 0 }, ['a', 1], { w: 9 }, ['a', 2], ['a', 3], { w: 19 }, { w: 29 }] as const;
    expect(play(everyTen, { accumulation: 'discarding' }, moves)).toEqual([
      'a global/10ms r0: [1]',
      'a global/10ms r1: [3,4]',
    ]);
  });

  it('goes on in another process', () => {
    const moves = [{ w: 0 }, ['b', 1], ['a', 1], 'move', { w: 9 }, 'move', ['a', 2], 'move', { w: 19 }] as const;
    expect(play(everyTen, {}, moves)).toEqual([
      'b global/10ms r0: [1]',
      'a global/10ms r0: [2]',
      'a global/10ms r1: [2,6]',
    ]);
  });

  it('makes final what has been shown as provisional more often', () => {
    const moves = [{ w: 0 }, ['a', 1], { w: 4 }, { w: 9 }] as const;
    expect(play(everyTen, { emit: { everyMs: 5 } }, moves)).toEqual([
      'a global/10ms r0: [1] provisional',
      'a global/10ms r1: [1]',
    ]);
  });
});

describe('the definition of global windows', () => {
  it('has a name of its own for each trigger', () => {
    expect(globally({ everyCount: 60_000 }).interval).toBe('global/60000');
    expect(globally({ everyMs: 60_000 }).interval).toBe('global/1m');
  });

  it.each([
    [{}],
    [{ everyCount: 1, everyMs: 1 }],
    [{ everyCount: 0 }],
    [{ everyCount: -1 }],
    [{ everyCount: 1.5 }],
    [{ everyCount: Number.NaN }],
    [{ everyCount: Number.POSITIVE_INFINITY }],
    [{ everyMs: 0 }],
    [{ everyMs: -5 }],
    [{ everyMs: 0.5 }],
    [{ everyMs: Number.MAX_SAFE_INTEGER }],
  ])('%j is refused', (trigger) => {
    expect(() => globally(trigger)).toThrow(expect.objectContaining({ code: 'TM_WINDOW' }));
  });
});
