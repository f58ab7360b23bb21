import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openEmbeddedRegistry } from '../../src/log/registry/embeddedRegistry.ts';
import { endAll, type Started, start } from '../cli/command.ts';
import { readTopic } from '../producers/support.ts';
import { seededRandom } from '../support/killing.ts';
import { withLog } from '../support/logContents.ts';
import { expectProblem } from './expectProblem.ts';
import { type Answer, INGEST_KEY, post, ROW } from './ingested.ts';

const TIMEOUT_MS = 240_000;
const KILLS = 4;
const CLIENTS = 4;
const ROWS_A_REQUEST = 5;
/** Answers between two kills, at most. */
const MOST_ANSWERS = 40;
const PAUSE_MS = 20;
/** Kills that may fall between two requests. */
const MOST_ATTEMPTS = 3 * KILLS;

/** The seed can be given, to repeat a run that failed. */
const seed = Number(process.env.TIDEMARK_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));

describe(`rows over HTTP under kill -9 (TIDEMARK_TEST_SEED=${seed})`, () => {
  const data = mkdtempSync(join(tmpdir(), 'tidemark-ingest-kills-'));
  afterAll(async () => {
    await endAll();
    rmSync(data, { recursive: true, force: true });
  });

  it('are each there once, though answers are lost and requests sent again', { timeout: TIMEOUT_MS }, async () => {
    const random = seededRandom(seed);
    let url = '';
    let answers = 0;
    /** Requests that the server had taken when it ended. */
    let cut = 0;
    let isOver = false;
    const requests: string[] = [];
    const rowsOf = (key: string) =>
      Array.from({ length: ROWS_A_REQUEST }, (_, i) => ({ ...ROW, instrument: `${key}-${i}` }));

    async function serve(): Promise<Started> {
      const args = ['run', '--roles', 'api', '--port', '0', '--data', data];
      const server = start(args, { env: { TIDEMARK_INGEST_KEY: INGEST_KEY } });
      url = (await server.shows(/API at (http:\S+),/))[1] ?? '';
      return server;
    }

    /** Sends requests one after another, each until it is answered. */
    async function client(name: number): Promise<void> {
      for (let number = 0; !isOver; number++) {
        const key = `${name}-${number}`;
        requests.push(key);
        await untilAnswered(key, [...rowsOf(key), { bad: true }]);
      }
    }

    async function untilAnswered(key: string, body: readonly unknown[]): Promise<void> {
      for (;;) {
        try {
          const response = await post({ url }, body, { key });
          const answer = (await response.json()) as Answer;
          expect(answer).toMatchObject({
            accepted: ROWS_A_REQUEST,
            rejected: 1,
            errors: [{ row: ROWS_A_REQUEST + 1 }],
          });
          answers++;
          return;
        } catch (error) {
          if (!(error instanceof TypeError)) throw error;
          if (!isRefusedConnection(error)) cut++;
          await pause();
        }
      }
    }

    let server = await serve();
    const clients = Promise.all(Array.from({ length: CLIENTS }, (_, name) => client(name)));
    let kills = 0;
    for (let attempts = 0; kills < KILLS && attempts < MOST_ATTEMPTS; attempts++) {
      const from = answers;
      const cutBefore = cut;
      const after = 1 + Math.floor(random() * MOST_ANSWERS);
      while (answers < from + after) await Promise.race([pause(), clients]);
      server.child.kill('SIGKILL');
      await server.ended;
      server = await serve();
      const restarted = answers;
      while (answers < restarted + CLIENTS) await Promise.race([pause(), clients]);
      // It counts when it fell while requests were under way.
      if (cut > cutBefore) kills++;
    }
    isOver = true;
    await clients;
    expect(kills).toBe(KILLS);
    for (const key of requests.filter((_, i) => i % 10 === 0)) {
      const repeat = await post({ url }, [...rowsOf(key), { bad: true }], { key });
      expect([repeat.status, repeat.headers.get('idempotent-replayed')]).toEqual([200, 'true']);
      const other = await post({ url }, rowsOf(`${key}-other`), { key });
      await expectProblem(other, 422, 'TM_INGEST_KEY_REUSED');
    }

    const registry = await openEmbeddedRegistry({ directory: join(data, 'log') });
    const ticks = await withLog(data, (log) => readTopic(log, registry, 'ticks'));
    await registry.close();
    const expected = requests.flatMap((key) => Array.from({ length: ROWS_A_REQUEST }, (_, i) => `${key}-${i}`));
    expect(ticks.map(({ instrument }) => instrument).sort()).toEqual(expected.sort());
  });
});

/** Whether a request that failed never reached a server. */
function isRefusedConnection({ cause }: TypeError): boolean {
  return cause instanceof Error && 'code' in cause && cause.code === 'ECONNREFUSED';
}

function pause(): Promise<void> {
  return new Promise((wake) => setTimeout(wake, PAUSE_MS));
}
