import { writeFileSync } from 'node:fs';

/** How test/support/requirement.ts begins a line about a part that cannot run on this machine. */
const LEFT_OUT = /^left out .*$/gm;

/**
 * A vitest reporter that gathers what the tests left out, and why, into the file named by `TIDEMARK_LEFT_OUT_FILE`:
 * among the lines of a long run the reasons would be lost.
 */
export default class LeftOutReporter {
  /** @type {Set<string>} */
  #lines = new Set();

  /** @param {{ content: string }} log what a test printed */
  onUserConsoleLog(log) {
    for (const line of log.content.match(LEFT_OUT) ?? []) this.#lines.add(line);
  }

  onTestRunEnd() {
    const file = process.env.TIDEMARK_LEFT_OUT_FILE;
    if (file !== undefined)
      writeFileSync(
        file,
        [...this.#lines]
          .sort()
          .map((line) => `${line}\n`)
          .join(''),
      );
  }
}
