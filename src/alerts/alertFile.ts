import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import { TidemarkError } from '../errors.ts';

const kinds = ['deadLetters', 'stalledWatermark', 'failedRun', 'test'] as const;
const told = {
  id: Type.String(),
  kind: Type.Enum(kinds),
  title: Type.String(),
  detail: Type.String(),
  value: Type.Number(),
  threshold: Type.Number(),
};
const fileSchema = Type.Object({
  open: Type.Array(
    Type.Object({
      condition: Type.Object({ ...told, isFiring: Type.Boolean() }),
      sinceMs: Type.Number(),
      toldMs: Type.Number(),
    }),
  ),
  waiting: Type.Array(
    Type.Object({
      webhook: Type.String(),
      alert: Type.Object({
        ...told,
        state: Type.Enum(['firing', 'resolved']),
        sinceMs: Type.Number(),
        atMs: Type.Number(),
      }),
    }),
  ),
});

/** What is to be known of alerts after a restart: which are open, and which have not got through to a webhook yet. */
export type Remembered = Static<typeof fileSchema>;

/** A file that is always whole: what is written takes the place of what was there at once, on the disk too. */
export class AlertFile {
  readonly #path: string;
  readonly #onWarning: (warning: TidemarkError) => void;

  constructor(path: string, onWarning: (warning: TidemarkError) => void) {
    this.#path = path;
    this.#onWarning = onWarning;
  }

  /** Of a file that is none of these nothing is known, which is a warning. */
  read(): Remembered {
    try {
      const value: unknown = JSON.parse(readFileSync(this.#path, 'utf8'));
      if (Value.Check(fileSchema, value)) return value;
      this.#warn('it is no file of alerts');
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) this.#warn(error);
    }
    return { open: [], waiting: [] };
  }

  /** What cannot be written is a warning: alerts never end the process that they watch. */
  write(remembered: Remembered): void {
    const draft = `${this.#path}.new`;
    try {
      mkdirSync(dirname(this.#path), { recursive: true });
      const file = openSync(draft, 'w');
      try {
        writeSync(file, JSON.stringify(remembered));
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      renameSync(draft, this.#path);
    } catch (error) {
      this.#warn(error);
    }
  }

  #warn(cause: unknown): void {
    const reason = cause instanceof Error ? cause.message : String(cause);
    this.#onWarning(
      new TidemarkError('TM_ALERT_FAILED', `which alerts are open cannot be remembered: ${reason}`, {
        where: this.#path,
        hint: 'They are sent all the same, and after a restart again. Remove the file where it is damaged.',
        cause,
      }),
    );
  }
}
