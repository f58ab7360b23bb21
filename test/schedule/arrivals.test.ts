import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openEmbeddedLog } from '../../src/log/embedded/embeddedLog.ts';
import { markOf } from '../../src/schedule/arrivals.ts';
import { tidemark } from '../support/tidemarkCommand.ts';

const TIMEOUT_MS = 5_000;

describe('the mark of what a job waits for', () => {
  let directory: string;
  const openLog = () => openEmbeddedLog({ directory: join(directory, 'log'), now: Date.now });
  const options = { openLog, fetch, timeoutMs: TIMEOUT_MS };

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'tidemark-arrivals-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it('is another one when a file is written anew, and null where there is none', async () => {
    const file = join(directory, 'in.csv');
    expect(await markOf({ file }, options)).toBeNull();
    writeFileSync(file, 'one');
    const first = await markOf({ file }, options);
    expect(await markOf({ file }, options)).toBe(first);
    utimesSync(file, 1, 1);
    expect(await markOf({ file }, options)).not.toBe(first);
  });

  it('is another one when records come into a topic', async () => {
    expect(await markOf({ topic: 'ticks' }, options)).toBeNull();
    const produce = ['produce', 'simulate', '--fast', '--start', '2026-01-05T09:00:00Z', '--count'];
    await tidemark(directory, [...produce, '10']);
    const first = await markOf({ topic: 'ticks' }, options);
    expect(first).not.toBeNull();
    expect(await markOf({ topic: 'ticks' }, options)).toBe(first);
    await tidemark(directory, [...produce, '20']);
    expect(await markOf({ topic: 'ticks' }, options)).not.toBe(first);
  });

  it('is another one when an object has another tag; null while it is not there or nobody answers', async () => {
    let tag: string | null = null;
    const server: Server = createServer((_request, response) => {
      response.writeHead(tag === null ? 404 : 200, tag === null ? {} : { etag: tag }).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const object = `http://127.0.0.1:${(server.address() as AddressInfo).port}/day.csv`;
    expect(await markOf({ object }, options)).toBeNull();
    tag = '"one"';
    const first = await markOf({ object }, options);
    expect(first).toContain('"one"');
    tag = '"two"';
    expect(await markOf({ object }, options)).not.toBe(first);
    await new Promise((resolve) => server.close(resolve));
    expect(await markOf({ object }, options)).toBeNull();
  });
});
