/**
 * A member of a group in a process of its own. Usage: member.ts ADDRESS GROUP TOPIC
 * Writes what its owner is told as lines of JSON, until it is killed.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { PartitionOwner } from '../../../../src/log/log.ts';
import { openLogAt } from '../address.ts';

const POLL_MS = 20;

const [address = '', group = '', topic = ''] = process.argv.slice(2);
const log = await openLogAt(JSON.parse(address));
const say = (kind: keyof PartitionOwner) => async (partitions: readonly number[]) => {
  process.stdout.write(`${JSON.stringify({ kind, partitions })}\n`);
};
const member = await log.join(group, topic, {
  assigned: say('assigned'),
  revoked: say('revoked'),
  lost: say('lost'),
});
for (;;) {
  await member.poll();
  await sleep(POLL_MS);
}
