/**
 * Another process on the embedded log, for its tests. Usage: logPeer.ts COMMAND DIRECTORY TOPIC
 *   append   appends two records to partition 0 for each line on standard input, named after it; echoes the line
 *   read     reads partition 0 from 0 on and writes each value as a line
 *   count    commits transactions without end, numbered by their position; writes each number after its commit
 *   fill     commits large records until one is refused; writes the code
 */
import { createInterface } from 'node:readline';
import { TidemarkError } from '../../../src/errors.ts';
import { openEmbeddedLog } from '../../../src/log/embedded/embeddedLog.ts';
import { numbered, recordBytes, recordsOf, WIDE } from '../records.ts';

const [command, directory = '', topic = ''] = process.argv.slice(2);
const log = await openEmbeddedLog({ directory, now: Date.now });
const say = (line: string) => process.stdout.write(`${line}\n`);

async function append(): Promise<void> {
  const writer = await log.openWriter('peer');
  for await (const line of createInterface({ input: process.stdin })) {
    await writer.commit({ appends: [{ topic, partition: 0, records: recordBytes(numbered(line, 2)) }], positions: [] });
    say(line);
  }
}

async function read(): Promise<void> {
  const reader = await log.openReader([{ topic, partition: 0, offset: 0 }]);
  for (;;) {
    const chunk = await reader.read(WIDE, 60_000);
    if (chunk === null) return;
    for (const { value } of recordsOf(chunk)) say(String(value));
  }
}

async function count(): Promise<void> {
  const writer = await log.openWriter('counter');
  const [committed] = await log.committed('counter');
  for (let number = committed?.offset ?? 0; ; ) {
    const records = recordBytes(Array.from({ length: 200 }, () => ({ key: 'k', value: String(number) })));
    number += 1;
    await writer.commit({
      appends: [0, 1].map((partition) => ({ topic, partition, records })),
      positions: [{ group: 'counter', positions: [{ topic, partition: 0, offset: number, metadata: '' }] }],
    });
    say(String(number));
  }
}

async function fill(): Promise<void> {
  const writer = await log.openWriter('filler');
  // Random bytes, so that compression does not keep the file small; a generator, so that a failure comes again.
  let state = 1;
  const noise = Uint8Array.from({ length: 200_000 }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state >>> 24;
  });
  const records = recordBytes([{ key: '', value: Buffer.from(noise).toString('latin1') }]);
  for (;;) {
    try {
      await writer.commit({ appends: [0, 1].map((partition) => ({ topic, partition, records })), positions: [] });
    } catch (error) {
      say(error instanceof TidemarkError ? error.code : String(error));
      return;
    }
  }
}

const commands: Record<string, () => Promise<void>> = { append, read, count, fill };
await commands[command ?? '']?.();
