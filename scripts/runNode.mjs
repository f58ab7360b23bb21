import { spawn } from 'node:child_process';

/**
 * Runs a Node program in the foreground: on this terminal, in this process group, without standard input. Ctrl-C
 * reaches the program by itself (the terminal signals the whole group), so that this process only waits for its end.
 * @param {string[]} args
 * @param {{ cwd: string, env?: NodeJS.ProcessEnv }} options
 * @returns {Promise<number>} its exit status; 1 where a signal ended it
 */
export async function runNode(args, { cwd, env = process.env }) {
  const child = spawn(process.execPath, args, { cwd, env, stdio: ['ignore', 'inherit', 'inherit'] });
  const wait = () => {};
  process.on('SIGINT', wait);
  try {
    return await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (status) => resolve(status ?? 1));
    });
  } finally {
    process.off('SIGINT', wait);
  }
}
