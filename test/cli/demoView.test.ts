import { describe, expect, it } from 'vitest';
import { watermarkLagMs } from '../../src/cli/demo/counts.ts';
import { type DemoState, stateLine, stateScreen } from '../../src/cli/demo/view.ts';

const state: DemoState = {
  elapsedMs: 12_400,
  ticks: 123_456,
  ticksProcessed: 123_000,
  ticksPerSecond: 9_876.5,
  results: 777,
  late: 3,
  ticksStored: 120_000,
  barsStored: 700,
  watermarkLagMs: 1_234,
  lastBars: [
    { symbol: 'sim:AAA', start: '10:00:01', open: 1, high: 3, low: 1, close: 2, volume: '5.5', count: 9 },
    { symbol: 'sim:B', start: '10:00:01', open: null, high: null, low: null, close: null, volume: null, count: 0 },
  ],
};

describe('the view of the demo', () => {
  it('is one plain line without a terminal', () => {
    expect(stateLine(state)).toBe(
      '12 s: ticks 123456 (9877/s), processed 123000, bars 777, late 3, ' +
        'in ClickHouse 120000 ticks and 700 bars, watermark lag 1.2 s',
    );
  });

  it('shows every counter and the last bars, and fits the width', () => {
    const screen = stateScreen(state, 100);
    for (const shown of ['123,456', '123,000', '777', 'late ticks 3', '120,000', 'watermark lag 1.2 s', 'sim:AAA']) {
      expect(screen.join('\n')).toContain(shown);
    }
    for (const line of stateScreen(state, 30)) expect(line.length).toBeLessThanOrEqual(30);
  });

  it('has a dash where there is nothing yet', () => {
    expect(stateLine({ ...state, watermarkLagMs: null })).toContain('watermark lag -');
  });
});

describe('watermarkLagMs', () => {
  const task = { topology: 'bars', topic: 'ticks', position: 1, end: 1, lag: 0, clockMicros: 0 };

  it("is the slowest task's distance from now", () => {
    const tasks = [5_000_000, 2_000_000].map((watermark, partition) => ({ ...task, partition, watermark }));
    expect(watermarkLagMs(tasks, 6_000)).toBe(4_000);
  });

  it('is unknown before the first watermark', () => {
    expect(watermarkLagMs([{ ...task, partition: 0, watermark: null }], 6_000)).toBe(null);
  });
});
