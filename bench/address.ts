import type { ChildProcess } from 'node:child_process';

/** Where a process serves the API, once it says so. */
export async function addressOf({ stderr }: ChildProcess): Promise<string> {
  let text = '';
  for await (const part of stderr ?? []) {
    text += part;
    const url = /API at (http:\S+),/.exec(text)?.[1];
    if (url !== undefined) return url;
  }
  throw new Error(`the API did not start:\n${text}`);
}
