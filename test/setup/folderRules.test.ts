import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');

/** Imports that the direction of the folders forbids: the importing file, and what it names. */
const FORBIDDEN: readonly (readonly [string, string])[] = [
  ['src/core/planted.ts', '../log/log.ts'],
  ['src/core/avro/planted.ts', '../../topology/elements.ts'],
  ['src/core/planted.ts', '../config.ts'],
  ['src/core/planted.ts', 'node:fs'],
  ['src/topology/windows/planted.ts', '../../log/log.ts'],
  ['src/topology/planted.ts', '../runtime/task.ts'],
  ['src/topology/planted.ts', 'node:fs'],
  ['src/log/embedded/planted.ts', '../../sinks/clickhouse/sink.ts'],
  ['src/log/planted.ts', '../topology/elements.ts'],
  ['src/producers/csv/planted.ts', '../../log/embedded/embeddedLog.ts'],
  ['src/producers/planted.ts', '../sinks/clickhouse/sink.ts'],
  ['src/sinks/clickhouse/planted.ts', '../../log/embedded/embeddedLog.ts'],
  ['src/sinks/clickhouse/planted.ts', '../../runtime/task.ts'],
  ['src/query/planted.ts', '../runtime/task.ts'],
  ['src/runtime/planted.ts', '../cli/context.ts'],
  ['src/config/planted.ts', '../runtime/task.ts'],
  ['src/api/planted.ts', '../cli/context.ts'],
];

const ALLOWED: readonly (readonly [string, string])[] = [
  ['src/core/avro/planted.ts', '../schema.ts'],
  ['src/core/planted.ts', '../errors.ts'],
  ['src/topology/windows/planted.ts', '../../core/columns.ts'],
  ['src/log/embedded/planted.ts', '../log.ts'],
  ['src/producers/planted.ts', '../log/log.ts'],
  ['src/sinks/clickhouse/planted.ts', '../../log/log.ts'],
  ['src/runtime/planted.ts', '../sinks/clickhouse/sink.ts'],
  ['src/cli/planted.ts', '../runtime/task.ts'],
];

/** What the linter finds in a tree of these files, as `file rule`. */
function lint(directory: string): string[] {
  cpSync(join(root, 'biome.json'), join(directory, 'biome.json'));
  const biome = join(root, 'node_modules/@biomejs/biome/bin/biome');
  const args = [biome, 'lint', '--reporter=json', '--max-diagnostics=none', '--vcs-enabled=false', 'src'];
  const { stdout } = spawnSync(process.execPath, args, { cwd: directory, encoding: 'utf8' });
  const report: { diagnostics: { category: string; location: { path: string } }[] } = JSON.parse(stdout);
  return report.diagnostics.map(({ category, location }) => `${location.path} ${category}`);
}

function plant(directory: string, path: string, text: string) {
  mkdirSync(dirname(join(directory, path)), { recursive: true });
  writeFileSync(join(directory, path), text);
}

describe('the direction of imports', () => {
  let directory: string;
  let found: string[];
  const numbered = (path: string, index: number) => path.replace('planted', `planted${index}`);
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'tidemark-rules-'));
    for (const [index, [path, target]] of [...FORBIDDEN, ...ALLOWED].entries()) {
      plant(directory, numbered(path, index), `import { x } from '${target}';\nexport const y = x;\n`);
    }
    plant(directory, 'src/core/one.ts', "import { two } from './two.ts';\nexport const one = () => two;\n");
    plant(directory, 'src/core/two.ts', "import { one } from './one.ts';\nexport const two = () => one;\n");
    found = lint(directory);
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it.each(FORBIDDEN.map(([path, target], index) => ({ path, target, index })))(
    '$path may not import $target',
    ({ path, index }) => {
      expect(found).toContain(`${numbered(path, index)} lint/style/noRestrictedImports`);
    },
  );

  it.each(ALLOWED.map(([path, target], index) => ({ path, target, index })))(
    '$path may import $target',
    ({ path, index }) => {
      expect(found).not.toContain(`${numbered(path, FORBIDDEN.length + index)} lint/style/noRestrictedImports`);
    },
  );

  it('has no cycles', () => {
    expect(found).toContain('src/core/one.ts lint/suspicious/noImportCycles');
  });
});
