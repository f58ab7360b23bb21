/** Every error that Tidemark raises on purpose, by code. `docs/errors.md` has one entry for each; a test holds the two together. */
export const ERROR_CODES = {
  TM_USAGE: 'The command line is wrong.',
  TM_CONFIG: 'A configuration key is unknown, or its value has a wrong type or is out of bounds.',
  TM_INTERRUPTED: 'A bounded command was stopped before its end.',
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;

/** Codes that end a command with exit status 2 (bad usage or configuration) instead of 1. */
const USAGE_CODES: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['TM_USAGE', 'TM_CONFIG']);

export interface ErrorDetails {
  /** Where it happened: a file and line, a topic and offset, a configuration key. */
  where?: string;
  /** What the reader can do about it. */
  hint?: string;
  cause?: unknown;
}

/** An error with a code, what was wrong, where, and what to do. */
export class TidemarkError extends Error {
  readonly code: ErrorCode;
  readonly where: string | undefined;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'TidemarkError';
    this.code = code;
    this.where = details.where;
    this.hint = details.hint;
  }

  get exitStatus(): 1 | 2 {
    return USAGE_CODES.has(this.code) ? 2 : 1;
  }
}
