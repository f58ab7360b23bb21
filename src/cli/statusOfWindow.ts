import { TidemarkError } from '../errors.ts';
import type { Context } from './context.ts';

export interface WindowOptions {
  readonly explain: string | undefined;
  readonly interval: string | undefined;
  readonly at: string | undefined;
  readonly set: Readonly<Record<string, string>> | undefined;
}

/** Says why a window has not closed. @throws TM_USAGE when the question is not whole, or of nothing that there is */
export async function printWindowStatus(
  context: Context,
  file: string | undefined,
  { explain: key, interval, at, set = {} }: WindowOptions,
): Promise<void> {
  if (key === undefined || interval === undefined || at === undefined) {
    throw new TidemarkError('TM_USAGE', 'a window is named by its key, its interval and a time in it', {
      where: 'status --explain',
      hint: 'for example: tidemark status --explain ACME --interval 1m --at 2026-01-05T14:30:00Z',
    });
  }
  const { parseInstant } = await import('./instant.ts');
  const question = { key, interval, atMicros: parseInstant(at, '--at') };
  const { findTopology } = await import('../runtime/topologySource.ts');
  const topology = await findTopology(file);
  const log = await context.openLogIfAny();
  if (log === null) {
    const { noTopicsLine } = await import('./topics.ts');
    throw new TidemarkError('TM_USAGE', noTopicsLine(context.config).trim(), { where: '--data' });
  }
  try {
    const registry = await context.openRegistry();
    try {
      const { windowStatus } = await import('../runtime/windowStatus.ts');
      const status = await windowStatus({ log, registry }, topology, set, question);
      await context.out.line(context.json ? JSON.stringify(status) : status.text);
    } finally {
      await registry.close();
    }
  } finally {
    await log.close();
  }
}
