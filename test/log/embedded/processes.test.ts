import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openEmbeddedLog } from '../../../src/log/embedded/embeddedLog.ts';
import type { Log } from '../../../src/log/log.ts';
import { numbered, readToEnd, recordBytes, recordsOf, WIDE } from '../records.ts';

const PEER = fileURLToPath(new URL('./logPeer.ts', import.meta.url));
const PATIENCE_MS = 20_000;

describe('the embedded log in several processes', () => {
  const topic = 'ticks';
  let directory: string;
  let log: Log;
  let children: ChildProcess[];

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'tidemark-log-'));
    children = [];
    log = await openEmbeddedLog({ directory, now: Date.now });
    await log.createTopic(topic, { partitions: 2, retentionMs: -1 });
  });

  afterEach(async () => {
    await Promise.all(children.map(kill));
    await log.close();
    rmSync(directory, { recursive: true });
  });

  /** `limitBlocks` bounds the files it may write, in blocks of 512 bytes. */
  function peer(command: string, limitBlocks?: number) {
    const run = [process.execPath, '--import', 'tsx', PEER, command, directory, topic];
    const limited = ['sh', '-c', `ulimit -f ${limitBlocks}; exec "$@"`, 'sh', ...run];
    const [program = '', ...args] = limitBlocks === undefined ? run : limited;
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    children.push(child);
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    return {
      child,
      send: (line: string) => child.stdin.write(`${line}\n`),
      line: async () => String((await lines.next()).value),
    };
  }

  async function kill(child: ChildProcess): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }

  it('reads what another process appends, also while it waits', async () => {
    const { send } = peer('append');
    const reader = await log.openReader([{ topic, partition: 0, offset: 0 }]);
    for (const tag of ['first', 'second']) {
      const waiting = reader.read(WIDE, PATIENCE_MS);
      send(tag);
      const chunk = await waiting;
      expect(chunk === null ? [] : recordsOf(chunk).map(({ value }) => value)).toEqual([`${tag}-0`, `${tag}-1`]);
    }
  });

  it('shows another process what it appends, before and while that one reads', async () => {
    const writer = await log.openWriter('w');
    const commit = (tag: string) =>
      writer.commit({ appends: [{ topic, partition: 0, records: recordBytes(numbered(tag, 2)) }], positions: [] });
    await commit('before');
    const { line } = peer('read');
    expect([await line(), await line()]).toEqual(['before-0', 'before-1']);
    await commit('while');
    expect([await line(), await line()]).toEqual(['while-0', 'while-1']);
  });

  it('gives offsets to writers of several processes without gaps or doubles', async () => {
    const { send, line } = peer('append');
    const writer = await log.openWriter('w');
    for (let i = 0; i < 30; i++) {
      send(`theirs${i}`);
      await writer.commit({
        appends: [{ topic, partition: 0, records: recordBytes(numbered(`ours${i}`, 2)) }],
        positions: [],
      });
    }
    for (let i = 0; i < 30; i++) await line();
    const records = await readToEnd(await log.openReader([{ topic, partition: 0, offset: 0 }]));
    expect(records.map(({ offset }) => offset)).toEqual(Array.from({ length: 120 }, (_, i) => i));
    for (const whose of ['ours', 'theirs']) {
      const values = records.map(({ value }) => String(value)).filter((value) => value.startsWith(whose));
      expect(values).toEqual(Array.from({ length: 30 }, (_, i) => [`${whose}${i}-0`, `${whose}${i}-1`]).flat());
    }
  });

  it('holds whole transactions only, and all that were acknowledged, after kill -9 in mid-write', async () => {
    let acknowledged = 0;
    for (const commits of [1, 7, 20, 3, 50]) {
      const { child, line } = peer('count');
      for (let i = 0; i < commits; i++) acknowledged = Number(await line());
      await kill(child);

      const [position] = await log.committed('counter');
      const committed = position?.offset ?? 0;
      expect(committed).toBeGreaterThanOrEqual(acknowledged);
      const expected = Array.from({ length: committed * 200 }, (_, i) => String(Math.floor(i / 200)));
      for (const partition of [0, 1]) {
        const records = await readToEnd(await log.openReader([{ topic, partition, offset: 0 }]));
        expect(records.map(({ value }) => value)).toEqual(expected);
      }
    }
  });

  it('says so when it cannot grow, and keeps what it holds whole', async () => {
    const { line } = peer('fill', 8192);
    expect(await line()).toBe('TM_LOG_FULL');
    const [first, second] = await log.ranges(topic);
    expect(first?.end).toBeGreaterThan(0);
    expect(second?.end).toBe(first?.end);
    const start = [0, 1].map((partition) => ({ topic, partition, offset: 0 }));
    expect(await readToEnd(await log.openReader(start))).toHaveLength(2 * (first?.end ?? 0));
    const writer = await log.openWriter('w');
    await writer.commit({
      appends: [{ topic, partition: 0, records: recordBytes(numbered('next', 1)) }],
      positions: [],
    });
  });
});
