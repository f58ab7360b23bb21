import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Subject } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as tidemark from '../../src/index.ts';
import { planTopology } from '../../src/runtime/topologyPlan.ts';
import { findTopology } from '../../src/runtime/topologySource.ts';
import { fencedBlocks } from './markdown.ts';
import { publicSymbols } from './publicSymbols.ts';

const root = join(import.meta.dirname, '../..');
const symbols = publicSymbols();

/** An expression with its value: `midpoint(1, 2) // 1.5`. */
const WITH_VALUE = /^([^\n]+?) \/\/ ([^\n]+)$/;
const STATEMENTS = /^(?:export|const|type) /;

/** What every example may use without saying so: all that the package exports, and a stream of each shipped topic. */
const PRELUDE = [
  `import { ${symbols.flatMap(({ name, isType }) => (isType ? [] : name)).join(', ')} } from 'tidemark';`,
  `import type { ${symbols.flatMap(({ name, isType }) => (isType ? name : [])).join(', ')} } from 'tidemark';`,
  'declare const ticks: Stream<Tick>;',
  'declare const quotes: Stream<Quote>;',
  'declare const bars: Stream<SourceBar>;',
].join('\n');

function moduleOf(example: string): string {
  const code = STATEMENTS.test(example) ? example : `void (${example.replace(WITH_VALUE, '$1')});`;
  return `${PRELUDE}\n${code}\nexport {};\n`;
}

/** Files that a document's shell blocks write: by name, as in `cat > tour/ranges.ts <<'END'`. */
function writtenFiles(markdown: string): ReadonlyMap<string, string> {
  const shell = fencedBlocks(markdown).filter(({ language }) => language === 'sh');
  const files = shell.flatMap(({ text }) => [...text.matchAll(/cat > (\S+) <<'END'\n(.*?)^END$/gms)]);
  return new Map(files.map(([, name = '', text = '']) => [name, text]));
}

/** What the compiler says of modules outside of the tree, with the settings of this one. */
function compile(directory: string, modules: ReadonlyMap<string, string>): string {
  const compilerOptions = {
    paths: { tidemark: [join(root, 'src/index.ts')] },
    typeRoots: [join(root, 'node_modules/@types')],
    noUnusedLocals: false,
  };
  writeFileSync(join(directory, 'package.json'), '{ "type": "module" }');
  writeFileSync(
    join(directory, 'tsconfig.json'),
    JSON.stringify({ extends: join(root, 'tsconfig.json'), compilerOptions, include: ['*.ts'] }),
  );
  for (const [name, text] of modules) writeFileSync(join(directory, name), text);
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  return spawnSync(process.execPath, [tsc, '-p', directory], { encoding: 'utf8', cwd: directory }).stdout;
}

describe('the examples of the public API', () => {
  let directory: string;

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'tidemark-examples-'));
  });

  afterAll(() => rmSync(directory, { recursive: true }));

  it('are there for each symbol', () => {
    expect(symbols.map(({ name }) => name)).toEqual(expect.arrayContaining(Object.keys(tidemark)));
    expect(symbols.filter(({ example }) => example === null).map(({ name }) => name)).toEqual([]);
  });

  it('compile under the strict settings, and so does the topology of the README', () => {
    const modules = new Map(
      // `topology` and `Topology` are one file's name to some systems.
      symbols.map(({ name, isType, example }) => [`${isType ? 'type' : 'value'}-${name}.ts`, moduleOf(example ?? '')]),
    );
    for (const [name, text] of writtenFiles(readFileSync(join(root, 'README.md'), 'utf8'))) {
      if (name.endsWith('.ts')) modules.set(`readme-${name.replaceAll('/', '-')}`, text);
    }
    expect([...modules.keys()]).toContain('readme-tour-ranges.ts');
    expect(compile(directory, modules)).toBe('');
  });

  const expressions = symbols.flatMap(({ name, example }) => {
    if (example === null || STATEMENTS.test(example)) return [];
    const [, expression = example, value = null] = WITH_VALUE.exec(example) ?? [];
    return [{ name, expression, value }];
  });
  const scope = { ...tidemark, ticks: new Subject(), quotes: new Subject(), bars: new Subject() };
  const evaluate = (code: string): unknown =>
    new Function(...Object.keys(scope), `return (${code});`)(...Object.values(scope));

  it.each(expressions.filter(({ value }) => value === null))('$name: $expression can be run', ({ expression }) => {
    expect(evaluate(expression)).toBeDefined();
  });

  it.each(expressions.filter(({ value }) => value !== null))(
    '$name: $expression is $value',
    ({ expression, value }) => {
      expect(evaluate(expression)).toEqual(evaluate(value ?? ''));
    },
  );
});

describe('the example topologies', () => {
  it.each(readdirSync(join(root, 'examples/topologies')))('%s loads, and its steps fit together', async (file) => {
    const topology = await findTopology(join(root, 'examples/topologies', file));
    const { outputs } = planTopology(topology, topology.params, 1);
    expect(outputs.map(({ name }) => name)).toEqual([topology.name]);
  });
});

describe('every example', () => {
  const testFiles = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' });
  const tests = testFiles
    .filter((file) => file.endsWith('.test.ts') && !file.startsWith('docs'))
    .map((file) => readFileSync(join(root, 'test', file), 'utf8'))
    .join('\n');
  const names = ['layouts', 'topologies'].flatMap((folder) =>
    readdirSync(join(root, 'examples', folder)).map((file) => ({ folder, name: file.replace(/\.\w+$/, '') })),
  );

  it.each(names)('$folder/$name is run by a test on the data that it was made for', ({ name }) => {
    expect(tests).toContain(name);
  });

  it.each(names)('$folder/$name is described', ({ folder, name }) => {
    expect(readFileSync(join(root, 'examples/README.md'), 'utf8')).toContain(`[${name}](${folder}/${name}.`);
  });
});
