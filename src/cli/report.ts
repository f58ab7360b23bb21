import { CommanderError } from 'commander';
import { TidemarkError } from '../errors.ts';
import { OutputClosed } from './output.ts';

interface Report {
  readonly code: string;
  readonly message: string;
  readonly where?: string;
  readonly hint?: string;
}

export interface ReportOptions {
  readonly json: boolean;
  /** Adds the stack trace. */
  readonly debug: boolean;
}

function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, ' ').trim();
}

/** `error: unknown option '--intervl'\n(Did you mean --interval?)` in two parts. */
function usageReport(error: CommanderError): Report {
  const [message = '', suggestion] = error.message.replace(/^error: /, '').split('\n');
  const hint = suggestion?.replace(/^\(Did you mean (.*)\?\)$/, 'did you mean $1?') ?? 'see tidemark --help';
  return { code: 'TM_USAGE', message, hint };
}

function reportOf(error: unknown): Report {
  if (error instanceof CommanderError) return usageReport(error);
  if (error instanceof TidemarkError) {
    const { code, message, where, hint } = error;
    return { code, message, ...(where === undefined ? {} : { where }), ...(hint === undefined ? {} : { hint }) };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { code: 'TM_INTERNAL', message, hint: 'this is a defect; TIDEMARK_DEBUG=1 shows where it happened' };
}

/** An error in words, one line and a hint, or as one JSON object; newline at the end. */
export function describeError(error: unknown, { json, debug }: ReportOptions): string {
  const report = reportOf(error);
  const stack = debug && error instanceof Error ? error.stack : undefined;
  if (json) return `${JSON.stringify({ ...report, ...(stack === undefined ? {} : { stack }) })}\n`;
  const where = report.where === undefined ? '' : ` (${oneLine(report.where)})`;
  const hint = report.hint === undefined ? '' : `hint: ${oneLine(report.hint)}\n`;
  return `error ${report.code}: ${oneLine(report.message)}${where}\n${hint}${stack === undefined ? '' : `${stack}\n`}`;
}

/** What is amiss and stops nothing, in words; newline at the end. */
export function describeWarning({ code, message, where = '', hint = '' }: TidemarkError): string {
  return `warning ${code}: ${oneLine(message)} (${oneLine(where)})\nhint: ${oneLine(hint)}\n`;
}

/** That a part of the pipeline waits for a server, or goes on (null); a line with its end. */
export function describeOutage(what: string, error: TidemarkError | null): string {
  if (error === null) return `${what} goes on\n`;
  return `${what} waits, and tries again: ${error.code}: ${oneLine(error.message)}\n`;
}

/** Exit status: 0 done, 1 failed, 2 bad usage or configuration. Help and a reader that has gone are no failures. */
export function exitStatus(error: unknown): 0 | 1 | 2 {
  if (error instanceof OutputClosed) return 0;
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  return error instanceof TidemarkError ? error.exitStatus : 1;
}

/** Whether the error has been shown already: commander prints help and the version itself. */
export function isQuiet(error: unknown): boolean {
  if (error instanceof OutputClosed) return true;
  return error instanceof CommanderError && (error.exitCode === 0 || error.code === 'commander.help');
}
