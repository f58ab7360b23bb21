import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TidemarkError } from '../../../src/errors.ts';
import type { VenueSourceOptions } from '../../../src/producers/venues/venueRun.ts';
import { type ExchangeOptions, ExchangeServer, type Mishap } from '../../support/exchange/exchangeServer.ts';
import { tradesOfAnHour } from '../../support/exchange/session.ts';
import { WIRES } from '../../support/exchange/wires.ts';
import { type Bench, openBench } from '../support.ts';
import { expectedTicks, produceSession, sourceOf, ticksOf } from './sessionRun.ts';

const COUNT = 400;
/** The trades that are lost on their way. */
const [FIRST_LOST, LAST_LOST] = [100, 102];
const FROM_MICROS = Date.UTC(2024, 7, 8, 23) * 1_000;

describe('trades that are missing at an exchange', () => {
  let bench: Bench;
  let server: ExchangeServer | undefined;

  beforeEach(async () => {
    bench = await openBench();
  });

  afterEach(async () => {
    await server?.close();
    await bench.close();
  });

  /** Produces a session of one symbol in which some frames are lost. */
  async function produced(
    name: string,
    session: Partial<ExchangeOptions>,
    { lost, options = {} }: { readonly lost: number; readonly options?: Partial<VenueSourceOptions> },
  ) {
    const { wire, symbols, id } = WIRES.get(name) ?? {};
    const symbol = symbols?.[0] ?? '';
    if (wire === undefined) throw new Error(`no wire of ${name}`);
    const trades = tradesOfAnHour([symbol], COUNT, FROM_MICROS, 1);
    const mishaps = trades.map((_, n): Mishap => (n >= FIRST_LOST && n <= LAST_LOST ? 'lost' : 'none'));
    server = await ExchangeServer.start({ wire, trades, mishaps, missedWhileAway: 0, ...session });
    await produceSession(bench, sourceOf(name, [symbol], server, options), server, COUNT - lost);
    const ticks = await ticksOf(bench, `${name}:${symbol}`);
    return { ticks, expected: expectedTicks(name, trades, id), server };
  }

  const isForgotten = ({ id }: { readonly id: number }) =>
    (id - 1) % 1_000_000 >= FIRST_LOST && (id - 1) % 1_000_000 <= LAST_LOST;

  it('and that its history does not have are named in deadletter, and the others come', async () => {
    const { ticks, expected } = await produced('coinbase', { isForgotten }, { lost: LAST_LOST - FIRST_LOST + 1 });
    expect(ticks).toEqual(expected.filter((_, n) => n < FIRST_LOST || n > LAST_LOST));
    expect(await bench.records('deadletter')).toMatchObject([
      {
        source: 'venue coinbase',
        topic: 'ticks',
        reason: 'gap',
        detail: "BTC-USD: trades 1000101 to 1000103 are not in the venue's history",
      },
    ]);
  });

  it('and that its history has only later come then', async () => {
    let requests = 0;
    const { ticks, expected } = await produced(
      'coinbase',
      {
        isForgotten: (trade) => isForgotten(trade) && requests < 5,
        refuse() {
          requests++;
          return null;
        },
      },
      { lost: 0 },
    );
    expect(ticks).toEqual(expected);
  });

  it('come once it answers again, however many have come since, and that it does not is said', async () => {
    const warnings: TidemarkError[] = [];
    const { ticks, expected } = await produced(
      'coinbase',
      { refuse: (request) => (request < 12 ? { status: 503, body: 'away' } : null) },
      { lost: 0, options: { maxHeld: 10, onWarning: (error) => warnings.push(error) } },
    );
    expect(ticks).toEqual(expected);
    expect(warnings.map(({ code }) => code)).toContain('TM_SOURCE_SERVER');
  });

  it('before what its latest trades go back to are said to be so', async () => {
    const cut = (_: unknown, n: number): Mishap => (n === FIRST_LOST ? 'cut' : 'none');
    const mishaps = Array.from({ length: COUNT }, cut);
    // Its history begins long after the cut.
    const isOld = ({ id }: { readonly id: number }) => (id - 1) % 1_000_000 < FIRST_LOST + 50;
    const session = { mishaps, missedWhileAway: 60, isForgotten: isOld };
    const { ticks } = await produced('bitstamp', session, { lost: 50 });
    expect(ticks).toHaveLength(COUNT - 50);
    const [letter] = await bench.records('deadletter');
    expect(letter).toMatchObject({
      reason: 'gap',
      detail: expect.stringMatching(/^btcusd: trades after trade \d+ may be missing/),
    });
  });

  it('end the run where it refuses the symbol', async () => {
    const refused = produced('coinbase', { refuse: () => ({ status: 404, body: 'NotFound' }) }, { lost: 0 });
    await expect(refused).rejects.toMatchObject({ code: 'TM_SOURCE_SYMBOL' });
  });
});
