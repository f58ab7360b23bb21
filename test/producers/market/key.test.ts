import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openClickHouse } from '../../../src/sinks/clickhouse/connect.ts';
import { type Receiver, startReceiver } from '../../alerts/receiver.ts';
import { configOf } from '../../api/served.ts';
import { type CommandResult, startTidemark } from '../../support/tidemarkCommand.ts';
import { type Reply, startVendor, type VendorServer } from './vendorServer.ts';

/** Of several commands, one after the other. */
const TEST_TIMEOUT_MS = 240_000;
const ALERT_TIMEOUT_MS = 150_000;
const KEY = 'SECRETKEY0123456';
const ROWS = `timestamp,open,high,low,close,volume\n2026-05-15,${KEY},1,1,1,1\n2026-05-14,1,1,1,1,1\n`;

let directory: string;
let data: string;
let vendor: VendorServer;
let receiver: Receiver;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'tidemark-key-'));
  data = join(directory, 'data');
  mkdirSync(data);
  receiver = await startReceiver();
});

afterEach(async () => {
  await receiver.close();
  await vendor.close();
  rmSync(directory, { recursive: true });
});

/** All that ClickHouse has, by table and view. */
async function tables(): Promise<ReadonlyMap<string, string>> {
  const clickhouse = await openClickHouse({ ...configOf(data).clickhouse, directory: data });
  const listed = await clickhouse.rows<{ name: string }>(
    'SELECT name FROM system.tables WHERE database = currentDatabase()',
  );
  const rows = new Map<string, string>();
  for (const { name } of listed) {
    rows.set(name, JSON.stringify(await clickhouse.rows(`SELECT * FROM \`${name}\``)));
  }
  await clickhouse.close();
  return rows;
}

it('the key is in no alert, run, row of a table or debugging output, and goes nowhere a redirect says', {
  timeout: TEST_TIMEOUT_MS,
}, async () => {
  const replies: readonly ((url: URL) => Reply)[] = [
    ({ search }) => ({ status: 302, headers: { location: `/elsewhere${search}` }, body: `moved to ${search}` }),
    () => ({ body: ROWS }),
    () => ({ body: JSON.stringify({ Information: `Your key ${KEY} has 25 requests per day` }) }),
  ];
  vendor = await startVendor((url, count) => replies[Math.min(count, replies.length) - 1]?.(url) ?? { body: '' });
  const env = {
    ...{ TIDEMARK_ALPHAVANTAGE_KEY: KEY, TIDEMARK_ALPHAVANTAGE_URL: `${vendor.url}/query`, TIDEMARK_DEBUG: '1' },
    ...{ TIDEMARK_ALPHAVANTAGE_REQUESTS_PER_SECOND: '0', TIDEMARK_REQUESTS_RETRIES: '0' },
    ...{ TIDEMARK_ALERTS_URL: receiver.url, TIDEMARK_SCHEDULE_POLL_MS: '50', TIDEMARK_SCHEDULE_GRACE_MS: '500' },
  };
  const outputs: CommandResult[] = [];
  const command = async (...args: readonly string[]): Promise<CommandResult> => {
    const ended = await startTidemark(data, args, { env }).result;
    outputs.push(ended);
    return ended;
  };

  expect((await command('produce', 'alphavantage', '--symbols', 'IBM')).stderr).toContain('TM_SOURCE_REQUEST');
  expect(await command('produce', 'alphavantage', '--symbols', 'IBM')).toMatchObject({
    stdout: 'rows 2, records 1, rejected 1, skipped 0\n',
  });
  writeFileSync(join(directory, 'there'), '');
  const jobs = join(directory, 'jobs.yaml');
  const produce = JSON.stringify(['produce', 'alphavantage', '--symbols', 'IBM']);
  writeFileSync(jobs, `jobs: { bars: { command: ${produce}, when: { file: ${join(directory, 'there')} } } }\n`);
  const scheduler = startTidemark(data, ['schedule', jobs], { env });
  await Promise.race([
    scheduler.result,
    expect.poll(() => receiver.received.length, { timeout: ALERT_TIMEOUT_MS }).toBe(1),
  ]);
  scheduler.stop();
  outputs.push(await scheduler.result);
  expect(receiver.received[0]?.body).toMatchObject({ kind: 'failedRun' });

  await command('run', '--roles', 'sink', '--until-end');
  const [run] = JSON.parse((await command('runs', 'list', '--json')).stdout) as { id: string; errorCode: string }[];
  expect(run?.errorCode).toBe('TM_SOURCE_QUOTA');
  await command('runs', 'show', run?.id ?? '');
  await command('deadletter', 'list', '--json');
  const stored = await tables();
  expect([...stored.keys()]).toEqual(expect.arrayContaining(['source_bars', 'dead_letters', 'runs']));
  expect(stored.get('dead_letters')).toContain('REDACTED');
  expect([...stored.values()].join('\n')).not.toContain(KEY);
  expect(outputs.map(({ stdout, stderr }) => stdout + stderr).join('\n')).not.toContain(KEY);
  expect(outputs.map(({ stdout }) => stdout).join('\n')).toContain('REDACTED');
  expect(JSON.stringify(receiver.received)).not.toContain(KEY);
  expect(vendor.asked.map(({ pathname }) => pathname)).toEqual(['/query', '/query', '/query']);
  const files = readdirSync(data, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  expect(files.filter((file) => readFileSync(join(file.parentPath, file.name)).includes(KEY))).toEqual([]);
});
