import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Missing,
  openTradeLine,
  type ReceivedTrade,
  type TradeLine,
} from '../../../src/producers/venues/tradeLine.ts';
import type { Venue } from '../../../src/producers/venues/venue.ts';
import { effort } from '../../support/effort.ts';

type Ids = Exclude<Venue['tradeIds'], 'none'>;

const FROM_MICROS = 1_700_000_000_000_000;
const MAX_HELD = 2;
const PAGE = 5;

/** The nth trade of a symbol, from 1. Up to three are at one instant. */
function trade(ids: Ids, n: number, isOld = false): ReceivedTrade {
  const id = ids === 'consecutive' ? 100 + n : ids === 'rising' ? n * 7 : ((n * 7_919) % 10_007) + 1;
  return {
    kind: 'trade',
    symbol: 'A',
    tradeId: String(id),
    sequence: null,
    eventMicros: FROM_MICROS + Math.floor(n / 3) * 1_000,
    publishMicros: null,
    price: '1',
    size: String(n),
    side: null,
    isOld,
    receivedMicros: 0,
  };
}

const numbers = (trades: readonly ReceivedTrade[]): readonly number[] => trades.map(({ size }) => Number(size));

/** A symbol at a venue of which some frames are lost, with a line that puts its trades in order. */
class Session {
  readonly out: number[] = [];
  #happened = 0;
  #first = 0;
  #line: TradeLine;
  #wasLost = false;
  #asked: { readonly missing: Missing; readonly trades: readonly ReceivedTrade[]; readonly isEnd: boolean } | null =
    null;
  readonly #ids: Ids;

  constructor(ids: Ids) {
    this.#ids = ids;
    this.#line = openTradeLine(ids, MAX_HELD, null);
  }

