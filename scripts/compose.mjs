// Starts or stops the servers of compose.yaml; the arguments are docker compose's.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** @returns {string | undefined} what is missing */
function missing() {
  if (!existsSync(`${root}/compose.yaml`)) return 'there is no compose.yaml in this checkout';
  const { status } = spawnSync('docker', ['compose', 'version'], { stdio: 'ignore' });
  return status === 0 ? undefined : 'Docker with its compose plugin is not installed, or not in PATH';
}

const reason = missing();
if (reason === undefined) {
  const { status } = spawnSync('docker', ['compose', ...process.argv.slice(2)], { cwd: root, stdio: 'inherit' });
  process.exitCode = status ?? 1;
} else {
  console.error(
    `No servers to start or stop: ${reason}.\nEverything works without them on the embedded log and ClickHouse: make demo`,
  );
  process.exitCode = 1;
}
