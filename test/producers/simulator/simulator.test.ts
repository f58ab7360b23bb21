import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Columns } from '../../../src/core/columns.ts';
import type { MarketParameters } from '../../../src/producers/simulator/market.ts';
import { Simulator, type SimulatorOptions } from '../../../src/producers/simulator/simulator.ts';
import type { PartPosition } from '../../../src/producers/source.ts';

const START_MICROS = 1_700_000_000_000_000;
const BOUND_MS = 1_000;
const LATENESS_MS = 300_000;

const MARKET: MarketParameters = {
  seed: 7,
  symbols: 20,
  ticksPerSecond: 1_000,
  burst: 8,
  disorderMs: 800,
  lateFraction: 0.02,
  lateAfterMs: BOUND_MS,
  tooLateAfterMs: BOUND_MS + LATENESS_MS,
  duplicateFraction: 0.05,
};

interface Tick {
  readonly instrument: string;
  readonly eventTime: number;
  readonly price: number;
  readonly size: number;
  readonly side: number;
  readonly sequence: number;
  readonly tradeId: string;
  readonly receiveTime: number;
}

function numbers(columns: Columns, name: string): Float64Array {
  const column = columns.byName.get(name);
  if (column?.kind === 'long' || column?.kind === 'double') return column.values;
  throw new Error(`${name} is ${column?.kind}`);
}

function texts(columns: Columns, name: string): string[] {
  const column = columns.byName.get(name);
  if (column?.kind !== 'string') throw new Error(`${name} is ${column?.kind}`);
  return Array.from({ length: columns.length }, (_, i) =>
    Buffer.from(column.bytes.subarray(column.offsets[i], column.offsets[i + 1])).toString(),
  );
}

function ticksOf(columns: Columns): Tick[] {
  const at = (name: string) => numbers(columns, name);
  const [eventTime, price, size, sequence, receiveTime] = [
    at('eventTime'),
    at('price'),
    at('size'),
    at('sequence'),
    at('receiveTime'),
  ];
  const [instrument, tradeId] = [texts(columns, 'instrument'), texts(columns, 'tradeId')];
  const side = columns.byName.get('side');
  return instrument.map((name, i) => ({
    instrument: name,
    eventTime: eventTime[i] ?? Number.NaN,
    price: price[i] ?? Number.NaN,
    size: size[i] ?? Number.NaN,
    side: side?.kind === 'enum' ? (side.codes[i] ?? -1) : -1,
    sequence: sequence[i] ?? Number.NaN,
    tradeId: tradeId[i] ?? '',
    receiveTime: receiveTime[i] ?? Number.NaN,
  }));
}

interface Run {
  readonly ticks: Tick[];
  readonly batches: number[];
  readonly last: PartPosition | null;
}

async function run(
  options: Partial<SimulatorOptions> & { market?: MarketParameters },
  {
    from = null as PartPosition | null,
    maxRecords = 1_000,
    now = (): number => 0,
    signal = new AbortController().signal,
  } = {},
): Promise<Run> {
  const simulator = new Simulator({
    market: MARKET,
    topic: 'ticks',
    paced: false,
    startMicros: START_MICROS,
    count: 5_000,
    maxRunMs: Number.POSITIVE_INFINITY,
    wait: () => Promise.reject(new Error('it should not wait')),
    ...options,
  });
  const ticks: Tick[] = [];
  const batches: number[] = [];
  let last = from;
  const bounds = { maxRecords, maxBytes: 1_000_000, maxMs: 100 };
  for await (const { outputs, positions } of simulator.batches({ from: [from], bounds, now, signal })) {
    for (const { columns } of outputs) ticks.push(...ticksOf(columns));
    batches.push(ticks.length);
    last = positions.get(0) ?? last;
  }
  return { ticks, batches, last };
}

