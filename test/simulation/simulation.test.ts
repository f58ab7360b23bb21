import { describe, expect, it } from 'vitest';
import { effort } from '../support/effort.ts';
import { SCHEDULES_PER_INPUT, simulate } from './simulate.ts';

const SOAK_WEIGHT = 2;
const SCHEDULES = effort(500, SOAK_WEIGHT);
/** Runs one schedule alone: the seed of one that failed. */
const ONLY = process.env.TIDEMARK_SIMULATION_SEED;

describe('what a topology commits', () => {
  it("is the undisturbed run's, byte for byte, whatever happens to the processes that run it", {
    timeout: effort(600_000, SOAK_WEIGHT),
  }, async () => {
    if (ONLY !== undefined) {
      expect(await simulate([Number(ONLY)])).toEqual([]);
      return;
    }
    for (let from = 0; from < SCHEDULES; from += SCHEDULES_PER_INPUT) {
      const seeds = Array.from({ length: SCHEDULES_PER_INPUT }, (_, i) => from + i);
      expect(await simulate(seeds), 'to run one alone: TIDEMARK_SIMULATION_SEED=<seed>').toEqual([]);
    }
  });
});
