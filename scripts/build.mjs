// Compiles src into dist, afresh: what a removed source left behind must not be found there.
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { runNode } from './runNode.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
rmSync(`${root}/dist`, { recursive: true, force: true });
process.exitCode = await runNode(['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'], { cwd: root });
