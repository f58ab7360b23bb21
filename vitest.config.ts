import { defineConfig } from 'vitest/config';

/** A test that needs longer says so itself; a hung one ends here. */
const TEST_TIMEOUT_MS = 60_000;
const HOOK_TIMEOUT_MS = 60_000;
const WORKERS = 2;
/** Per cent. */
const COVERAGE_FLOOR = { lines: 80, branches: 72 };

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // chdb dies with the worker thread that loaded it: one process a test file.
    pool: 'forks',
    isolate: true,
    maxWorkers: WORKERS,
    testTimeout: TEST_TIMEOUT_MS,
    hookTimeout: HOOK_TIMEOUT_MS,
    // Both default to something else where CI is set: a verdict must not depend on that.
    allowOnly: false,
    update: 'none',
    reporters: ['default'],
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts'],
      exclude: ['src/**/*.generated.ts'],
      reporter: ['text-summary', 'json-summary'],
      reportsDirectory: 'coverage',
      // What runs in child processes (whole commands) is not counted.
      thresholds: COVERAGE_FLOOR,
    },
  },
  resolve: { alias: { tidemark: new URL('./src/index.ts', import.meta.url).pathname } },
});
