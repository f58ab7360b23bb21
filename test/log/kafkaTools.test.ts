import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { open } from 'lmdb';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openEmbeddedLog } from '../../src/log/embedded/embeddedLog.ts';
import { prepareKafkaTools, runKafkaTool } from '../support/kafka/kafkaTools.ts';
import { requirement } from '../support/requirement.ts';
import { numbered, recordBytes, type TestRecord } from './records.ts';

const missing = prepareKafkaTools();
const available = requirement('java', missing === null, `Kafka's DumpLogSegments on stored batches: ${missing}`);
const TIMEOUT_MS = 300_000;
const APPEND_MS = 1_700_000_000_123;

describe.skipIf(!available)("Kafka's DumpLogSegments", () => {
  let directory: string;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'tidemark-dump-'));
  });

  afterEach(() => {
    rmSync(directory, { recursive: true });
  });

  it(
    'reads every record from the batches that the embedded log stored',
    async () => {
      const appends: TestRecord[][] = [
        numbered('small', 3),
        [{ key: 'one', value: 'incompressible and long: '.concat('x'.repeat(500)) }],
        numbered('two-batches', 12_000),
        [{ key: '', value: '' }],
        [{ key: 'large', value: 'y'.repeat(1_500_000) }],
      ];
      await storeAppends(appends);
      const dump = dumpSegment(await storedBatches());

      const records = appends.flat();
      expect(dump.records).toHaveLength(records.length);
      expect(dump.records).toEqual(
        records.map(({ key, value }, offset) => ({ offset, timestamp: `LogAppendTime: ${APPEND_MS}`, key, value })),
      );
      expect(dump.batches).toHaveLength(6);
      for (const batch of dump.batches) {
        expect(batch).toContain('isvalid: true');
        expect(batch).toContain('magic: 2');
        expect(batch).toContain('compresscodec: lz4');
      }
    },
    TIMEOUT_MS,
  );

  async function storeAppends(appends: readonly (readonly TestRecord[])[]): Promise<void> {
    const log = await openEmbeddedLog({ directory, now: () => APPEND_MS });
    await log.createTopic('ticks', { partitions: 1, retentionMs: -1 });
    const writer = await log.openWriter('writer');
    for (const records of appends) {
      await writer.commit({
        appends: [{ topic: 'ticks', partition: 0, records: recordBytes(records) }],
        positions: [],
      });
    }
    await log.close();
  }

  async function storedBatches(): Promise<Uint8Array> {
    const store = open({ path: directory, noSubdir: false });
    const rows = store.openDB<Uint8Array, number[]>('batches', { encoding: 'binary' }).getRange();
    const segment = Buffer.concat(Array.from(rows, ({ value }) => Buffer.from(value)));
    await store.close();
    return segment;
  }

  function dumpSegment(segment: Uint8Array) {
    const file = join(directory, '00000000000000000000.log');
    writeFileSync(file, segment);
    const output = runKafkaTool('kafka.tools.DumpLogSegments', [
      '--print-data-log',
      '--deep-iteration',
      '--max-message-size',
      '4000000',
      '--files',
      file,
    ]);
    const lines = output.split('\n');
    return {
      batches: lines.filter((line) => line.startsWith('baseOffset:')),
      records: lines.flatMap(parseRecord),
    };
  }
});

/** `| offset: 0 LogAppendTime: 17… keySize: 2 valueSize: 7 sequence: -1 headerKeys: [] key: k0 payload: small-0` */
const RECORD = /^\| offset: (\d+) (\w+: \d+) .*?headerKeys: \[\] key: (.*?) payload: (.*)$/;

function parseRecord(line: string) {
  const match = RECORD.exec(line);
  if (match === null) return [];
  const [, offset, timestamp, key, value] = match;
  return [{ offset: Number(offset), timestamp, key, value }];
}
