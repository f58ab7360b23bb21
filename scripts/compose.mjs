// Starts or stops the servers of compose.yaml; the arguments are docker compose's.
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
/** What compose.yaml demands and has no default for. */
const SECRETS = ['TIDEMARK_API_KEY', 'TIDEMARK_CLICKHOUSE_PASSWORD'];
const SECRET_BYTES = 24;

/** @returns {string | undefined} what is missing */
function missing() {
  const { status } = spawnSync('docker', ['compose', 'version'], { stdio: 'ignore' });
  return status === 0 ? undefined : 'Docker with its compose plugin is not installed, or not in PATH';
}

/** Secrets of this checkout's own, where nobody has set any. */
function writeSecrets() {
  const file = `${root}/.env`;
  if (existsSync(file) || SECRETS.every((name) => process.env[name])) return;
  const lines = SECRETS.map((name) => `${name}=${randomBytes(SECRET_BYTES).toString('hex')}\n`);
  writeFileSync(file, lines.join(''), { mode: 0o600 });
  console.error(`wrote ${SECRETS.join(' and ')} into .env`);
}

const reason = missing();
if (reason === undefined) {
  writeSecrets();
  const { status } = spawnSync('docker', ['compose', ...process.argv.slice(2)], { cwd: root, stdio: 'inherit' });
  process.exitCode = status ?? 1;
} else {
  console.error(
    `No servers to start or stop: ${reason}.\nEverything works without them on the embedded log and ClickHouse: make demo`,
  );
  process.exitCode = 1;
}
