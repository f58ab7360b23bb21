import { describe, expect, it } from 'vitest';
import { TidemarkError } from '../../src/errors.ts';
import { throughOutages, waitForServer } from '../../src/runtime/outages.ts';

const BOUNDS = { startTimeoutMs: 1_000, recoveryTimeoutMs: 10_000 };
const away = () => new TidemarkError('TM_CLICKHOUSE_UNREACHABLE', 'away');

/** Runs a part whose attempts fail one after another, each after some time of a clock of its own. */
function attempts(outcomes: readonly { takesMs: number; comesOn: boolean; fails: unknown }[], signal?: AbortSignal) {
  let nowMs = 0;
  let begun = 0;
  const told: (string | null)[] = [];
  const ended = throughOutages(
    async (cameOn) => {
      const outcome = outcomes[begun];
      begun++;
      if (outcome === undefined) return;
      if (outcome.comesOn) cameOn();
      nowMs += outcome.takesMs;
      throw outcome.fails;
    },
    {
      bounds: BOUNDS,
      now: () => nowMs,
      signal: signal ?? new AbortController().signal,
      onOutage: (error) => told.push(error?.code ?? null),
    },
  );
  return { ended, begun: () => begun, told };
}

describe('a part whose server is away', () => {
  it('is run again until it is through, and tells when it waits and when it goes on', async () => {
    const { ended, begun, told } = attempts([
      { takesMs: 100, comesOn: false, fails: away() },
      { takesMs: 100, comesOn: false, fails: away() },
      { takesMs: 100, comesOn: true, fails: away() },
    ]);
    await ended;
    expect(begun()).toBe(4);
    expect(told).toEqual(['TM_CLICKHOUSE_UNREACHABLE', null, 'TM_CLICKHOUSE_UNREACHABLE', null]);
  });

  it('fails once the bound of the start is over, if it never came on', async () => {
    const { ended, begun } = attempts([
      { takesMs: 600, comesOn: false, fails: away() },
      { takesMs: 600, comesOn: false, fails: away() },
    ]);
    await expect(ended).rejects.toMatchObject({ code: 'TM_CLICKHOUSE_UNREACHABLE' });
    expect(begun()).toBe(2);
  });

  it('fails once the bound of a recovery is over since it last came on', async () => {
    const { ended, begun } = attempts([
      { takesMs: 5_000, comesOn: true, fails: away() },
      { takesMs: 4_000, comesOn: true, fails: away() },
      { takesMs: 4_000, comesOn: false, fails: away() },
      { takesMs: 4_000, comesOn: false, fails: away() },
    ]);
    await expect(ended).rejects.toMatchObject({ code: 'TM_CLICKHOUSE_UNREACHABLE' });
    expect(begun()).toBe(4);
  });

  it('fails at once for what no server brings back, and when it is stopped', async () => {
    const fenced = new TidemarkError('TM_LOG_FENCED', 'taken over');
    const other = attempts([{ takesMs: 0, comesOn: true, fails: fenced }]);
    await expect(other.ended).rejects.toBe(fenced);
    const stopped = attempts([{ takesMs: 0, comesOn: true, fails: away() }], AbortSignal.abort());
    await expect(stopped.ended).rejects.toMatchObject({ code: 'TM_CLICKHOUSE_UNREACHABLE' });
    expect([other.begun(), stopped.begun()]).toEqual([1, 1]);
  });
});

describe('a server that is coming up', () => {
  it('is asked again, and what it then says is taken', async () => {
    let asked = 0;
    const answer = waitForServer(60_000, async () => {
      asked++;
      if (asked < 3) throw away();
      return 'here';
    });
    expect(await answer).toBe('here');
  });

  it('is given up after a bound, and not asked again after another failure', async () => {
    const never = async () => {
      throw away();
    };
    await expect(waitForServer(0, never)).rejects.toMatchObject({ code: 'TM_CLICKHOUSE_UNREACHABLE' });
    let asked = 0;
    const wrong = waitForServer(60_000, async () => {
      asked++;
      throw new TidemarkError('TM_CLICKHOUSE_VERSION', 'too old');
    });
    await expect(wrong).rejects.toMatchObject({ code: 'TM_CLICKHOUSE_VERSION' });
    expect(asked).toBe(1);
  });
});
