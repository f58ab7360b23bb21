import type { Log } from '../../log/log.ts';
import type { SchemaRegistry } from '../../log/registry/registry.ts';
import { produce } from '../../producers/produce.ts';
import { runPipeline } from '../../runtime/run.ts';
import type { PipelineWatch } from '../api.ts';
import type { Context } from '../context.ts';
import { pause } from '../pause.ts';
import { describeOutage, describeWarning } from '../report.ts';
import { producerSettings } from '../runProducer.ts';
import { hasReachedEnds, type StoredCounts, storedCounts } from './counts.ts';
import { type DemoTicks, openDemoSource, TICKS } from './source.ts';
import { watch } from './watch.ts';

export interface DemoRun extends PipelineWatch, DemoTicks {}

const TOPOLOGY = 'bars';
/** After the last tick, how long the tasks may take to process what is in the log. */
const DRAIN_MS = 10_000;
const DRAIN_POLL_MS = 50;
const LONGEST_PAUSE_MS = 60_000;

/**
 * A source of ticks, log, topology and sink in this process until the time is over or the context's signal: then no more ticks
 * come, those that came are processed and stored, and what ClickHouse holds is counted.
 */
export async function runDemo(context: Context, run: DemoRun): Promise<StoredCounts> {
  const registry = await context.openRegistry();
  const log = await context.openLog();
  // Opened before the pipeline opens its own, and closed after: so the engine is held throughout.
  const clickhouse = await context.openClickHouse();
  try {
    const drained = new AbortController();
    const beside = new Beside();
    beside.start(pipeline(context, drained.signal, run));
    beside.start(watch({ log, clickhouse }, context.err, Date.now, drained.signal));
    try {
      await produceTicks(context, log, registry, run, AbortSignal.any([context.signal, beside.failed]));
      await drain(log, beside.failed);
    } finally {
      drained.abort();
      await beside.ended();
    }
    return await storedCounts(clickhouse);
  } finally {
    await clickhouse.close();
    await registry.close();
    await log.close();
  }
}

/** Work that goes on beside the main line, which looks at `failed` and waits for `ended`. */
class Beside {
  readonly #failed = new AbortController();
  readonly #parts: Promise<unknown>[] = [];

  get failed(): AbortSignal {
    return this.#failed.signal;
  }

  start(part: Promise<unknown>): void {
    this.#parts.push(part);
    part.catch(() => this.#failed.abort());
  }

  /** Resolves once all parts have ended; throws the first failure. */
  async ended(): Promise<void> {
    for (const outcome of await Promise.allSettled(this.#parts)) {
      if (outcome.status === 'rejected') throw outcome.reason;
    }
  }
}

function pipeline(
  { config, err }: Context,
  signal: AbortSignal,
  { onCommit, onFailed, onOutage }: PipelineWatch,
): Promise<unknown> {
  return runPipeline({
    set: {},
    roles: new Set(['topology', 'sink']),
    untilEnd: false,
    config,
    signal,
    now: Date.now,
    onProgress: () => {},
    onCommit,
    onFailed,
    onOutage: (what, error) => {
      onOutage(what, error);
      err.write(describeOutage(what, error));
    },
    onWaiting: (what, pid) => err.write(`process ${pid} runs ${what}\n`),
    onWarning: (warning) => err.write(describeWarning(warning)),
  });
}

async function produceTicks(
  context: Context,
  log: Log,
  registry: SchemaRegistry,
  run: DemoRun,
  signal: AbortSignal,
): Promise<void> {
  const beganMs = Date.now();
  const { source, close } = await openDemoSource(context, run);
  try {
    const settings = producerSettings(context.config);
    await produce(source, { log, registry, ...settings, again: false, allowLate: false, now: Date.now, signal });
  } finally {
    await close();
  }
  // A recording comes to its end by itself; what was made of it is served for as long as the demo goes on.
  const endMs = run.seconds === null ? Number.POSITIVE_INFINITY : beganMs + run.seconds * 1_000;
  while (!signal.aborted && Date.now() < endMs) await pause(Math.min(endMs - Date.now(), LONGEST_PAUSE_MS), signal);
}

/** Waits until the tasks have processed every tick, the pipeline has failed, or it takes too long. */
async function drain(log: Log, failed: AbortSignal): Promise<void> {
  const deadline = Date.now() + DRAIN_MS;
  while (!failed.aborted && Date.now() < deadline && !(await hasReachedEnds(log, TOPOLOGY, [TICKS]))) {
    await pause(DRAIN_POLL_MS, failed);
  }
}
