import { describe, expect, it } from 'vitest';
import { hopping, tumbling, type WindowDefinition } from '../../src/index.ts';
import { Drive, type TestTick } from '../support/drive.ts';
import { windowedTicks } from '../support/windowedTicks.ts';

const MS = 1_000;

function driveOf(windows: readonly WindowDefinition[], outOfOrdernessMs: number, allowedLatenessMs: number): Drive {
  return new Drive(windowedTicks(windows, outOfOrdernessMs, { allowedLatenessMs }));
}

/** A tick of one key at a millisecond; its price is the millisecond too. */
function at(ms: number, instrument = 'a', sequence: number | null = null): TestTick {
  return { instrument, eventTime: ms * MS, price: Math.abs(ms) + 1, size: 1, sequence };
}

/** Emissions as `key [start,end) revision: count`, times in milliseconds. */
function emitted(drive: Drive): string[] {
  return drive.results.map(
    ({ instrument, start, end, revision, count: n }) =>
      `${instrument} [${Number(start) / MS},${Number(end) / MS}) r${revision}: ${n}`,
  );
}

describe('tumbling windows', () => {
  // time      0         10        20
  // window    [---------)[--------)
  // records   1       9  10           completes [0,10) when the watermark reaches 9.999
  it('are half-open: the record at the end belongs to the next window', () => {
    const drive = driveOf([tumbling('10ms')], 0, 0).feed([at(1), at(9), at(10), at(20), at(21)]);
    expect(emitted(drive)).toEqual(['a [0,10) r0: 2', 'a [10,20) r0: 1']);
  });

  it('floor negative times', () => {
    const drive = driveOf([tumbling('10ms')], 0, 0).feed([at(-1), at(-10), at(-11), at(50)]);
    // -10 and -1 share [-10,0); -11 came after [-20,-10) had expired: the watermark stood at -1.001.
    expect(emitted(drive)).toEqual(['a [-10,0) r0: 2']);
    expect(drive.late).toMatchObject([{ offset: 2, intervals: '10ms', missedAll: true }]);
  });

  it('all fire, however far time jumps', () => {
    const drive = driveOf([tumbling('10ms')], 20, 0).feed([at(1), at(11), at(12), at(2, 'b'), at(1e9)]);
    expect(emitted(drive)).toEqual(['a [0,10) r0: 1', 'b [0,10) r0: 1', 'a [10,20) r0: 2']);
  });

  it('are complete when the watermark reaches end - 1 microsecond, not before', () => {
    const before = driveOf([tumbling('10ms')], 0, 0).feed([at(1), { ...at(10), eventTime: 10 * MS - 1 }]);
    expect(emitted(before)).toEqual([]);
    expect(emitted(before.feed([at(10)]))).toEqual(['a [0,10) r0: 2']);
  });
});

describe('lateness', () => {
  // allowed lateness 5 ms: [0,10) takes records while the watermark is below 9.999 + 5 ms
  it('a record for a window that has fired and not expired fires it again', () => {
    const drive = driveOf([tumbling('10ms')], 0, 5).feed([at(1), at(12), at(2)]);
    expect(emitted(drive)).toEqual(['a [0,10) r0: 1', 'a [0,10) r1: 2']);
    expect(drive.late).toEqual([]);
  });

  it('a record for a complete window that never fired fires it at once, with revision 0', () => {
    const drive = driveOf([tumbling('10ms')], 0, 5).feed([at(12), at(2)]);
    expect(emitted(drive)).toEqual(['a [0,10) r0: 1']);
  });

  it('a window expires at end - 1 + allowed lateness, and then its records are late', () => {
    const drive = driveOf([tumbling('10ms')], 0, 5).feed([at(1), at(15), at(2)]);
    expect(emitted(drive)).toEqual(['a [0,10) r0: 1']);
    expect(drive.late).toMatchObject([{ offset: 2, intervals: '10ms', missedAll: true, watermark: 15 * MS - 1 }]);
  });

  it('is judged for each definition, and the ledger names those that missed the record', () => {
    const drive = driveOf([tumbling('10ms'), tumbling('100ms')], 0, 0).feed([at(1), at(12), at(2)]);
    expect(drive.late).toMatchObject([{ offset: 2, intervals: '10ms', missedAll: false }]);
    expect(emitted(drive.flush()).filter((row) => row.includes('[0,100)'))).toEqual(['a [0,100) r0: 3']);
  });

  it('of a hopping window: a record is late only when all its windows have expired', () => {
    const drive = driveOf([hopping('10ms', '5ms')], 0, 0).feed([at(1), at(12), at(7), at(2), at(30)]);
    // At 11.999: [-5,5) and [0,10) have expired, [5,15) has not. 7 belongs to [0,10) and [5,15); 2 to expired ones only.
    expect(emitted(drive)).toEqual(['a [-5,5) r0: 1', 'a [0,10) r0: 1', 'a [5,15) r0: 2', 'a [10,20) r0: 1']);
    expect(drive.late).toMatchObject([{ offset: 3, intervals: '10ms/5ms', missedAll: true }]);
  });
});

describe('a flush', () => {
  it('fires what changed since the last firing, and moves no watermark', () => {
    const drive = driveOf([tumbling('10ms')], 0, 0)
      .feed([at(1), at(2, 'b')])
      .flush();
    expect(emitted(drive)).toEqual(['a [0,10) r0: 1', 'b [0,10) r0: 1']);
    expect(emitted(drive.flush())).toHaveLength(2);
    drive.feed([at(3)]).flush();
    expect(emitted(drive).slice(2)).toEqual(['a [0,10) r1: 2']);
  });

  it('is not repeated by the completion when nothing changed in between', () => {
    const drive = driveOf([tumbling('10ms')], 0, 0)
      .feed([at(1), at(2, 'b')])
      .flush()
      .feed([at(3), at(10)]);
    expect(emitted(drive).slice(2)).toEqual(['a [0,10) r1: 2']);
  });
});

describe('hopping windows', () => {
  it('with a slide above the size leave gaps, whose records belong nowhere and are not late', () => {
    const drive = driveOf([hopping('2ms', '10ms')], 0, 0).feed([at(1), at(5), at(11), at(30)]);
    expect(emitted(drive)).toEqual(['a [0,2) r0: 1', 'a [10,12) r0: 1']);
    expect(drive.late).toEqual([]);
  });
});

describe('open and close', () => {
  it('go by event time, then sequence, then arrival', () => {
    const drive = driveOf([tumbling('10ms')], 5, 0).feed([
      { ...at(5), price: 50, sequence: 2 },
      { ...at(5), price: 51, sequence: 1 },
      { ...at(3), price: 30, sequence: 9 },
      { ...at(3), price: 31, sequence: 9 },
      { ...at(5), price: 52, sequence: 2 },
      at(30),
    ]);
    expect(drive.results[0]).toMatchObject({
      open: 30,
      close: 52,
      openTime: 3 * MS,
      openSequence: 9,
      closeTime: 5 * MS,
      closeSequence: 2,
      high: 52,
      low: 30,
    });
  });

  it('a record without a sequence comes before those that have one', () => {
    const drive = driveOf([tumbling('10ms')], 5, 0).feed([
      { ...at(5), price: 1, sequence: 0 },
      { ...at(5), price: 2, sequence: null },
      at(30),
    ]);
    expect(drive.results[0]).toMatchObject({ open: 2, openSequence: null, close: 1, closeSequence: 0 });
  });
});
