import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { addressOf } from './address.ts';
import type { Figure } from './figures.ts';
import { seededRandom } from './random.ts';
import { line, median } from './table.ts';

const root = join(import.meta.dirname, '..');
const KEY = 'a-key-of-the-benchmark';
const ROWS_A_REQUEST = 1_000;
/** Made before, and sent round and round, each time with a key of its own. */
const BODIES = 20;
const SYMBOLS = 100;
/** Requests under way at once. */
const CLIENTS = 4;
/** Sent, and not counted, so that neither side pays for compiling. */
const WARM_UP = 20;
const FIRST_MICROS = Date.UTC(2024, 0, 2) * 1_000;

const CONTENDERS = ['POST /v1/ingest', 'bare Fastify and avsc'] as const;
type Contender = (typeof CONTENDERS)[number];

export interface IngestingOptions {
  /** Made and removed here, one after the other. */
  readonly directory: string;
  readonly rows: number;
  readonly rounds: number;
}

interface Round {
  readonly rowsPerSecond: number;
  readonly cpuMicrosPerRow: number;
}

/**
 * Sends rows as NDJSON to the API, and in turns with it to a handler that only appends them to the same log. Prints the
 * table.
 */
export async function ingesting({ directory, rows, rounds }: IngestingOptions): Promise<Figure[]> {
  const bodies = Array.from({ length: BODIES }, (_, seed) => bodyOf(seed));
  const requests = Math.ceil(rows / ROWS_A_REQUEST);
  const done: Record<Contender, Round[]> = { 'POST /v1/ingest': [], 'bare Fastify and avsc': [] };
  for (let round = 0; round < rounds; round++) {
    for (const contender of CONTENDERS) done[contender].push(await measured(contender, directory, bodies, requests));
  }
  const medians = CONTENDERS.map((contender) => ({
    contender,
    rate: median(done[contender].map(({ rowsPerSecond }) => rowsPerSecond)),
    cpu: median(done[contender].map(({ cpuMicrosPerRow }) => cpuMicrosPerRow)),
  }));
  const bare = medians.find(({ contender }) => contender === 'bare Fastify and avsc');
  const lines = [line(['rows over HTTP, 1,000 a request', 'rows/s', 'CPU us/row', 'ratio', 'ratio of CPU'], 1)];
  for (const { contender, rate, cpu } of medians) {
    const ratios = [rate / (bare?.rate ?? Number.NaN), cpu / (bare?.cpu ?? Number.NaN)];
    const cells = [
      Math.round(rate).toLocaleString('en-US'),
      cpu.toFixed(2),
      ...ratios.map((one) => `${one.toFixed(2)}x`),
    ];
    lines.push(line([contender, ...cells], 1));
  }
  console.log(lines.join('\n'));
  return medians.flatMap(({ contender, rate, cpu }) => [
    { name: contender, unit: 'rows/s', value: rate },
    { name: contender, unit: 'CPU us/row', value: cpu },
  ]);
}

async function measured(
  contender: Contender,
  directory: string,
  bodies: readonly string[],
  requests: number,
): Promise<Round> {
  const child = start(contender, directory);
  try {
    const url = `${await addressOf(child)}/v1/ingest/ticks`;
    await send(url, bodies, 0, WARM_UP);
    const startedMs = performance.now();
    const cpuBeforeMs = cpuMs(child);
    await send(url, bodies, WARM_UP, WARM_UP + requests);
    const rows = requests * ROWS_A_REQUEST;
    return {
      rowsPerSecond: (rows / (performance.now() - startedMs)) * 1_000,
      cpuMicrosPerRow: ((cpuMs(child) - cpuBeforeMs) / rows) * 1_000,
    };
  } finally {
    child.kill('SIGTERM');
    await once(child, 'close');
    rmSync(directory, { recursive: true, force: true });
  }
}

/** User and system time of a process so far, as Linux counts it, in hundredths of a second. */
function cpuMs({ pid }: ChildProcess): number {
  const [, user, system] = /\) (?:\S+ ){11}(\d+) (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
  return (Number(user) + Number(system)) * 10;
}

function start(contender: Contender, directory: string): ChildProcess {
  const args =
    contender === 'POST /v1/ingest'
      ? [join(root, 'bin/tidemark.js'), 'run', '--roles', 'api', '--port', '0', '--data', directory]
      : [join(root, 'bench/bareIngest.mjs'), directory];
  return spawn(process.execPath, args, {
    env: { ...process.env, TIDEMARK_INGEST_KEY: KEY },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
}

/** Sends the requests of some numbers, several at a time, until the last is answered. */
async function send(url: string, bodies: readonly string[], from: number, to: number): Promise<void> {
  let next = from;
  const client = async (): Promise<void> => {
    while (next < to) {
      const number = next++;
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/x-ndjson', 'x-api-key': KEY, 'idempotency-key': `bench-${number}` },
        body: bodies[number % BODIES] ?? '',
      });
      const { accepted } = (await response.json()) as { accepted?: number };
      if (accepted !== ROWS_A_REQUEST) throw new Error(`${url} answered ${response.status}: ${accepted} rows`);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
}

function bodyOf(seed: number): string {
  const random = seededRandom(seed + 1);
  const rows = Array.from({ length: ROWS_A_REQUEST }, (_, i) =>
    JSON.stringify({
      instrument: `bench:S${Math.floor(random() * SYMBOLS)}`,
      eventTime: FIRST_MICROS + (seed * ROWS_A_REQUEST + i) * 400,
      price: Math.floor(random() * 100_000) / 100,
      size: Math.floor(random() * 50_000 + 1) / 10_000,
      side: random() < 0.5 ? 'sell' : 'buy',
      sequence: seed * ROWS_A_REQUEST + i,
      tradeId: String(seed * ROWS_A_REQUEST + i),
    }),
  );
  return rows.join('\n');
}
