import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { access } from 'node:fs/promises';
import { register as registerHooks } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type NamespacedUnregister, register as registerTypeScript } from 'tsx/esm/api';
import { TidemarkError } from '../errors.ts';

/** Where the hooks' thread and this one agree that the running package's exports are found. */
const RUNNING_PACKAGE = 'tidemark.running-package';

/** tsx's mark in the URLs of a topology file's modules: it compiles those and leaves the process's other imports alone. */
const NAMESPACE = 'tidemark-topology';

/** Node's check of one file's syntax. */
const CHECK_TIMEOUT_MS = 5_000;

/*
 * Module hooks run in a thread of their own and are loaded by URL, without a compiler: hence as text. Hooks registered
 * later run first, so these two stand on both sides of tsx's.
 */

/**
 * Before tsx: 'tidemark' becomes a module that hands out what the running package exports; were it loaded once more,
 * under the topology's own URLs, `instanceof` and module state would not hold. rxjs is the running package's, too.
 */
const PACKAGE_HOOKS = `
let names, running;
export function initialize(data) {
  ({ names, running } = data);
}
export function resolve(specifier, context, next) {
  if (specifier === 'tidemark') {
    return { url: 'tidemark:running-package', shortCircuit: true };
  }
  const isRxjs = specifier === 'rxjs' || specifier.startsWith('rxjs/');
  return next(specifier, isRxjs ? { ...context, parentURL: running } : context);
}
export function load(url, context, next) {
  if (url !== 'tidemark:running-package') {
    return next(url, context);
  }
  const source = 'export const { ' + names.join(', ') + ' } = globalThis[Symbol.for("${RUNNING_PACKAGE}")];';
  return { format: 'module', source, shortCircuit: true };
}
`;

/**
 * After tsx: TypeScript is an ES module, also where no package.json says so, and so is JavaScript unless one says
 * otherwise; `require` would pass the hooks by.
 */
const FORMAT_HOOKS = `
export async function resolve(specifier, context, next) {
  const resolved = await next(specifier, context);
  const isModule = /\\.tsx?$/.test(resolved.url) || (/\\.jsx?$/.test(resolved.url) && !resolved.format);
  return isModule && !resolved.url.includes('/node_modules/') ? { ...resolved, format: 'module' } : resolved;
}
`;

let loader: Promise<NamespacedUnregister> | undefined;

/**
 * Loads a topology file (TypeScript or JavaScript, an ES module) from wherever it lies and gives its default export. What
 * it imports from 'tidemark' and 'rxjs' is what the running process itself uses. A file is evaluated once a process.
 * @throws TM_TOPOLOGY_FILE when there is no such file, it does not compile, it throws, or it has no default export; a
 * TidemarkError that the file's own calls throw is passed on
 */
export async function loadTopology(file: string): Promise<unknown> {
  const path = resolve(file);
  try {
    await access(path);
  } catch (cause) {
    throw new TidemarkError('TM_TOPOLOGY_FILE', 'The topology file cannot be read.', { where: path, cause });
  }
  loader ??= startLoader();
  const typescript = await loader;
  const loaded: unknown = await typescript.import(pathToFileURL(path).href, import.meta.url).catch((cause: unknown) => {
    throw cause instanceof TidemarkError ? cause : failure(path, cause);
  });
  if (typeof loaded !== 'object' || loaded === null || !('default' in loaded)) {
    throw new TidemarkError('TM_TOPOLOGY_FILE', 'The topology file has no default export.', {
      where: path,
      hint: 'End it with `export default topology({ ... })`.',
    });
  }
  return loaded.default;
}

async function startLoader(): Promise<NamespacedUnregister> {
  const running = await import('../index.ts');
  Object.assign(globalThis, { [Symbol.for(RUNNING_PACKAGE)]: running });
  registerHooks(asUrl(FORMAT_HOOKS));
  const typescript = registerTypeScript({ namespace: NAMESPACE });
  registerHooks(asUrl(PACKAGE_HOOKS), { data: { names: Object.keys(running), running: import.meta.url } });
  return typescript;
}

function asUrl(code: string): string {
  return `data:text/javascript,${encodeURIComponent(code)}`;
}

function failure(path: string, cause: unknown): TidemarkError {
  const { what, where } = locate(path, cause);
  const isCommonJs = cause instanceof Error && 'code' in cause && cause.code === 'MODULE_NOT_FOUND';
  return new TidemarkError('TM_TOPOLOGY_FILE', `The topology file cannot be loaded: ${what}`, {
    where,
    cause,
    ...(isCommonJs
      ? { hint: 'It must be an ES module: name it .ts or .mjs, or set "type": "module" in package.json.' }
      : {}),
  });
}

function locate(path: string, cause: unknown): { what: string; where: string } {
  if (!(cause instanceof Error)) {
    return { what: String(cause), where: path };
  }
  const { message, stack = '' } = cause;
  const compiler = /^(.+:\d+):\d+: ERROR: (.+)$/m.exec(message);
  if (compiler?.[1] !== undefined && compiler[2] !== undefined) {
    return { what: compiler[2], where: compiler[1] };
  }
  const places = placesIn(stack);
  const place = places.find((each) => each.startsWith(`${path}:`)) ?? places[0];
  if (cause instanceof SyntaxError && !place?.startsWith(`${path}:`)) {
    return { what: message, where: `${path}${syntaxErrorLine(path)}` };
  }
  return { what: message, where: place ?? path };
}

/**
 * `file:line` of each frame that is neither Node's nor an installed package's. Above the frames stands one for an import
 * that cannot be linked; a frame is `at name (file:line:column)`.
 */
function placesIn(stack: string): readonly string[] {
  const frames = stack.matchAll(/^(?:.*?\(|\s+at )?(?:file:\/\/)?(\/[^()\n?]+?)(?:\?[^()\n:]*)?(:\d+)(?::\d+\)?)?$/gm);
  return [...frames].map(([, file, line]) => `${file}${line}`).filter((place) => !place.includes('/node_modules/'));
}

/** Node's loader does not say in which line of a JavaScript module a syntax error is; its checker does. */
function syntaxErrorLine(path: string): string {
  const { stderr } = spawnSync(process.execPath, ['--input-type=module', '--check'], {
    input: readFileSync(path),
    encoding: 'utf8',
    timeout: CHECK_TIMEOUT_MS,
  });
  return /^\[stdin\](:\d+)/.exec(stderr)?.[1] ?? '';
}
