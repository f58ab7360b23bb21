import type { Log, Transaction, TransactionalWriter } from '../../src/log/log.ts';

/** What a process ends with that is killed in the middle of a transaction. */
export class Killed extends Error {}

/** When the process is to be killed: in so many transactions from now, before it is there or after it is. */
export interface Death {
  transactionsLeft: number;
  isDone: boolean;
}

/** A log as a process sees it that may be killed in any of its transactions. */
export function mortalLog(log: Log, death: () => Death | null): Log {
  return {
    createTopic: (topic, settings) => log.createTopic(topic, settings),
    listTopics: () => log.listTopics(),
    ranges: (topic) => log.ranges(topic),
    offsetAtTime: (partition, epochMs) => log.offsetAtTime(partition, epochMs),
    openWriter: async (id) => mortalWriter(await log.openWriter(id), death),
    openBulkWriter: async (id) => mortalWriter(await log.openWriter(id), death),
    openReader: (start) => log.openReader(start),
    committed: (group, partitions) => log.committed(group, partitions),
    join: (group, topic, owner) => log.join(group, topic, owner),
    deleteRecords: (partition, beforeOffset) => log.deleteRecords(partition, beforeOffset),
    close: async () => {},
  };
}

function mortalWriter(writer: TransactionalWriter, death: () => Death | null): TransactionalWriter {
  return {
    commit: async (transaction: Transaction) => {
      const near = death();
      const dies = near !== null && near.transactionsLeft-- <= 0;
      if (dies && !near.isDone) throw new Killed();
      const appended = await writer.commit(transaction);
      if (dies) throw new Killed();
      return appended;
    },
    close: () => writer.close(),
  };
}
