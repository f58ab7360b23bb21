import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';

const root = resolve(import.meta.dirname, '../../..');

/** The folder of real market data that the tests read. */
export const DATA_DIRECTORY = resolve(root, process.env.TIDEMARK_TEST_DATA ?? '../shared/data');

export function dataFile(relative: string): string {
  return join(DATA_DIRECTORY, relative);
}

export function haveDataFiles(): boolean {
  return existsSync(dataFile('README.md'));
}

/** The lines of a text file, plain or gzip, with LF or CRLF, with or without an end to the last line. */
export function readLines(path: string): string[] {
  const bytes = readFileSync(path);
  const text = (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
  return text.split(/\r?\n/).filter((line) => line !== '');
}
