import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Membership, PartitionOwner } from '../../../src/log/log.ts';
import { numbered } from '../records.ts';
import type { ContractFixture } from './fixture.ts';

const CHILD = fileURLToPath(new URL('./children/member.ts', import.meta.url));
/** Longer than a dead member is waited for, and a process takes to start. */
const GROUP_PATIENCE_MS = 45_000;
const POLL_MS = 10;
const HELD_POLLS = 200;

/** Who has which partition, over all members of the test. A partition is never given to two. */
class Owners {
  readonly #owners = new Map<number, string>();
  readonly faults: string[] = [];

  give(name: string, partitions: readonly number[]): void {
    for (const partition of partitions) {
      const other = this.#owners.get(partition);
      if (other !== undefined) this.faults.push(`${partition} was given to ${name} while ${other} had it`);
      this.#owners.set(partition, name);
    }
  }

  take(name: string, partitions: readonly number[]): void {
    for (const partition of partitions) {
      if (this.#owners.get(partition) !== name) this.faults.push(`${name} gave up ${partition} without having it`);
      this.#owners.delete(partition);
    }
  }

  of(name: string): number[] {
    return [...this.#owners].flatMap(([partition, owner]) => (owner === name ? [partition] : [])).sort();
  }

  /** How many partitions each of the members has, most first. */
  shares(...names: readonly string[]): number[] {
    return names.map((name) => this.of(name).length).sort((a, b) => b - a);
  }
}

/** Members of a group that share the partitions of a topic. */
export function groupContract(fixture: ContractFixture): void {
  const { at, append, openWriter } = fixture;

  describe('members of a group', () => {
    let owners: Owners;
    let members: Map<string, Membership>;
    let children: ChildProcess[];
    beforeEach(() => {
      owners = new Owners();
      members = new Map();
      children = [];
    });
    afterEach(async () => {
      await Promise.all(children.map(kill));
      expect(owners.faults).toEqual([]);
    });

    const keepingBook = (name: string): PartitionOwner => ({
      assigned: async (partitions) => owners.give(name, partitions),
      revoked: async (partitions) => owners.take(name, partitions),
      lost: async (partitions) => owners.take(name, partitions),
    });

    async function join(name: string, owner = keepingBook(name)): Promise<Membership> {
      const member = await fixture.log.join(fixture.topic, fixture.topic, owner);
      members.set(name, member);
      return member;
    }

    /** Its owner has nothing to commit here. */
    async function leave(name: string): Promise<void> {
      owners.take(name, owners.of(name));
      await members.get(name)?.close();
      members.delete(name);
    }

    /** Polls every member until the condition holds. */
    async function until(holds: () => boolean): Promise<void> {
      const deadline = performance.now() + GROUP_PATIENCE_MS;
      while (!holds()) {
        if (performance.now() > deadline) throw new Error(`the group does not settle: ${JSON.stringify(owners)}`);
        for (const member of members.values()) await member.poll();
        await sleep(POLL_MS);
      }
    }

    /** A member in another process, told apart by its name. */
    function joinElsewhere(name: string): ChildProcess {
      const args = ['--import', 'tsx', CHILD, JSON.stringify(fixture.address), fixture.topic, fixture.topic];
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
      children.push(child);
      createInterface({ input: child.stdout }).on('line', (line) => {
        const { kind, partitions } = JSON.parse(line) as { kind: keyof PartitionOwner; partitions: number[] };
        if (kind === 'assigned') owners.give(name, partitions);
        else owners.take(name, partitions);
      });
      return child;
    }

    async function kill(child: ChildProcess): Promise<void> {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    }

    it('share the partitions evenly, each with one of them, as they come and go', async () => {
      await join('a');
      await until(() => owners.of('a').length === 3);
      await join('b');
      await until(() => owners.shares('a', 'b').join() === '2,1');
      await join('c');
      await until(() => owners.shares('a', 'b', 'c').join() === '1,1,1');
      await leave('a');
      await until(() => owners.shares('b', 'c').join() === '2,1');
      await leave('c');
      await until(() => owners.of('b').length === 3);
    });

    it('keep the partitions that do not have to move', async () => {
      const given: number[] = [];
      const owner = keepingBook('a');
      await join('a', {
        ...owner,
        assigned: async (partitions) => {
          given.push(...partitions);
          await owner.assigned(partitions);
        },
      });
      await until(() => owners.of('a').length === 3);
      await join('b');
      await until(() => owners.shares('a', 'b').join() === '2,1');
      expect(given.sort()).toEqual([0, 1, 2]);
    });

    it('of a process that is killed are missed, and the others take over', async () => {
      await join('a');
      await until(() => owners.of('a').length === 3);
      const child = joinElsewhere('elsewhere');
      await until(() => owners.shares('a', 'elsewhere').join() === '2,1');
      await kill(child);
      owners.take('elsewhere', owners.of('elsewhere'));
      await until(() => owners.of('a').length === 3);
    });

    it('get a partition only once the owner before them has committed, and find what it did', async () => {
      const found: number[] = [];
      const writer = await openWriter();
      await join('a', {
        ...keepingBook('a'),
        revoked: async (partitions) => {
          // Long enough for the other to get it, were it free.
          for (let polls = 0; polls < HELD_POLLS; polls++) {
            await members.get('b')?.poll();
            await sleep(POLL_MS);
          }
          const positions = partitions.map((partition) => ({ ...at(partition, partition), metadata: 'last' }));
          const appends = partitions.map((partition) => append(partition, numbered('last', 1)));
          await writer.commit({ appends, positions: [{ group: fixture.topic, positions }] });
          owners.take('a', partitions);
        },
      });
      await until(() => owners.of('a').length === 3);
      await join('b', {
        ...keepingBook('b'),
        assigned: async (partitions) => {
          owners.give('b', partitions);
          const committed = await fixture.log.committed(fixture.topic);
          found.push(...committed.map(({ partition }) => partition));
        },
      });
      await until(() => owners.of('b').length === 1);
      expect(found).toEqual(owners.of('b'));
    });

    it('of other groups have partitions of their own', async () => {
      const group = `${fixture.topic}-other`;
      const theirs: number[] = [];
      await join('a');
      const owner = { ...keepingBook('b'), assigned: async (given: readonly number[]) => void theirs.push(...given) };
      members.set('b', await fixture.log.join(group, fixture.topic, owner));
      await until(() => owners.of('a').length === 3 && theirs.length === 3);
    });

    it('say what their owner threw', async () => {
      const failing = async () => {
        throw new Error('the owner failed');
      };
      const member = await fixture.log.join(fixture.topic, fixture.topic, { ...keepingBook('a'), assigned: failing });
      members.set('a', member);
      await expect(until(() => false)).rejects.toThrow('the owner failed');
      await member.close();
    });

    it('are refused once they have left, and on a topic that is not there', async () => {
      const member = await join('a');
      await member.close();
      await expect(member.poll()).rejects.toMatchObject({ code: 'TM_LOG_CLOSED' });
      const nowhere = fixture.log.join(fixture.topic, `${fixture.topic}.none`, keepingBook('b'));
      await expect(nowhere).rejects.toMatchObject({ code: 'TM_TOPIC_UNKNOWN' });
    });
  });
}
