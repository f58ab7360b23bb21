import { type Document, isMap, isScalar, LineCounter, parseDocument } from 'yaml';
import { TidemarkError } from '../errors.ts';

export const EXAMPLE = 'See examples/schedule.yaml for a complete one.';

/** The text of a schedule file, which knows on which line a key stands. */
export class ScheduleText {
  readonly #where: string;
  readonly #lines = new LineCounter();
  readonly #document: Document;

  /** @throws TM_SCHEDULE when it is not YAML */
  constructor(text: string, where: string) {
    this.#where = where;
    this.#document = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false });
    const [problem] = this.#document.errors;
    if (problem === undefined) return;
    const { line } = this.#lines.linePos(problem.pos[0]);
    throw error(`it is not YAML: ${problem.message}`, `${where}:${line}`, EXAMPLE);
  }

  get value(): unknown {
    return this.#document.toJS();
  }

  /** An error at a key, by the names of the keys on the way to it. */
  fault(path: readonly string[], message: string, hint = EXAMPLE, cause?: unknown): TidemarkError {
    const line = this.#lineOf(path);
    return error(message, line === null ? this.#where : `${this.#where}:${line}`, hint, cause);
  }

  /** Of the last key on the way that is in the file. */
  #lineOf(path: readonly string[]): number | null {
    let line: number | null = null;
    let node: unknown = this.#document.contents;
    for (const name of path) {
      const pair = isMap(node) ? node.items.find(({ key }) => isScalar(key) && String(key.value) === name) : undefined;
      if (pair === undefined) return line;
      const [start] = (isScalar(pair.key) ? pair.key.range : null) ?? [];
      if (start !== undefined) line = this.#lines.linePos(start).line;
      node = pair.value;
    }
    return line;
  }
}

function error(message: string, where: string, hint: string, cause?: unknown): TidemarkError {
  return new TidemarkError('TM_SCHEDULE', message, { where, hint, cause });
}
