import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Topology, TopologyTestDriver } from '../../src/index.ts';
import { effort } from '../support/effort.ts';

/**
 * Each folder is a topology with what goes in and what comes out. `npx vitest run test/golden -u` writes what comes out
 * anew: read the difference before it is committed.
 */
const names = readdirSync(import.meta.dirname, { withFileTypes: true }).flatMap((entry) =>
  entry.isDirectory() ? [entry.name] : [],
);
const CUTS = effort(20);

type Step =
  | { readonly input: string; readonly row: object }
  | { readonly watermark: number }
  | { readonly input: string; readonly active: boolean }
  | { readonly flush: true }
  | { readonly input?: string; readonly end: true };

/** A line for each row that came out, each output by itself: their order to one another is open. */
class Run {
  readonly #topology: Topology;
  readonly #lines = new Map<string, string[]>();
  #driver: TopologyTestDriver;

  constructor(topology: Topology) {
    this.#topology = topology;
    this.#driver = new TopologyTestDriver(topology);
  }

  /** Rows in a row go in as one chunk of at most `chunkSize`, and a driver is replaced by one restored before some steps. */
  play(steps: readonly Step[], chunkSize: number, isCutBefore: (index: number) => boolean): string {
    let rows: object[] = [];
    let input = '';
    const feed = (): void => {
      if (rows.length > 0) this.#driver.feed(input, rows);
      rows = [];
    };
    steps.forEach((step, index) => {
      const isFull = rows.length >= chunkSize || !('row' in step) || step.input !== input;
      if (isFull || isCutBefore(index)) feed();
      if (isCutBefore(index)) this.#restore();
      if ('row' in step) {
        input = step.input;
        rows.push(step.row);
      } else if ('watermark' in step) this.#driver.advanceWatermark(step.watermark);
      else if ('active' in step) this.#driver.setActive(step.input, step.active);
      else if ('flush' in step) this.#driver.flush();
      else this.#driver.end(step.input);
    });
    feed();
    this.#read();
    return [...this.#lines.values()].flat().join('\n');
  }

  #restore(): void {
    this.#read();
    this.#driver = TopologyTestDriver.restore(this.#topology, this.#driver.snapshot());
  }

  #read(): void {
    for (const { name } of this.#driver.outputs) {
      this.#add(name, this.#driver.read(name));
      this.#add(`${name}.late`, this.#driver.readLate(name));
    }
  }

  #add(name: string, rows: readonly object[]): void {
    const lines = this.#lines.get(name) ?? [name];
    lines.push(...rows.map((row) => JSON.stringify(row)));
    this.#lines.set(name, lines);
  }
}

describe.each(names)('the golden topology %s', (name) => {
  const folder = join(import.meta.dirname, name);
  const lines = readFileSync(join(folder, 'input.ndjson'), 'utf8').trimEnd().split('\n');
  const steps = lines.map((line) => JSON.parse(line) as Step);
  let topology: Topology;
  let whole: string;

  beforeAll(async () => {
    topology = ((await import(join(folder, 'topology.ts'))) as { default: Topology }).default;
    whole = new Run(topology).play(steps, Number.POSITIVE_INFINITY, () => false);
  });

  it('gives what is on file', async () => {
    await expect(`${whole}\n`).toMatchFileSnapshot(join(folder, 'output.ndjson'));
  });

  it.each([1, 2, 7, 50])('gives the same in chunks of %i', (chunkSize) => {
    expect(new Run(topology).play(steps, chunkSize, () => false)).toBe(whole);
  });

  it('gives the same when it is cut anywhere by snapshots, each restored in a fresh driver', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.uniqueArray(fc.nat(steps.length - 1)), (chunkSize, cuts) => {
        expect(new Run(topology).play(steps, chunkSize, (index) => cuts.includes(index))).toBe(whole);
      }),
      { numRuns: CUTS },
    );
  });
});
