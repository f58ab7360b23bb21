/**
 * The same batches, each worked out while the one before it is being written: reading rows and waiting for the log take about as long
 * as each other. One batch more is in memory.
 */
export async function* ahead<T>(batches: AsyncGenerator<T>): AsyncGenerator<T> {
  try {
    let next = batches.next();
    for (let batch = await next; batch.done !== true; batch = await next) {
      next = batches.next();
      // A failure is met when it is waited for, once what came before it is written.
      next.catch(() => {});
      yield batch.value;
    }
  } finally {
    await batches.return(undefined);
  }
}
