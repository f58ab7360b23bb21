import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach } from 'vitest';
import type { Log, TopicPartition, Transaction, TransactionalWriter } from '../../../src/log/log.ts';
import { type ReadRecord, readToEnd, recordBytes, type TestRecord, WIDE } from '../records.ts';
import type { LogAddress } from './address.ts';

/** Longer than any adapter takes to show what was committed; a wait ends as soon as it is there. */
export const PATIENCE_MS = 10_000;
/** How long a read of a partition at its end waits before the test takes the end for certain. */
export const AT_END_MS = 100;

export interface OpenedLog {
  readonly log: Log;
  readonly address: LogAddress;
  readonly close: () => Promise<void>;
}

/** A log opened for each test, with a topic of three partitions that nothing else writes. */
export class ContractFixture {
  #opened: OpenedLog | undefined;
  topic = '';

  constructor(open: () => Promise<OpenedLog>) {
    beforeEach(async () => {
      this.#opened = await open();
      this.topic = `contract-${randomUUID()}`;
      await this.log.createTopic(this.topic, { partitions: 3, retentionMs: -1 });
    });
    afterEach(() => this.#opened?.close());
  }

  get log(): Log {
    return this.#whileOpen.log;
  }

  get address(): LogAddress {
    return this.#whileOpen.address;
  }

  get #whileOpen(): OpenedLog {
    if (this.#opened === undefined) throw new Error('The log is open while a test runs, not before.');
    return this.#opened;
  }

  /** An offset of a partition of the topic. */
  readonly at = (partition: number, offset = 0) => ({ topic: this.topic, partition, offset });

  readonly append = (partition: number, records: readonly TestRecord[]) => ({
    topic: this.topic,
    partition,
    records: recordBytes(records),
  });

  readonly commit = <T>(
    writer: { readonly commit: (transaction: Transaction) => Promise<T> },
    partition: number,
    records: readonly TestRecord[],
  ): Promise<T> => writer.commit({ appends: [this.append(partition, records)], positions: [] });

  readonly openWriter = (): Promise<TransactionalWriter> => this.log.openWriter(`writer-${randomUUID()}`);

  /** Everything from the given offsets to the end. */
  readonly readFrom = async (start: readonly (TopicPartition & { offset: number })[]): Promise<ReadRecord[]> => {
    const reader = await this.log.openReader(start);
    const records = await readToEnd(reader, WIDE, AT_END_MS);
    await reader.close();
    return records;
  };
}
