import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { acquireProcessLock } from '../../../src/log/embedded/processLock.ts';

const CONTENDER = fileURLToPath(new URL('./lockContender.ts', import.meta.url));

describe('the process lock', () => {
  let directory: string;
  let path: string;
  let children: ChildProcess[];

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'tidemark-lock-'));
    path = join(directory, 'owner');
    children = [];
  });

  afterEach(async () => {
    await Promise.all(children.map(kill));
    rmSync(directory, { recursive: true });
  });

  /** A process of its own that tries for locks and holds what it took. */
  function contender() {
    const child = spawn(process.execPath, ['--import', 'tsx', CONTENDER], { stdio: ['pipe', 'pipe', 'inherit'] });
    children.push(child);
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    return {
      child,
      send: (locks: readonly string[]) => child.stdin.write(locks.map((lock) => `${lock}\n`).join('')),
      answer: async () =>
        String((await lines.next()).value)
          .split(' ')
          .at(-1),
    };
  }

  async function kill(child: ChildProcess): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }

  const take = (lock: string) => {
    const result = acquireProcessLock(lock);
    return 'heldBy' in result ? result.heldBy : result;
  };

  it('is held once, until it is released', () => {
    const lock = take(path);
    expect(lock).toHaveProperty('release');
    expect(take(path)).toBe(process.pid);
    if (typeof lock === 'object') lock.release();
    expect(take(path)).toHaveProperty('release');
  });

  it('of one name is apart from that of another, also of a longer one', () => {
    expect(take(path)).toHaveProperty('release');
    expect(take(`${path}.1`)).toHaveProperty('release');
    expect(take(`${path}2`)).toHaveProperty('release');
  });

  it('tells which process holds it, and is free when that one is killed', async () => {
    const { child, send, answer } = contender();
    send([path]);
    expect(await answer()).toBe('took');
    expect(take(path)).toBe(child.pid);
    await kill(child);
    expect(take(path)).toHaveProperty('release');
  });

  it('is not held by a later process that has the pid of a dead one', async () => {
    const { child, send, answer } = contender();
    send([path]);
    expect(await answer()).toBe('took');
    await kill(child);
    const [file] = readdirSync(directory);
    const reused = readFileSync(join(directory, file ?? ''), 'utf8').replace(`${child.pid}`, `${process.pid}`);
    writeFileSync(join(directory, file ?? ''), reused);
    expect(take(path)).toHaveProperty('release');
  });

  it('of a dead process is taken over by one of many that try at once', async () => {
    const locks = Array.from({ length: 200 }, (_, i) => join(directory, `lock-${i}`));
    const dead = contender();
    dead.send(locks);
    for (const _ of locks) expect(await dead.answer()).toBe('took');
    await kill(dead.child);

    const contenders = Array.from({ length: 4 }, contender);
    const warm = join(directory, 'warm');
    for (const { send } of contenders) send([warm]);
    await Promise.all(contenders.map(({ answer }) => answer()));
    for (const { send } of contenders) send(locks);
    const answers = await Promise.all(
      contenders.map(async ({ answer }) => {
        const given: (string | undefined)[] = [];
        for (const _ of locks) given.push(await answer());
        return given;
      }),
    );
    for (const i of locks.keys()) expect(answers.filter((given) => given[i] === 'took')).toHaveLength(1);
  });

  it('says so when its directory cannot be written', () => {
    writeFileSync(path, 'a file');
    expect(() => acquireProcessLock(join(path, 'below'))).toThrow(
      expect.objectContaining({ code: 'TM_LOG_DIRECTORY' }),
    );
  });
});
