import { setTimeout as sleep } from 'node:timers/promises';
import { Type } from 'typebox';
import { TidemarkError } from '../../errors.ts';
import type { ApiParts, ApiServer } from '../parts.ts';
import { problemResponses } from '../problem.ts';

/** A part that takes longer does not answer. */
const ANSWER_WITHIN_MS = 2_000;

const SCHEMA = {
  summary: 'Whether requests for data can be served now',
  description:
    'The log and ClickHouse answer, and the process neither stops nor has a task that failed or waits for a server.',
  security: [],
  querystring: Type.Object({}, { additionalProperties: false }),
  response: { 200: Type.Object({ status: Type.Literal('ready') }), 503: problemResponses['503'] },
};

export function declareReadyz(server: ApiServer, { log, clickhouse, stopping, waiting }: ApiParts): void {
  server.get('/readyz', { schema: SCHEMA }, async () => {
    if (stopping.aborted) throw notReady('the process is stopping');
    for (const [part, reason] of waiting) throw notReady(`${part} waits: ${reason}`);
    await answer('the log', log.listTopics());
    await answer('ClickHouse', clickhouse.rows('SELECT 1 AS one'));
    return { status: 'ready' as const };
  });
}

/** @throws TM_API_NOT_READY */
async function answer(what: string, asked: Promise<unknown>): Promise<void> {
  const timer = new AbortController();
  const late = sleep(ANSWER_WITHIN_MS, undefined, { signal: timer.signal }).then(() => {
    throw new Error('too late');
  });
  try {
    await Promise.race([asked, late]);
  } catch (cause) {
    throw notReady(`${what} does not answer`, cause);
  } finally {
    // Whichever of the two comes after the other has nothing left to say.
    late.catch(() => undefined);
    asked.catch(() => undefined);
    timer.abort();
  }
}

function notReady(message: string, cause?: unknown): TidemarkError {
  return new TidemarkError('TM_API_NOT_READY', message, { cause });
}
