import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { simulate as Simulate } from './simulate.ts';

const ROOT = resolve(import.meta.dirname, '../..');
/** A fault that so many schedules do not show is not caught. */
const MOST_SCHEDULES = 60;
const TIMEOUT_MS = 360_000;

interface Fault {
  readonly name: string;
  readonly file: string;
  readonly right: string;
  readonly wrong: string;
}

const FAULTS: readonly Fault[] = [
  {
    name: 'that an input is idle is not recorded',
    file: 'src/runtime/task.ts',
    right: "this.#recordControl(isActive ? 'active' : 'idle', this.inputs.all[input] as TaskInput);",
    wrong: '',
  },
  {
    name: 'the lowest watermark is that of the inputs that happen to have a record',
    file: 'src/topology/inputs/merge.ts',
    right: 'if (first === undefined) return -1;',
    wrong: 'if (first === undefined) continue;',
  },
  {
    name: 'what is committed and saved is the place at the edge of the chunks that were read',
    file: 'src/runtime/mergedInputs.ts',
    right: 'this.#merge.nextOffset(input) ?? readTo',
    wrong: 'readTo',
  },
  {
    name: 'a flush is not recorded',
    file: 'src/runtime/task.ts',
    right: "if (outbox.written > before) this.#recordControl('flush', this.#first);",
    wrong: '',
  },
  {
    name: 'that the wall clock moved the watermark is not recorded',
    file: 'src/runtime/task.ts',
    right: "this.#recordControl('wallClock', this.#first, quietMicros);",
    wrong: '',
  },
  {
    name: 'a snapshot does not say where records alone have left the watermark',
    file: 'src/topology/watermarks/watermark.ts',
    right: '({ current, byRecords, raisedBy } = element.parts.shift() as Saved);',
    wrong: '({ current, current: byRecords, raisedBy } = element.parts.shift() as Saved);',
  },
  {
    name: 'output is not muted while input is read again',
    file: 'src/runtime/task.ts',
    right: 'outbox.muted = isMuted;',
    wrong: '',
  },
  {
    name: 'a snapshot does not say where the merge of the inputs stands',
    file: 'src/runtime/task.ts',
    right: 'parts.inputs.restore(inputs);',
    wrong: '',
  },
  {
    name: 'the watermark is written to the next stage at the edge of a chunk',
    file: 'src/topology/stages/writing.ts',
    right: 'while (step < arrivals.length && (arrivals[step] as number) < arrival) {',
    wrong: 'while (step < 0 && arrival < 0) {',
  },
  {
    name: 'what the next stage is told is not muted while input is read again',
    file: 'src/runtime/outbox.ts',
    right: `  addCarried({ topic, schema, keyField }: RepartitionTopic, { columns, targets }: Carried): void {
    if (this.muted) return;`,
    wrong: '  addCarried({ topic, schema, keyField }: RepartitionTopic, { columns, targets }: Carried): void {',
  },
  {
    name: 'an upstream task that has said in an earlier run that it has nothing more is not waited for',
    file: 'src/runtime/subStreams.ts',
    right: 'if (ends === null) return true;',
    wrong: 'return true;',
  },
  {
    name: 'a snapshot does not say how far each upstream task was read',
    file: 'src/runtime/subStreams.ts',
    right: 'return { readTo: this.#nextOf(input), watermark,',
    wrong: 'return { readTo: this.offsets[0] as number, watermark,',
  },
  {
    name: 'records that are passed over, since they are far ahead, are not read again',
    file: 'src/runtime/subStreams.ts',
    right: 'subStream.isBehind = true;',
    wrong: '',
  },
];

describe('the simulation finds', () => {
  const directories: string[] = [];
  beforeAll(() => {
    for (const { file, right } of FAULTS) expect(readFileSync(join(ROOT, file), 'utf8').split(right)).toHaveLength(2);
  });
  afterAll(() => {
    for (const directory of directories) rmSync(directory, { recursive: true });
  });

  /** The simulation over a copy of the sources with a fault in it. */
  async function simulationWith({ file, right, wrong }: Fault): Promise<typeof Simulate> {
    const directory = mkdtempSync(join(tmpdir(), 'tidemark-fault-'));
    directories.push(directory);
    for (const part of ['src', 'schemas', 'test/simulation', 'test/support', 'test/log']) {
      cpSync(join(ROOT, part), join(directory, part), { recursive: true });
    }
    symlinkSync(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
    const path = join(directory, file);
    writeFileSync(path, readFileSync(path, 'utf8').replace(right, wrong));
    const { simulate } = (await import(join(directory, 'test/simulation/simulate.ts'))) as {
      readonly simulate: typeof Simulate;
    };
    return simulate;
  }

  it.each(FAULTS)('$name', { timeout: TIMEOUT_MS }, async (fault) => {
    const simulate = await simulationWith(fault);
    let found = 0;
    // One schedule of each input in turn.
    for (let i = 0; i < MOST_SCHEDULES && found === 0; i++) {
      // With some faults not even the undisturbed run comes to its end.
      found = await simulate([i * 26]).then(
        ({ length }) => length,
        () => 1,
      );
    }
    expect(found).toBe(1);
  });
});
