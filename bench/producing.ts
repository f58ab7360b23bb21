import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { openEmbeddedRegistry } from '../src/log/registry/embeddedRegistry.ts';
import { serveRegistry } from '../src/log/registry/registryServer.ts';
import { type Broker, startBroker, whyNoBroker } from '../test/support/kafka/broker.ts';
import type { Figure } from './figures.ts';
import { type Measured, measure } from './measure.ts';
import { line, median } from './table.ts';
import { writeTicksFile } from './ticksFile.ts';

const root = join(import.meta.dirname, '..');
const TIDEMARK = join(root, 'bin/tidemark.js');
const BARE = join(root, 'bench/bareProducer.mjs');
const LAYOUT = join(root, 'examples/layouts/binance-trades.yaml');
/** A file of so many times fewer rows shows whether memory grows with the file, and what starting takes. */
const SMALLER = 10;
/** Rows a second of `produce csv` over those of the bare loop. */
const LEAST_RATIO = 0.6;

export interface ProducingOptions {
  /** Made here. */
  readonly directory: string;
  readonly rows: number;
  readonly rounds: number;
}

interface Round {
  readonly small: Measured;
  readonly whole: Measured;
  readonly bare: Pick<Measured, 'wallMs' | 'cpuMs'>;
}

/**
 * Produces a CSV file flat out to a Kafka broker, and a tenth of it: what that takes of memory, and how fast it is beside a bare
 * produce loop of the same client, in turns. Prints the table; none where no broker can be had.
 */
export async function producing(options: ProducingOptions): Promise<Figure[]> {
  const missing = whyNoBroker();
  if (missing !== null) {
    console.log(`produce csv to a Kafka broker is left out: ${missing}`);
    return [];
  }
  const rounds = await measured(options);
  const least = (times: readonly number[]): number => Math.min(...times);
  // What starting takes is in both.
  const extraMs = least(rounds.map(({ whole }) => whole.wallMs)) - least(rounds.map(({ small }) => small.wallMs));
  const perSecond = ((options.rows - smallerRows(options)) / extraMs) * 1_000;
  const barePerSecond = (options.rows / least(rounds.map(({ bare }) => bare.wallMs))) * 1_000;
  const extraCpuMs = least(rounds.map(({ whole }) => whole.cpuMs)) - least(rounds.map(({ small }) => small.cpuMs));
  const cpu = (extraCpuMs / (options.rows - smallerRows(options))) * 1_000;
  const bareCpu = (least(rounds.map(({ bare }) => bare.cpuMs)) / options.rows) * 1_000;
  const smallMb = median(rounds.map(({ small }) => small.peakRssMb));
  const wholeMb = median(rounds.map(({ whole }) => whole.peakRssMb));
  const rate = (value: number): string => Math.round(value).toLocaleString('en-US');
  const rows = (value: number): string => `${value.toLocaleString('en-US')} rows`;
  console.log(
    [
      line(['produce to a Kafka broker', 'rows/s', 'CPU us/row', 'peak RSS MB', 'ratio', 'aim'], 1),
      line([`csv, ${rows(smallerRows(options))}`, '', '', smallMb.toFixed(0), '', ''], 1),
      line(
        [
          `csv, ${rows(options.rows)}`,
          rate(perSecond),
          cpu.toFixed(2),
          wholeMb.toFixed(0),
          `${(wholeMb / smallMb).toFixed(2)}x`,
          '',
        ],
        1,
      ),
      line(
        [
          'bare kafka-javascript loop',
          rate(barePerSecond),
          bareCpu.toFixed(2),
          '',
          `${(perSecond / barePerSecond).toFixed(2)}x`,
          `${LEAST_RATIO}x`,
        ],
        1,
      ),
    ].join('\n'),
  );
  return [
    { name: 'produce csv to a broker', unit: 'rows/s', value: perSecond },
    { name: 'bare kafka-javascript loop', unit: 'rows/s', value: barePerSecond },
    { name: 'produce csv to a broker', unit: 'CPU us/row', value: cpu },
    { name: 'bare kafka-javascript loop', unit: 'CPU us/row', value: bareCpu },
    { name: `produce csv to a broker, ${rows(smallerRows(options))}`, unit: 'peak RSS MB', value: smallMb },
    { name: `produce csv to a broker, ${rows(options.rows)}`, unit: 'peak RSS MB', value: wholeMb },
  ];
}

function smallerRows({ rows }: ProducingOptions): number {
  return Math.ceil(rows / SMALLER);
}

async function measured(options: ProducingOptions): Promise<Round[]> {
  const { directory, rows, rounds } = options;
  const files = { small: join(directory, 'small.csv'), whole: join(directory, 'whole.csv') };
  mkdirSync(directory);
  await writeTicksFile(files.small, smallerRows(options));
  await writeTicksFile(files.whole, rows);
  const broker = await startBroker();
  const store = await openEmbeddedRegistry({ directory: join(directory, 'registry') });
  const registry = await serveRegistry(store, 0);
  try {
    const done: Round[] = [];
    for (let round = 1; round <= rounds; round++) {
      const csv = (file: 'small' | 'whole') =>
        produceCsv(files[file], `${file}-${round}`, { broker, registry: registry.url, directory });
      const small = await csv('small');
      const whole = await csv('whole');
      const bare = [broker.urls, `bare-${round}`, files.whole, String(rows)];
      const { stdout } = await measure(BARE, bare, join(directory, 'usage'));
      const measuredBare = JSON.parse(stdout) as Round['bare'];
      console.error(
        `round ${round}: produce ${(whole.wallMs / 1_000).toFixed(2)} s, bare ${(measuredBare.wallMs / 1_000).toFixed(2)} s`,
      );
      done.push({ small, whole, bare: measuredBare });
    }
    return done;
  } finally {
    await registry.close();
    await store.close();
    await broker.remove();
  }
}

/** The file into a topic of its own. */
function produceCsv(
  file: string,
  topic: string,
  { broker, registry, directory }: { readonly broker: Broker; readonly registry: string; readonly directory: string },
): Promise<Measured> {
  const to = ['--brokers', broker.urls, '--registry', registry, '--data', join(directory, 'data'), '--topic', topic];
  return measure(TIDEMARK, ['produce', 'csv', '--layout', LAYOUT, file, ...to], join(directory, 'usage'));
}
