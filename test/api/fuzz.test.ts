import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ServedApi } from '../../src/api/serve.ts';
import { migrate } from '../../src/sinks/clickhouse/migrate.ts';
import { createOutput, serveGeneration } from '../../src/sinks/clickhouse/outputTables.ts';
import { readTopic } from '../producers/support.ts';
import { barsSpec, insertRows } from '../sinks/clickhouse/support.ts';
import { effort } from '../support/effort.ts';
import { BAR, barRow } from './bars.ts';
import { type Answer, INGEST_KEY, post, ROW } from './ingested.ts';
import { openStores, serve, temporaryData } from './served.ts';

const TIMEOUT_MS = effort(120_000);
const RUNS = effort(60);

interface Parameter {
  readonly name: string;
  readonly schema: {
    readonly type?: string;
    readonly examples?: readonly string[];
    readonly anyOf?: readonly { const: string }[];
  };
}

interface Operation {
  readonly parameters?: readonly Parameter[];
  readonly responses: Readonly<Record<string, { readonly content: Readonly<Record<string, unknown>> }>>;
}

const DOCUMENTED: readonly string[] = [
  '/v1/bars',
  '/v1/symbols',
  '/v1/latest',
  '/v1/late',
  '/metrics',
  '/healthz',
  '/readyz',
];

/** Values that a parameter takes, values near them, and anything at all. */
function anyValue({ schema }: Parameter): fc.Arbitrary<string> {
  const fitting = [...(schema.examples ?? []), ...(schema.anyOf ?? []).map((one) => one.const)];
  return fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom('1', '10', ...fitting, ...fitting) },
    fc.constantFrom('1h', '2024-08-08', "'", '\\', '{x:String}'),
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.integer().map(String),
    fc.double().map(String),
  );
}

function queryOf({ parameters = [] }: Operation): fc.Arbitrary<URLSearchParams> {
  const values = Object.fromEntries(parameters.map((parameter) => [parameter.name, anyValue(parameter)]));
  return fc.record(values, { requiredKeys: [] }).map((query) => {
    const search = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, value);
    return search;
  });
}

describe('requests of any parameters', { timeout: TIMEOUT_MS }, async () => {
  const stores = await openStores(temporaryData());
  let api: ServedApi;
  let paths: Readonly<Record<string, { readonly get: Operation; readonly post?: Operation }>>;
  beforeAll(async () => {
    await migrate(stores.clickhouse);
    const target = await createOutput(stores.clickhouse, barsSpec());
    await serveGeneration(stores.clickhouse, [barsSpec()], 0);
    await insertRows(stores.clickhouse, target, BAR, [
      barRow({ bar: 0, revision: 0 }),
      barRow({ bar: 1, revision: 2 }),
    ]);
    api = await serve(stores, { ingest: { key: INGEST_KEY } });
    const response = await fetch(`${api.url}/docs/json`);
    ({ paths } = (await response.json()) as { paths: typeof paths });
  });
  afterAll(() => api.close());

  it.each(DOCUMENTED)('to %s are answered as the document says, and never with a failure', async (path) => {
    const operation = paths[path]?.get ?? { responses: {} };
    await fc.assert(
      fc.asyncProperty(queryOf(operation), async (query) => {
        const response = await fetch(`${api.url}${path}?${query}`);
        const body = await response.text();
        expect(response.status, body).toBeLessThan(500);
        const content = operation.responses[String(response.status)]?.content ?? {};
        const [type = ''] = (response.headers.get('content-type') ?? '').split(';');
        expect(Object.keys(content), `${response.status}`).toContain(type);
        if (type.endsWith('json') && type !== 'application/x-ndjson') JSON.parse(body);
      }),
      { numRuns: RUNS },
    );
  });

  it('with rows of any kind are answered as the document says, and what is accepted is there', async () => {
    const documented = paths['/v1/ingest/{topic}']?.post?.responses ?? {};
    let accepted = 0;
    await fc.assert(
      fc.asyncProperty(
        anyRows(),
        fc.constantFrom('application/json', 'application/x-ndjson', 'avro/binary'),
        async (body, type) => {
          const response = await post(api, body, { type });
          const text = await response.text();
          expect(response.status, text).toBeLessThan(500);
          const [answered = ''] = (response.headers.get('content-type') ?? '').split(';');
          expect(Object.keys(documented[String(response.status)]?.content ?? {}), `${response.status}`).toContain(
            answered,
          );
          if (response.status === 200) accepted += (JSON.parse(text) as Answer).accepted;
        },
      ),
      { numRuns: RUNS },
    );
    const topics = await stores.log.listTopics();
    const known = topics.some(({ topic }) => topic === 'ticks');
    expect(known ? await readTopic(stores.log, stores.registry, 'ticks') : []).toHaveLength(accepted);
  });
});

/** Rows that are sound, that are nearly so, and what is no rows at all. */
function anyRows(): fc.Arbitrary<string> {
  const values = fc.oneof(fc.double(), fc.integer(), fc.string({ unit: 'binary' }), fc.jsonValue({ maxDepth: 2 }));
  const nearly = fc.tuple(fc.constantFrom(...Object.keys(ROW), 'side', 'sequence'), values);
  const row = fc.oneof(
    fc.constant(ROW),
    nearly.map(([name, value]) => ({ ...ROW, [name]: value })),
    fc.jsonValue({ maxDepth: 3 }),
  );
  return fc.oneof(
    { weight: 3, arbitrary: fc.array(row, { maxLength: 5 }).map((rows) => JSON.stringify(rows)) },
    {
      weight: 2,
      arbitrary: fc.array(row, { maxLength: 5 }).map((rows) => rows.map((one) => JSON.stringify(one)).join('\n')),
    },
    fc.string({ unit: 'binary', maxLength: 60 }),
    fc.string({ maxLength: 60 }).map((text) => `Obj\u0001${text}`),
  );
}
