import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import { seededRandom } from './random.ts';

const SYMBOLS = 100;
const START_MS = Date.UTC(2024, 0, 2, 9, 30);
/** 2,500 ticks a second: about as many to a one-second bar as the real trades in the test data have. */
const MEAN_GAP_MS = 0.4;
/** A tick's time lies up to this far behind the newest: less than the topology's bound, so that none is late. */
const MOST_DISORDER_MS = 800;
const LINES_A_WRITE = 10_000;

/**
 * Writes `count` trades of 100 symbols in the columns of the packaged layout for Binance trades, a third of them out of
 * order: random walks with two decimals, sizes with four. The same count gives the same file.
 */
export async function writeTicksFile(path: string, count: number): Promise<void> {
  const random = seededRandom(20240102);
  const prices = Array.from({ length: SYMBOLS }, () => 1_000 + Math.floor(random() * 5_000_000));
  const out = createWriteStream(path);
  out.write('recv_ns,market,symbol,event_ms,trade_ms,trade_id,price,qty,buyer_is_maker,order_type\n');
  let lines: string[] = [];
  let clockMs = START_MS;
  for (let id = 1; id <= count; id++) {
    clockMs += random() * 2 * MEAN_GAP_MS;
    const symbol = Math.floor(random() ** 2 * SYMBOLS);
    const cents = Math.max(100, (prices[symbol] ?? 0) + Math.floor(random() * 21) - 10);
    prices[symbol] = cents;
    const timeMs = Math.floor(random() < 1 / 3 ? clockMs - random() * MOST_DISORDER_MS : clockMs);
    const price = (cents / 100).toFixed(2);
    const size = (Math.floor(random() * 50_000 + 1) / 10_000).toFixed(4);
    lines.push(
      `${timeMs + 1}000000,spot,S${symbol},${timeMs + 1},${timeMs},${id},${price},${size},${random() < 0.5},MARKET\n`,
    );
    if (lines.length === LINES_A_WRITE) {
      if (!out.write(lines.join(''))) await once(out, 'drain');
      lines = [];
    }
  }
  out.end(lines.join(''));
  await finished(out);
}
