import { seededRandom } from '../killing.ts';
import type { Mishap } from './exchangeServer.ts';
import type { TrueTrade } from './wire.ts';

const HOUR_MICROS = 3_600_000_000;

/** Trades of an hour from `fromMicros`, by time; several can be at one instant. */
export function tradesOfAnHour(
  symbols: readonly string[],
  count: number,
  fromMicros: number,
  seed: number,
): readonly TrueTrade[] {
  const random = seededRandom(seed);
  const ids = new Map(symbols.map((symbol, n) => [symbol, 1_000_000 * (n + 1)]));
  const times = Array.from({ length: count }, () => Math.floor((random() * HOUR_MICROS) / 1_000) * 1_000).sort(
    (a, b) => a - b,
  );
  return times.map((sinceMicros) => {
    const symbol = symbols[Math.floor(random() * symbols.length)] ?? '';
    const id = (ids.get(symbol) ?? 0) + 1;
    ids.set(symbol, id);
    return {
      ...{ symbol, id, micros: fromMicros + sinceMicros },
      price: (100 + Math.floor(random() * 10_000) / 100).toFixed(2),
      size: (Math.floor(random() * 1e6 + 1) / 1e4).toFixed(4),
      side: random() < 0.5 ? 'buy' : 'sell',
    };
  });
}

/** So many cuts and stalls, and 1% of frames lost, 1% repeated and 0.5% garbled; the first and last frames come well. */
export function mishaps(count: number, disconnects: number, seed: number): readonly Mishap[] {
  const random = seededRandom(seed);
  const all = Array.from({ length: count }, (): Mishap => {
    const chance = random();
    return chance < 0.01 ? 'lost' : chance < 0.02 ? 'repeated' : chance < 0.025 ? 'garbled' : 'none';
  });
  const well = Math.min(40, count / 4);
  for (let n = 0; n < disconnects; n++) {
    // Apart, so that none falls into what is missed while a client is away.
    const at = Math.floor(well + ((count - 2 * well) * (n + random() / 2)) / disconnects);
    all[at] = n % 10 === 0 ? 'stalled' : 'cut';
  }
  return all.fill('none', 0, well).fill('none', count - well);
}