describe('the simulator', () => {
  it('makes the same ticks from the same seed, however they are cut into batches and runs', async () => {
    const whole = (await run({})).ticks;
    expect(whole).toHaveLength(5_000);
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 5_000 }),
        fc.integer({ min: 7, max: 6_000 }),
        async (cut, maxRecords) => {
          const first = await run({ count: cut }, { maxRecords });
          const rest = await run({}, { from: first.last, maxRecords: maxRecords + 1 });
          expect([...first.ticks, ...rest.ticks]).toEqual(whole);
          expect(rest.last?.offset).toBe(5_000);
        },
      ),
      { numRuns: 20 },
    );
  });

  it('makes others from another seed', async () => {
    const other = await run({ market: { ...MARKET, seed: 8 } });
    expect(other.ticks).not.toEqual((await run({})).ticks);
  });

  it('has prices on a grid of cents that move in small steps, and positive sizes in thousandths', async () => {
    const { ticks } = await run({ count: 20_000, market: { ...MARKET, duplicateFraction: 0 } });
    const last = new Map<string, number>();
    for (const { instrument, price, size } of ticks) {
      expect(price).toBe(Math.round(price * 100) / 100);
      expect(price).toBeGreaterThan(0);
      expect(size).toBe(Math.round(size * 1_000) / 1_000);
      expect(size).toBeGreaterThan(0);
      const before = last.get(instrument);
      if (before !== undefined) expect(Math.abs(price - before)).toBeLessThan(1);
      last.set(instrument, price);
    }
    expect([...last.keys()].toSorted()).toEqual(
      Array.from({ length: 20 }, (_, i) => `sim:SYM${String(i + 1).padStart(4, '0')}`),
    );
    expect(new Set(ticks.map(({ price }) => price)).size).toBeGreaterThan(300);
  });

  it('numbers the ticks of an instrument upwards, and repeats some exactly', async () => {
    const { ticks } = await run({});
    const highest = new Map<string, Tick>();
    const seen = new Map<number, Tick>();
    let duplicates = 0;
    for (const tick of ticks) {
      expect(tick.tradeId).toBe(String(tick.sequence));
      const original = seen.get(tick.sequence);
      if (original !== undefined) {
        duplicates++;
        expect(tick).toEqual(original);
        continue;
      }
      seen.set(tick.sequence, tick);
      expect(tick.sequence).toBeGreaterThan(highest.get(tick.instrument)?.sequence ?? -1);
      highest.set(tick.instrument, tick);
    }
    expect(duplicates / ticks.length).toBeGreaterThan(0.04);
    expect(duplicates / ticks.length).toBeLessThan(0.06);
  });

  it('comes out of order inside the bound, late ticks aside', async () => {
    const market = { ...MARKET, duplicateFraction: 0 };
    const { ticks } = await run({ count: 50_000, market });
    const delaysMs = ticks.map(({ eventTime, receiveTime }) => (receiveTime - eventTime) / 1_000);
    const late = delaysMs.filter((ms) => ms > market.disorderMs);
    expect(late.every((ms) => ms >= BOUND_MS)).toBe(true);
    expect(late.length / ticks.length).toBeCloseTo(0.02, 2);
    const tooLate = late.filter((ms) => ms >= BOUND_MS + LATENESS_MS);
    expect(tooLate.length / late.length).toBeGreaterThan(0.2);
    expect(tooLate.length / late.length).toBeLessThan(0.3);
    const disordered = ticks.filter(({ eventTime }, i) => eventTime < (ticks[i - 1]?.eventTime ?? 0));
    expect(disordered.length).toBeGreaterThan(1_000);
    const calm = await run({ market: { ...market, disorderMs: 0, lateFraction: 0 } });
    expect(calm.ticks.every(({ eventTime }, i) => eventTime >= (calm.ticks[i - 1]?.eventTime ?? 0))).toBe(true);
  });

  it('keeps its rate over time, with bursts in it', async () => {
    const { ticks } = await run({ count: 10_000, market: { ...MARKET, duplicateFraction: 0 } });
    const arrivals = ticks.map(({ receiveTime }) => receiveTime - START_MICROS);
    expect(arrivals[0]).toBe(0);
    expect(arrivals[9_000]).toBe(9_000_000);
    const gaps = arrivals.slice(1).map((at, i) => at - (arrivals[i] ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(124);
    expect(gaps.filter((gap) => gap <= 126)).toHaveLength(10 * 200);
  });

  describe('at the pace of the clock', () => {
    /** A clock that only waiting moves. */
    function pace() {
      let nowMs = 1_000_000;
      const waits: number[] = [];
      return {
        now: () => nowMs,
        waits,
        wait: async (ms: number) => {
          waits.push(ms);
          nowMs += ms;
        },
      };
    }
    const market = { ...MARKET, burst: 1, duplicateFraction: 0, lateFraction: 0, disorderMs: 0 };

    it('gives each tick once it is due', async () => {
      const { now, wait, waits } = pace();
      const { ticks, batches } = await run({ market, paced: true, wait, count: 1_000 }, { now });
      expect(ticks).toHaveLength(1_000);
      expect(batches).toEqual([1, 101, 201, 301, 401, 501, 601, 701, 801, 901, 1_000]);
      expect(waits.every((ms) => ms === 100)).toBe(true);
    });

    it('ends when its time is over', async () => {
      const { now, wait } = pace();
      const { ticks } = await run({ market, paced: true, wait, count: 1e9, maxRunMs: 2_050 }, { now });
      expect(ticks).toHaveLength(2_001);
    });

    it('ends when it is stopped in a wait', async () => {
      const { now } = pace();
      const stop = new AbortController();
      const wait = async () => stop.abort();
      expect((await run({ market, paced: true, wait }, { now, signal: stop.signal })).ticks).toHaveLength(1);
    });

    it('goes on with the next tick at the present time, unless its start was given', async () => {
      const { now, wait } = pace();
      const first = await run({ market, paced: true, wait, count: 500, startMicros: null }, { now });
      expect(first.ticks[0]?.eventTime).toBe(1_000_000_000);
      await wait(3_600_000);
      const second = await run(
        { market, paced: true, wait, count: 1_000, startMicros: null },
        { now, from: first.last },
      );
      expect(second.ticks[0]).toMatchObject({ sequence: 500, eventTime: now() * 1_000 - 500_000 });
      const given = await run({ market, paced: true, wait, count: 1_000 }, { now, from: first.last });
      expect(given.ticks[0]).toMatchObject({ sequence: 500, eventTime: START_MICROS + 500_000 });
    });
  });

  it('without a pace and a start ends at the present time, in later runs as well', async () => {
    const market = { ...MARKET, burst: 1, duplicateFraction: 0, lateFraction: 0, disorderMs: 0 };
    const options = { market, startMicros: null, count: 1_000 };
    const { ticks, last } = await run({ ...options, count: 1_000 }, { now: () => 5_000_000 });
    expect(ticks.at(-1)?.eventTime).toBe(5_000_000_000 - 1_000);
    const more = await run({ ...options, count: 1_100 }, { now: () => 9_000_000, from: last });
    expect(more.ticks[0]?.eventTime).toBe(5_000_000_000);
  });
});