  happen(isLost: boolean): void {
    const now = trade(this.#ids, ++this.#happened);
    // A line begins with the first trade that it is shown.
    if (isLost && this.#first > 0) this.#wasLost = true;
    else if (!isLost) {
      this.#first ||= this.#happened;
      this.#show(now);
    }
  }

  repeat(back: number): void {
    if (this.#happened - back >= this.#first && this.#first > 0) this.#show(trade(this.#ids, this.#happened - back));
  }

  ask(): void {
    const missing = this.#line.missing();
    if (missing !== null) this.#asked ??= { missing, ...this.#page(missing) };
  }

  answer(): void {
    if (this.#asked === null) return;
    const { missing, trades, isEnd } = this.#asked;
    this.#asked = null;
    this.#line.fill(missing, trades, isEnd);
  }

  take(most: number): void {
    this.out.push(...numbers(this.#line.take(most)));
  }

  /** As after a kill: what was not taken is forgotten. */
  restart(): void {
    const { state } = this.#line;
    if (state === null || this.out.length === 0) return;
    this.#line = openTradeLine(this.#ids, MAX_HELD, state);
    this.#asked = null;
  }

  /** Asks until nothing is missing; gives the trades that are to have come. */
  finish(): readonly number[] {
    this.happen(false);
    this.#line.doubt();
    for (let round = 0; this.#line.missing() !== null; round++) {
      if (round > 10 * this.#happened) throw new Error('it goes on asking');
      this.ask();
      this.answer();
    }
    this.take(Number.POSITIVE_INFINITY);
    return Array.from({ length: this.#happened - this.#first + 1 }, (_, n) => this.#first + n);
  }

  #show(shown: ReceivedTrade): void {
    // The connection says so before what comes next.
    if (this.#wasLost) this.#line.doubt();
    this.#wasLost = false;
    this.#line.offer(shown);
  }

  #page({ afterId, fromMicros }: Missing): { readonly trades: readonly ReceivedTrade[]; readonly isEnd: boolean } {
    const happened = Array.from({ length: this.#happened }, (_, n) => trade(this.#ids, n + 1));
    const after = happened.filter(({ tradeId, eventMicros }) => {
      return afterId === null ? eventMicros >= fromMicros : Number(tradeId) > Number(afterId);
    });
    return { trades: after.slice(0, PAGE), isEnd: after.length < PAGE };
  }
}

const step = fc.oneof(
  { weight: 8, arbitrary: fc.constant((session: Session) => session.happen(false)) },
  { weight: 2, arbitrary: fc.constant((session: Session) => session.happen(true)) },
  { weight: 1, arbitrary: fc.nat(12).map((back) => (session: Session) => session.repeat(back)) },
  { weight: 2, arbitrary: fc.constant((session: Session) => session.ask()) },
  { weight: 2, arbitrary: fc.constant((session: Session) => session.answer()) },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 9 }).map((most) => (session: Session) => session.take(most)) },
  { weight: 1, arbitrary: fc.constant((session: Session) => session.restart()) },
);

describe('a line of trades', () => {
  it.each(['consecutive', 'rising', 'unordered'] as const)(
    'of %s ids gives each once and in order, over losses, repeats, answers from before and restarts',
    (ids) => {
      fc.assert(
        fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
          const session = new Session(ids);
          for (const take of steps) take(session);
          const expected = session.finish();
          // By time, trades of the first one's instant may come from before it.
          expect(session.out.filter((n) => ids !== 'unordered' || n >= (expected[0] ?? 0))).toEqual(expected);
        }),
        { numRuns: effort(300) },
      );
    },
  );

  it('begins with the first new trade: old ones only say where that is', () => {
    for (const ids of ['consecutive', 'rising', 'unordered'] as const) {
      const line = openTradeLine(ids, MAX_HELD, null);
      for (const n of [1, 2, 3]) line.offer(trade(ids, n, true));
      for (const n of [3, 4]) line.offer(trade(ids, n));
      expect(numbers(line.take(9)), ids).toEqual([4]);
    }
  });

  it('knows by the latest id that the last trades are missing', () => {
    const line = openTradeLine('consecutive', MAX_HELD, null);
    line.offer(trade('consecutive', 1));
    expect(line.missing()).toBeNull();
    line.latest('103');
    expect(line.missing()).toEqual({ afterId: '101', untilId: '103', fromMicros: FROM_MICROS, doubts: 0 });
  });

  it('gives up consecutive trades by their ids, and goes on after them', () => {
    const line = openTradeLine('consecutive', MAX_HELD, null);
    for (const n of [1, 4, 6]) line.offer(trade('consecutive', n));
    expect(line.giveUp()).toEqual({ detail: "trades 102 to 103 are not in the venue's history" });
    expect(numbers(line.take(9))).toEqual([1, 4]);
    expect(line.missing()).toMatchObject({ afterId: '104', untilId: '105' });
  });

  it('gives up what it is in doubt of, and goes on with what it holds', () => {
    const line = openTradeLine('rising', MAX_HELD, null);
    line.offer(trade('rising', 1));
    line.doubt();
    line.offer(trade('rising', 3));
    expect(numbers(line.take(9))).toEqual([1]);
    expect(line.giveUp()?.detail).toMatch(/^trades after trade 7 may be missing/);
    expect(numbers(line.take(9))).toEqual([3]);
  });

  it('keeps what came after newly lost frames from an answer of before', () => {
    const line = openTradeLine('rising', MAX_HELD, null);
    line.offer(trade('rising', 1));
    line.doubt();
    const before = line.missing() as Missing;
    // Trade 2 is lost while an answer is under way that was given before it happened.
    line.doubt();
    line.offer(trade('rising', 3));
    line.fill(before, [], true);
    expect(line.ready).toBe(1);
    line.fill(line.missing() as Missing, [trade('rising', 2), trade('rising', 3)], true);
    expect(numbers(line.take(9))).toEqual([1, 2, 3]);
  });

  it('keeps also what came after lost frames of the same instant', () => {
    const line = openTradeLine('unordered', MAX_HELD, null);
    for (const n of [1, 2]) line.offer(trade('unordered', n));
    line.doubt();
    const before = line.missing() as Missing;
    // An answer goes up to trade 3; trade 4, which is lost, and trade 5 are of the same instant.
    line.doubt();
    line.offer(trade('unordered', 5));
    line.fill(
      before,
      [2, 3].map((n) => trade('unordered', n)),
      true,
    );
    line.fill(
      line.missing() as Missing,
      [3, 4, 5].map((n) => trade('unordered', n)),
      true,
    );
    expect(numbers(line.take(9))).toEqual([1, 2, 3, 4, 5]);
  });

  it('asks again for what it had no room for', () => {
    const line = openTradeLine('rising', MAX_HELD, null);
    line.offer(trade('rising', 1));
    line.doubt();
    const before = line.missing() as Missing;
    for (const n of [2, 3, 4]) line.offer(trade('rising', n));
    line.fill(before, [], true);
    expect(numbers(line.take(9))).toEqual([1, 2, 3]);
    line.offer(trade('rising', 5));
    line.fill(line.missing() as Missing, [trade('rising', 4), trade('rising', 5)], true);
    expect(numbers(line.take(9))).toEqual([4, 5]);
    expect(line.missing()).toBeNull();
  });

  it('has a state of less than 3,000 characters, however many trades are at one instant', () => {
    const line = openTradeLine('unordered', MAX_HELD, null);
    for (let n = 0; n < 1_000; n++)
      line.offer({ ...trade('unordered', n), tradeId: `match-${n}`, eventMicros: FROM_MICROS });
    line.take(1_000);
    expect(line.state?.length).toBeLessThan(3_000);
  });
});
