import { textTable } from '../table.ts';

/** One bar as the view shows it. */
export interface ShownBar {
  readonly symbol: string;
  readonly start: string;
  readonly open: number | null;
  readonly high: number | null;
  readonly low: number | null;
  readonly close: number | null;
  readonly volume: string | null;
  readonly count: number;
}

/** What the demo shows at one moment. Every number was counted: in the log's partitions or by ClickHouse. */
export interface DemoState {
  readonly elapsedMs: number;
  /** Records in the topic of ticks, and how many of them the tasks have committed. */
  readonly ticks: number;
  readonly ticksProcessed: number;
  readonly ticksPerSecond: number;
  /** Results committed to the topic of bars, revisions included. */
  readonly results: number;
  readonly late: number;
  /** Rows in ClickHouse. */
  readonly ticksStored: number;
  readonly barsStored: number;
  /** How far the slowest task's watermark is behind the newest event; null before the first. */
  readonly watermarkLagMs: number | null;
  readonly lastBars: readonly ShownBar[];
}

function seconds(ms: number | null): string {
  return ms === null ? '-' : `${(ms / 1_000).toFixed(1)} s`;
}

function grouped(count: number): string {
  return count.toLocaleString('en-US');
}

/** The state in one line, for where there is no terminal. */
export function stateLine(state: DemoState): string {
  return [
    `${Math.round(state.elapsedMs / 1_000)} s: ticks ${state.ticks} (${Math.round(state.ticksPerSecond)}/s)`,
    `processed ${state.ticksProcessed}`,
    `bars ${state.results}`,
    `late ${state.late}`,
    `in ClickHouse ${state.ticksStored} ticks and ${state.barsStored} bars`,
    `watermark lag ${seconds(state.watermarkLagMs)}`,
  ].join(', ');
}

/** The state as lines for a terminal, none wider than `columns`. */
export function stateScreen(state: DemoState, columns: number): string[] {
  const rows: [string, string, string][] = [
    ['ticks in', grouped(state.ticks), `${grouped(Math.round(state.ticksPerSecond))}/s`],
    ['processed', grouped(state.ticksProcessed), `watermark lag ${seconds(state.watermarkLagMs)}`],
    ['bars out', grouped(state.results), `late ticks ${grouped(state.late)}`],
    ['in ClickHouse', grouped(state.ticksStored), `ticks, ${grouped(state.barsStored)} bars`],
  ];
  const counters = rows.map(([name, count, note]) => `  ${name.padEnd(14)}${count.padStart(14)}   ${note}`);
  const bars = textTable(
    ['symbol', 'start', 'open', 'high', 'low', 'close', 'volume', 'count'],
    state.lastBars.map((bar) => [bar.symbol, bar.start, bar.open, bar.high, bar.low, bar.close, bar.volume, bar.count]),
  );
  return [
    `tidemark demo, ${Math.round(state.elapsedMs / 1_000)} s   (Ctrl-C stops; the next start goes on)`,
    '',
    ...counters,
    '',
    'last one-second bars',
    ...bars
      .trimEnd()
      .split('\n')
      .map((line) => `  ${line}`),
  ].map((line) => line.slice(0, columns));
}

const ESCAPE = '\u001b';

/** Redraws a block of lines in place with plain ANSI sequences. */
export class Screen {
  readonly #stream: NodeJS.WriteStream;
  #height = 0;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
  }

  draw(lines: readonly string[]): void {
    const toTop = this.#height === 0 ? '' : `${ESCAPE}[${this.#height}A\r`;
    this.#stream.write(`${toTop}${lines.map((line) => `${line}${ESCAPE}[K\n`).join('')}${ESCAPE}[J`);
    this.#height = lines.length;
  }
}
