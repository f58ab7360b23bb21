import { describe } from 'vitest';
import { ContractFixture, type OpenedLog } from './contract/fixture.ts';
import { groupContract } from './contract/groups.ts';
import { readerContract } from './contract/readers.ts';
import { recordContract } from './contract/records.ts';
import { retentionContract } from './contract/retention.ts';
import { topicContract } from './contract/topics.ts';
import { transactionContract } from './contract/transactions.ts';

/** Holds an adapter to the log port. `open` gives a log that may hold other topics. */
export function logContract(name: string, open: () => Promise<OpenedLog>): void {
  describe(`${name} keeps the log's contract`, () => {
    const fixture = new ContractFixture(open);
    topicContract(fixture);
    recordContract(fixture);
    transactionContract(fixture);
    readerContract(fixture);
    retentionContract(fixture);
    groupContract(fixture);
  });
}
