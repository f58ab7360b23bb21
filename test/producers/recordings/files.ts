import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

/** 2024-08-09 00:00 UTC, in microseconds. */
export const START_MICROS = 1_723_161_600_000_000;

export const OPENED = line(0, { connection: 'open' });
export const END = JSON.stringify({ end: true });

/** A line of a recording, so many microseconds after its start. */
function line(afterMicros: number, what: object): string {
  return JSON.stringify({ receivedMicros: START_MICROS + afterMicros, ...what });
}

export function frame(afterMicros: number, text: string): string {
  return line(afterMicros, { frame: text });
}

export function opened(afterMicros: number): string {
  return line(afterMicros, { connection: 'open' });
}

/** A trade of Coinbase, a millisecond before it is received. */
export function match(afterMicros: number, id: number, { type = 'match', symbol = 'BTC-USD' } = {}): string {
  const time = new Date(START_MICROS / 1_000 + afterMicros / 1_000 - 1).toISOString();
  return JSON.stringify({
    ...{ type, trade_id: id, side: 'sell', size: '0.10', price: String(100 + id), product_id: symbol, time },
  });
}

export function header(part = 1, recording = 'a1b2', venue = 'coinbase'): string {
  return JSON.stringify({
    ...{ format: 'tidemark-recording-1', recording, part, venue, url: 'wss://x', symbols: ['BTC-USD'] },
    startedMicros: START_MICROS,
  });
}

/** Writes lines as a file of a recording, each a gzip member of its own; gives its path. */
export function writeFile(directory: string, name: string, lines: readonly string[]): string {
  const path = join(directory, name);
  writeFileSync(path, Buffer.concat(lines.map((text) => gzipSync(`${text}\n`))));
  return path;
}
