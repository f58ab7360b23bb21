import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as rxjs from 'rxjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as running from '../../src/index.ts';
import { loadTopology } from '../../src/runtime/loadTopology.ts';

let directory = '';

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'tidemark-topology-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

let files = 0;
/** A file in a directory of its own; `packageJson` is what lies beside it. */
function written(name: string, text: string, packageJson?: object): string {
  const folder = join(directory, String(files++));
  mkdirSync(folder);
  if (packageJson !== undefined) {
    writeFileSync(join(folder, 'package.json'), JSON.stringify(packageJson));
  }
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

const REFERENCES = `
import * as tidemark from 'tidemark';
import * as rxjs from 'rxjs';
import { map } from 'rxjs/operators';
`;

describe('loadTopology', () => {
  it.each([
    ['topology.ts', undefined],
    ['topology.ts', { type: 'commonjs' }],
    ['topology.mts', undefined],
    ['topology.js', undefined],
    ['topology.js', { type: 'module' }],
    ['topology.mjs', { type: 'commonjs' }],
  ])('gives %s (package.json: %j) the exports of the running package and its rxjs', async (name, packageJson) => {
    const isTypeScript = name.endsWith('ts');
    const code = `${REFERENCES}
      const loaded${isTypeScript ? ': { a: number }' : ''} = await Promise.resolve({ a: 1 });
      export default { tidemark, rxjs, map, loaded };`;
    const { tidemark, ...rest } = (await loadTopology(written(name, code, packageJson))) as {
      tidemark: Record<string, unknown>;
    };
    expect(Object.keys(tidemark).sort()).toEqual(Object.keys(running).sort());
    for (const [key, value] of Object.entries(running)) {
      expect(tidemark[key]).toBe(value);
    }
    expect(rest).toMatchObject({ rxjs: { Observable: rxjs.Observable }, map: rxjs.map, loaded: { a: 1 } });
  });

  it('loads what the file imports by relative path, with the same package', async () => {
    const file = written('topology.ts', `import { mine } from './parts/mine.ts'; export default mine;`);
    mkdirSync(join(file, '../parts'));
    writeFileSync(join(file, '../parts/mine.ts'), `import { topology } from 'tidemark'; export const mine = topology;`);
    expect(await loadTopology(file)).toBe(running.topology);
  });

  it('passes on the errors of the package that the file runs into', async () => {
    const file = written(
      'topology.ts',
      `import { topology } from 'tidemark';
       export default topology({ name: 'Not Valid', version: 1, inputs: {}, build: () => ({}) });`,
    );
    await expect(loadTopology(file)).rejects.toSatisfy(
      (error) => error instanceof running.TidemarkError && error.code === 'TM_TOPOLOGY',
    );
  });

  it.each([
    ['a syntax error', 'x.ts', 'const a = 1;\nconst b: = 2;\nexport default a;', ':2', 'Unexpected "="'],
    [
      'a syntax error in JavaScript',
      'x.js',
      'const a = 1;\n\nconst b = ;\nexport default a;',
      ':3',
      "Unexpected token ';'",
    ],
    [
      'a name that the package does not export',
      'x.ts',
      '\nimport { nope } from "tidemark";\nexport default nope;',
      ':2',
      'nope',
    ],
    ['a package that is not there', 'x.ts', 'import a from "not-there";\nexport default a;', '', 'not-there'],
    ['no default export', 'x.ts', 'export const a = 1;', '', 'no default export'],
  ])('says where: %s', async (_, name, text, line, message) => {
    const file = written(name, text);
    await expect(loadTopology(file)).rejects.toMatchObject({
      code: 'TM_TOPOLOGY_FILE',
      where: `${file}${line}`,
      message: expect.stringContaining(message),
    });
  });

  it('says that there is no such file', async () => {
    const file = join(directory, 'gone.ts');
    await expect(loadTopology(file)).rejects.toMatchObject({ code: 'TM_TOPOLOGY_FILE', where: file });
  });
});

/** Loads files with the package that lies in a directory, and prints what came of each. */
const PROBE = `
const [root, extension, ...files] = process.argv.slice(2);
if (extension === 'ts') {
  (await import('tsx/esm/api')).register();
}
const running = await import(root + '/index.' + extension);
const { loadTopology } = await import(root + '/runtime/loadTopology.' + extension);
for (const file of files) {
  const outcome = await loadTopology(file).then(
    (loaded) => ({ same: loaded.topology === running.topology && loaded.TidemarkError === running.TidemarkError }),
    (error) => ({ code: error instanceof running.TidemarkError ? error.code : 'other', where: error.where }),
  );
  console.log(JSON.stringify(outcome));
}
`;

describe.each(['js', 'ts'])('loadTopology in a process of its own, from .%s files', (extension) => {
  let root = '';

  beforeAll(() => {
    const workspace = join(directory, `package-${extension}`);
    mkdirSync(workspace);
    symlinkSync(join(process.cwd(), 'node_modules'), join(workspace, 'node_modules'));
    writeFileSync(join(workspace, 'package.json'), '{ "type": "module" }');
    writeFileSync(join(workspace, 'probe.js'), PROBE);
    root = join(process.cwd(), 'src');
    if (extension === 'js') {
      root = join(workspace, 'dist');
      execFileSync('node_modules/.bin/tsc', ['-p', 'tsconfig.build.json', '--outDir', root]);
    }
  });

  it('gives the file the running package, and says where it fails', () => {
    const good = written(
      'topology.ts',
      `import { topology, TidemarkError } from 'tidemark'; export default { topology, TidemarkError };`,
    );
    const throwing = written('throws.ts', 'interface A {\n  a: 1;\n}\nthrow new Error("boom");\nexport default 1;');
    const probe = join(directory, `package-${extension}`, 'probe.js');
    const output = execFileSync(process.execPath, [probe, root, extension, good, throwing], { encoding: 'utf8' });
    expect(
      output
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual([{ same: true }, { code: 'TM_TOPOLOGY_FILE', where: `${throwing}:4` }]);
  });
});
