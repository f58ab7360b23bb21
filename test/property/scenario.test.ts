import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runScenarioText } from '../../src/topology/scenario/runScenario.ts';
import { effort } from '../support/effort.ts';
import { scenarioOracle } from '../support/oracle/scenario.ts';
import { scenarios } from '../support/scenarios.ts';

const RUNS = effort(10_000);
const TIMEOUT_MS = effort(240_000);

describe('scenarios against the oracle', () => {
  it('print the same results, late events and watermarks, however the input is cut into chunks', {
    timeout: TIMEOUT_MS,
  }, () => {
    fc.assert(
      fc.property(scenarios, fc.constantFrom(1, 2, 3, 7, 1_000), (scenario, chunkSize) => {
        expect(runScenarioText(JSON.stringify(scenario), chunkSize).line).toBe(scenarioOracle(scenario));
      }),
      { numRuns: RUNS },
    );
  });
});
