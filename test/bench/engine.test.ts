import { describe, expect, it } from 'vitest';
import { Baseline } from '../../bench/engine/baseline.ts';
import { CASE_NAMES, CASES, type Case } from '../../bench/engine/cases.ts';
import { drive } from '../../bench/engine/contender.ts';
import { Engine } from '../../bench/engine/engine.ts';
import type { Outcome } from '../../bench/engine/outcome.ts';
import { workOf } from '../../bench/engine/workload.ts';

const TICKS = 4_000;
/** So dense that most ticks are out of order, and so short that the hopping windows of the baseline stay few. */
const SPAN_MICROS = 120 * 1_000_000;
/** Half of the disorder: ticks come that find their windows complete, or expired. */
const OUT_OF_ORDERNESS_MS = 500;
const ALLOWED_LATENESS_MS = 200;

describe("the engine's benchmark", () => {
  it.each(CASE_NAMES)('compares two that do the same job: %s', (name) => {
    for (const allowedLatenessMs of [0, ALLOWED_LATENESS_MS]) {
      const job: Case = { ...CASES[name], keys: 50, outOfOrdernessMs: OUT_OF_ORDERNESS_MS, allowedLatenessMs };
      const work = workOf(job, { ticks: TICKS, spanMicros: SPAN_MICROS, seed: 3 });
      const outcome = drive(new Engine(job, work), true);
      expect(outcome.rows).toBeGreaterThan(0);
      expect(drive(new Baseline(job, work), true)).toMatchObject(sameJob(outcome));
    }
  });
});

function sameJob({ rows, late, ticks, checksum }: Outcome): Outcome {
  return { rows, late, ticks, checksum };
}
