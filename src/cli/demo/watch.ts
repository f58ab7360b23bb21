import type { Log } from '../../log/log.ts';
import { taskPositions } from '../../runtime/positions.ts';
import type { ClickHouse } from '../../sinks/clickhouse/connect.ts';
import { pause } from '../pause.ts';
import { lastBars, recordsIn, rowsNow, watermarkLagMs } from './counts.ts';
import { type DemoState, Screen, stateLine, stateScreen } from './view.ts';

const REDRAW_MS = 1_000;
const SHOWN_SYMBOLS = 6;
const DEFAULT_COLUMNS = 80;

/** Where the demo's numbers come from. */
export interface DemoStores {
  readonly log: Log;
  readonly clickhouse: ClickHouse;
}

/** Shows the demo's state every second until the signal: in place on a terminal, a line at a time elsewhere. */
export async function watch(
  stores: DemoStores,
  stream: NodeJS.WriteStream,
  now: () => number,
  signal: AbortSignal,
): Promise<void> {
  const screen = stream.isTTY ? new Screen(stream) : null;
  const startMs = now();
  let before: { readonly ticks: number; readonly atMs: number } | null = null;
  while (!signal.aborted) {
    const state = await measure(stores, startMs, now, before);
    before = { ticks: state.ticks, atMs: startMs + state.elapsedMs };
    if (screen === null) stream.write(`${stateLine(state)}\n`);
    // Some terminals say that they are 0 wide.
    else screen.draw(stateScreen(state, stream.columns || DEFAULT_COLUMNS));
    await pause(REDRAW_MS, signal);
  }
}

async function measure(
  { log, clickhouse }: DemoStores,
  startMs: number,
  now: () => number,
  before: { readonly ticks: number; readonly atMs: number } | null,
): Promise<DemoState> {
  const nowMs = now();
  const ticks = await recordsIn(log, 'ticks');
  const tasks = await taskPositions(log);
  const stored = await rowsNow(clickhouse);
  return {
    elapsedMs: nowMs - startMs,
    ticks,
    ticksProcessed: tasks.reduce((sum, { position }) => sum + position, 0),
    ticksPerSecond: before === null ? 0 : (1_000 * (ticks - before.ticks)) / (nowMs - before.atMs),
    results: await recordsIn(log, 'bars'),
    late: await recordsIn(log, 'bars.late'),
    ticksStored: stored.ticks,
    barsStored: stored.bars,
    watermarkLagMs: watermarkLagMs(tasks, nowMs),
    lastBars: await lastBars(clickhouse, SHOWN_SYMBOLS),
  };
}
