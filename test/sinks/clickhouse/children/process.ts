import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { afterAll } from 'vitest';

/** A script of this folder in a process of its own: what it prints comes line by line, and it ends with the test file. */
export class ScriptProcess {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(script: string, args: readonly string[]) {
    const path = new URL(script, import.meta.url).pathname;
    this.#child = spawn(process.execPath, ['--import', 'tsx', path, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
    if (this.#child.stdout === null) throw new Error('the script has no standard output');
    this.#lines = createInterface(this.#child.stdout)[Symbol.asyncIterator]();
    afterAll(() => {
      this.#child.kill('SIGKILL');
    });
  }

  /** The next line that the script prints. */
  async line(): Promise<string> {
    const next = await this.#lines.next();
    if (next.done === true) throw new Error('the script has ended');
    return next.value;
  }

  tell(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
  }

  /** SIGKILL: no handler runs. Resolves once the process is gone. */
  async killHard(): Promise<void> {
    const gone = this.ended();
    this.#child.kill('SIGKILL');
    await gone;
  }

  ended(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return Promise.resolve();
    return new Promise((resolve) => this.#child.once('exit', () => resolve()));
  }
}
