import { mkdirSync } from 'node:fs';
import { open } from 'lmdb';
import type { BudgetStore } from './requestBudget.ts';

/** The times of requests in a directory that processes share: LMDB lets one of them write at a time. */
export interface OpenedBudgetStore extends BudgetStore {
  close(): Promise<void>;
}

export function openBudgetStore(directory: string): OpenedBudgetStore {
  mkdirSync(directory, { recursive: true });
  const store = open<readonly number[], string>({ path: directory });
  return {
    update(name, change) {
      return store.transactionSync(() => {
        const { times, result } = change(store.get(name) ?? []);
        store.putSync(name, times);
        return result;
      });
    },
    close: () => store.close(),
  };
}
