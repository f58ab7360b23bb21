import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { engine } from './engine/compete.ts';
import { comparison, type Figure, setting } from './figures.ts';
import { ingesting } from './ingesting.ts';
import { producing } from './producing.ts';
import { serving } from './serving.ts';
import { stages } from './stages.ts';

const PARTS = ['engine', 'stages', 'producing', 'ingest', 'serving'] as const;
type Part = (typeof PARTS)[number];

const root = join(import.meta.dirname, '..');
const { values } = parseArgs({
  options: {
    part: { type: 'string', multiple: true, default: [...PARTS] },
    ticks: { type: 'string' },
    rounds: { type: 'string', default: '3' },
    bars: { type: 'string', default: '5000000' },
    requests: { type: 'string', default: '500' },
    json: { type: 'string' },
    compare: { type: 'string' },
  },
});
const unknown = values.part.filter((part) => !PARTS.some((known) => known === part));
if (unknown.length > 0) throw new Error(`no part ${unknown.join(', ')}: there are ${PARTS.join(', ')}`);
if (values.part.some((part) => part !== 'engine') && !existsSync(join(root, 'dist/cli.js'))) {
  throw new Error('Build first (npm run build): from sources, a second of each stage would go into compiling them.');
}
const directory = mkdtempSync(join(tmpdir(), 'tidemark-bench-'));
const rounds = Number(values.rounds);
const run: Readonly<Record<Part, () => Promise<Figure[]>>> = {
  engine: () => engine({ ticks: Number(values.ticks ?? 10_000_000), rounds }),
  stages: () => stages({ directory, ticks: Number(values.ticks ?? 1_000_000), rounds }),
  producing: () =>
    producing({ directory: join(directory, 'producing'), rows: Number(values.ticks ?? 10_000_000), rounds }),
  ingest: () => ingesting({ directory: join(directory, 'ingest'), rows: Number(values.ticks ?? 200_000), rounds }),
  serving: () =>
    serving({
      tidemark: join(root, 'bin/tidemark.js'),
      directory: join(directory, 'serving'),
      bars: Number(values.bars),
      requests: Number(values.requests),
    }),
};
try {
  const where = setting(root);
  console.log(`${where.machine}, Node ${where.node}, commit ${where.commit}`);
  const figures: Figure[] = [];
  for (const part of PARTS) {
    if (!values.part.includes(part)) continue;
    console.log('');
    figures.push(...(await run[part]()));
  }
  if (values.compare !== undefined) console.log(`\n${comparison(values.compare, figures)}`);
  if (values.json !== undefined) {
    writeFileSync(values.json, `${JSON.stringify({ setting: where, figures }, null, 2)}\n`);
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}
