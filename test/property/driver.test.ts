import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TopologyTestDriver } from '../../src/index.ts';
import { parseScenario } from '../../src/topology/scenario/parseScenario.ts';
import { EVENTS, RESULTS, rowOf, scenarioTopology } from '../../src/topology/scenario/scenarioTopology.ts';
import { scenarioValues } from '../../src/topology/scenario/scenarioValue.ts';
import { effort } from '../support/effort.ts';
import { type OracleScenario, scenarioOracle } from '../support/oracle/scenario.ts';
import { scenarios } from '../support/scenarios.ts';

const RESTORED_RUNS = effort(500);
const FLUSHED_RUNS = effort(2_000);
const TIMEOUT_MS = effort(240_000);

interface Hooks {
  /** The driver is given up there for one restored from its snapshot. */
  readonly isCutBefore?: (index: number) => boolean;
  readonly isFlushedAfter?: (index: number) => boolean;
}

/** What comes out entry by entry, without the windows' names. */
function emitted(given: OracleScenario, { isCutBefore = never, isFlushedAfter = never }: Hooks) {
  const scenario = parseScenario(JSON.parse(JSON.stringify(given)));
  const values = scenarioValues(scenario.aggregates);
  const topology = scenarioTopology(scenario, values, () => {});
  let driver = new TopologyTestDriver(topology);
  return scenario.input.map((entry, index) => {
    if (isCutBefore(index)) driver = TopologyTestDriver.restore(topology, driver.snapshot());
    if (entry.kind === 'event') driver.feed(EVENTS, [rowOf(entry, values)]);
    else if (entry.kind === 'watermark') driver.advanceWatermark((entry.timestampMs + 1) * 1_000 - 1);
    else driver.end();
    if (isFlushedAfter(index)) driver.flush();
    const rows = driver.read<Readonly<Record<string, unknown>>>(RESULTS);
    return { rows, late: driver.readLate(RESULTS), watermark: driver.watermark };
  });
}

interface OracleResult {
  readonly after: number;
  readonly key: string | null;
  readonly endMs: number;
  readonly revision: number;
  readonly values: { readonly values: readonly unknown[] };
}

/** The end of a window that looks back is a microsecond, or a millisecond, after its event. */
function textOf({ key, end, revision, v0 }: Readonly<Record<string, unknown>>): string {
  const values = (JSON.parse(String(v0)) as readonly (string | null)[]).map((text) => JSON.parse(text ?? 'null'));
  return `${key} ${Math.ceil(Number(end) / 1_000)} ${revision} ${JSON.stringify(values)}`;
}

function oracleTextOf({ key, endMs, revision, values }: OracleResult): string {
  return `${JSON.stringify(key)} ${endMs} ${revision} ${JSON.stringify(values.values)}`;
}

function never(): boolean {
  return false;
}

describe('windows that are saved and restored', () => {
  it('give the same rows, retractions and late events as those that were not', { timeout: TIMEOUT_MS }, () => {
    fc.assert(
      fc.property(scenarios, fc.array(fc.nat(25), { minLength: 1, maxLength: 4 }), (scenario, cuts) => {
        const restored = emitted(scenario, { isCutBefore: (index) => cuts.includes(index) });
        expect(restored).toEqual(emitted(scenario, {}));
      }),
      { numRuns: RESTORED_RUNS },
    );
  });
});

describe('windows that are flushed', () => {
  it('give what changed since they fired, keep it and take more, as the oracle does', { timeout: TIMEOUT_MS }, () => {
    fc.assert(
      fc.property(scenarios, fc.array(fc.nat(25), { minLength: 1, maxLength: 4 }), (given, flushes) => {
        const scenario = { ...given, aggregates: { values: { fn: 'collect', field: 'y' } } };
        const isFlushedAfter = (index: number): boolean => flushes.includes(index);
        const steps = emitted(scenario, { isFlushedAfter });
        const lines = steps.map(({ rows }) =>
          rows
            .filter(({ deleted }) => deleted === false)
            .map(textOf)
            .sort(),
        );
        const { results } = JSON.parse(scenarioOracle(scenario, isFlushedAfter)) as {
          results: readonly OracleResult[];
        };
        const expected = steps.map((_, index) =>
          results
            .filter(({ after }) => after === index)
            .map(oracleTextOf)
            .sort(),
        );
        expect(lines).toEqual(expected);
      }),
      { numRuns: FLUSHED_RUNS },
    );
  });
});
