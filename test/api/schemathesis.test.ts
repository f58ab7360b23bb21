import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { endAll, start } from '../cli/command.ts';
import { effort } from '../support/effort.ts';
import { dataFile, haveDataFiles } from '../support/oracle/files.ts';
import { requirement } from '../support/requirement.ts';
import { prepareSchemathesis, SCHEMATHESIS } from '../support/schemathesis/schemathesis.ts';
import { produceTrades, runToEnd, TRADES } from '../support/tradeRuns.ts';
import { INGEST_KEY } from './ingested.ts';

const START_TIMEOUT_MS = 120_000;
const TIMEOUT_MS = effort(240_000);
/** Of each path, at most. */
const EXAMPLES = effort(40);
const SEED = 1;
/** A request that is not answered within this is a failure. */
const ANSWER_SECONDS = '30';
/** The live stream has no end, which Schemathesis would wait for. */
const WITHOUT_END = '/v1/stream';
/** What an interval, an instant or a cursor is, a schema can say in part only: not all that fits it is good. */
const BEYOND_SCHEMAS = 'positive_data_acceptance';
/** Each request carries the right key, beside the wrong one that this check tries. */
const WITH_KEY = 'ignored_auth';
/** The one format of bodies that Schemathesis can write. */
const JSON_TYPE = 'application/json';
/** Values that find bars, so that not only refusals are tried. */
const GOOD_VALUES: Readonly<Record<string, readonly string[]>> = {
  interval: ['1s', '1m', '5m', '1h'],
  symbol: ['binance-spot:BTCUSDT', 'binance-usdm:BTCUSDT'],
  from: ['2024-08-08', '1723161300'],
  to: ['2024-08-09T00:00:00Z', '1723162000000'],
  topic: ['ticks', 'quotes', 'source_bars'],
};

interface Operation {
  readonly requestBody?: { content: Readonly<Record<string, unknown>> };
  readonly parameters?: { name: string; schema: unknown }[];
}

interface Document {
  /** By path, then by method. */
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

const missing = haveDataFiles() ? prepareSchemathesis() : null;
const available =
  requirement('data', haveDataFiles(), 'Schemathesis on the API with bars of real trades') &&
  requirement('python', missing === null, `Schemathesis on the API: ${missing}`);

/** Eleven minutes behind the others: for the late ledger. */
const LATE_TRADES = `recv_ns,market,symbol,event_ms,trade_ms,trade_id,price,qty,buyer_is_maker,order_type
1723161240000000000,spot,BTCUSDT,1723161240000,1723161240000,1,61700.5,0.01,true,
`;

describe.skipIf(!available)('the API on bars of real trades', () => {
  const directory = mkdtempSync(join(tmpdir(), 'tidemark-schemathesis-'));
  let url = '';

  beforeAll(async () => {
    const data = join(directory, 'data');
    await produceTrades(data, [dataFile(TRADES)]);
    await runToEnd(data);
    const late = join(directory, 'late.csv');
    writeFileSync(late, LATE_TRADES);
    await produceTrades(data, ['--allow-late', late]);
    await runToEnd(data);
    const env = { TIDEMARK_INGEST_KEY: INGEST_KEY };
    const server = start(['run', '--roles', 'api', '--port', '0', '--data', data], { env });
    url = (await server.shows(/API at (http:\S+),/))[1] ?? '';
  }, START_TIMEOUT_MS);

  afterAll(async () => {
    await endAll();
    rmSync(directory, { recursive: true, force: true });
  });

  it('answers what Schemathesis asks as its document says, and never with a failure', {
    timeout: TIMEOUT_MS,
  }, async () => {
    const document = withGoodValues(await (await fetch(`${url}/docs/json`)).json());
    const file = join(directory, 'openapi.json');
    writeFileSync(file, JSON.stringify(document));
    const { status, said } = await fuzz(file, [
      '--exclude-path',
      WITHOUT_END,
      '--exclude-checks',
      `${BEYOND_SCHEMAS},${WITH_KEY}`,
    ]);
    expect(status, said).toBe(0);
    expect(said).toContain(`Tested: ${Object.keys(document.paths).length - 1}`);
  });

  /** Runs Schemathesis on a document, in a directory of its own. */
  async function fuzz(document: string, options: readonly string[]) {
    const bounds = ['--max-examples', String(EXAMPLES), '--seed', String(SEED), '--request-timeout', ANSWER_SECONDS];
    const key = ['--header', `x-api-key: ${INGEST_KEY}`];
    const child = spawn(SCHEMATHESIS, ['run', document, '--url', url, ...bounds, ...key, ...options], {
      cwd: directory,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: TIMEOUT_MS,
    });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        said += text;
      });
    }
    const [status]: unknown[] = await once(child, 'close');
    return { status, said };
  }
});

/** A document that names good values of its parameters besides what it allows. */
function withGoodValues(document: unknown): Document {
  const { paths, ...rest } = document as Document;
  for (const { parameters = [], requestBody } of Object.values(paths).flatMap((methods) => Object.values(methods))) {
    if (requestBody !== undefined) requestBody.content = { [JSON_TYPE]: requestBody.content[JSON_TYPE] };
    for (const parameter of parameters) {
      const good = GOOD_VALUES[parameter.name];
      if (good !== undefined) parameter.schema = { anyOf: [{ enum: good }, parameter.schema] };
    }
  }
  return { ...rest, paths };
}
