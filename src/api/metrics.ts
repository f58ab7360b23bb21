import { Counter, Histogram, Registry } from 'prom-client';

/** From a commit of the embedded log, which is a disk write, to one that waits for a distant broker. */
const COMMIT_BUCKETS_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];

/** What this process has counted and timed; gauges of the log are added to the same registry by their route. */
export class Metrics {
  readonly registry = new Registry();
  readonly #commits = new Histogram({
    name: 'tidemark_commit_seconds',
    help: 'How long commits of tasks in this process took.',
    buckets: COMMIT_BUCKETS_SECONDS,
    registers: [this.registry],
  });
  readonly #errors = new Counter({
    name: 'tidemark_errors_total',
    help: 'Errors that this process answered with or met while it served, by code.',
    labelNames: ['code'],
    registers: [this.registry],
  });

  committed(durationMs: number): void {
    this.#commits.observe(durationMs / 1_000);
  }

  failed(code: string): void {
    this.#errors.inc({ code });
  }
}
