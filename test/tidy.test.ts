import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..');
const MOST_LINES = 400;
/** Names that say nothing about what is in the file. */
const EMPTY_NAMES = /(^|[^a-z])(utils?|helpers?|managers?|misc|common)([^a-z]|$)|Manager|Helper|Utils?\b/;

interface LockEntry {
  readonly version?: string;
  readonly license?: string;
  readonly resolved?: string;
  readonly dev?: boolean;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const FOLDERS = ['.ci', 'bench', 'bin', 'docs', 'examples', 'page', 'schemas', 'scripts', 'src', 'test'];

const files = [
  ...readdirSync(root),
  ...FOLDERS.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((file) => join(folder, file)),
  ),
].filter((file) => statSync(join(root, file)).isFile());
const text = (file: string) => readFileSync(join(root, file), 'utf8');

describe('the tree', () => {
  it(`has no file of code past ${MOST_LINES} lines`, () => {
    const code = files.filter((file) => /\.(ts|mjs|js)$/.test(file) && !file.endsWith('.generated.ts'));
    expect(code.filter((file) => text(file).split('\n').length - 1 > MOST_LINES)).toEqual([]);
  });

  it('has no file or folder with a name that says nothing', () => {
    expect(files.filter((file) => EMPTY_NAMES.test(file))).toEqual([]);
  });

  it('has only links in its documents that lead somewhere', () => {
    const broken = files
      .filter((file) => file.endsWith('.md'))
      .flatMap((file) =>
        [...text(file).matchAll(/\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)/g)].map(([, link = '']) => ({ file, link })),
      )
      .filter(({ file, link }) => !existsSync(join(root, dirname(file), link)));
    expect(broken).toEqual([]);
  });
});

describe('the lock file', () => {
  const lock: { packages: Readonly<Record<string, LockEntry>> } = JSON.parse(text('package-lock.json'));
  const packages = Object.entries(lock.packages).filter(([path]) => path !== '');

  it("names no registry's addresses", () => {
    expect(packages.filter(([, { resolved }]) => resolved !== undefined).map(([path]) => path)).toEqual([]);
  });

  it("has an entry for each platform's binaries: npm drops those that a registry did not offer, and then refuses", () => {
    const missing = packages.flatMap(([path, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies).filter(
        (name) => !(`node_modules/${name}` in lock.packages) && !(`${path}/node_modules/${name}` in lock.packages),
      ),
    );
    expect(missing).toEqual([]);
  });

  it('holds packages only whose licences go with Apache-2.0', () => {
    const allowed = ['MIT', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', '0BSD', 'BlueOak-1.0.0', 'Python-2.0'];
    /** Tools of the development may be under this one: they are not shipped. */
    const allowedInDevelopment = [...allowed, 'MPL-2.0', 'Unlicense'];
    /** Packages that do not declare the licence that they carry. */
    const undeclared: Readonly<Record<string, string>> = {
      'node_modules/@kafkajs/confluent-schema-registry': 'MIT',
      'node_modules/buildcheck': 'MIT',
      'node_modules/cpu-features': 'MIT',
      'node_modules/ssh2': 'MIT',
    };
    const refused = packages.filter(([path, { license = undeclared[path], dev }]) => {
      const choices = license?.replace(/[()]/g, '').split(' OR ') ?? [];
      return !choices.some((choice) => (dev ? allowedInDevelopment : allowed).includes(choice));
    });
    expect(refused.map(([path, { license }]) => `${path}: ${license}`)).toEqual([]);
  });
});
