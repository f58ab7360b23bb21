// @ts-check

/**
 * Does something now and then, one at a time, while the page can be seen.
 *
 * @param {number} everyMs
 * @param {() => Promise<void>} task
 */
export function poll(everyMs, task) {
  const round = async () => {
    if (!document.hidden) await task();
    setTimeout(round, everyMs);
  };
  void round();
}
