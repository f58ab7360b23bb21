import { randomUUID } from 'node:crypto';
import { RowView } from '../../core/avro/rowView.ts';
import { ColumnsBuilder } from '../../core/columnsBuilder.ts';
import { formatIsoMicros, MICROS_PER_MS } from '../../core/time.ts';
import { connectionLine, frameLine } from '../../producers/recordings/format.ts';
import { type RecordingBounds, RecordingWriter } from '../../producers/recordings/recordingWriter.ts';
import { TICK } from '../../producers/schemas.ts';
import { Market, tickFields } from '../../producers/simulator/market.ts';
import { COINBASE } from '../../producers/venues/coinbase.ts';

/**
 * How much of the market's time is in it: less than the lateness that topologies allow, so that a demo is not refused as history after
 * another one.
 */
export const RECORDED_SECONDS = 240;

interface Tick {
  readonly instrument: string;
  readonly eventTime: number;
  readonly price: number;
  readonly size: number;
  readonly side: 'buy' | 'sell';
  readonly sequence: number;
  readonly receiveTime: number;
}

export interface DemoRecording {
  readonly directory: string;
  readonly bounds: RecordingBounds;
  readonly symbols: number;
  /** Trades in all. */
  readonly count: number;
  readonly seed: number;
  /** When the session ended, epoch milliseconds. */
  readonly endMs: number;
}

/** Writes a recording of a session that never was: a simulated market in Coinbase's words. Gives its files. */
export async function writeDemoRecording(demo: DemoRecording): Promise<readonly string[]> {
  const { directory, bounds, symbols, count, seed, endMs } = demo;
  const startMicros = (endMs - RECORDED_SECONDS * 1_000) * MICROS_PER_MS;
  const files: string[] = [];
  const writer = new RecordingWriter({
    ...{ directory, bounds, now: () => endMs, onFile: (path) => files.push(path) },
    of: { recording: randomUUID(), venue: COINBASE.name, url: COINBASE.url, symbols: [] },
  });
  const market = new Market({
    ...{ seed, symbols, ticksPerSecond: count / RECORDED_SECONDS, burst: 5 },
    ...{ disorderMs: 0, lateFraction: 0, lateAfterMs: 0, tooLateAfterMs: 0, duplicateFraction: 0 },
  });
  const builder = new ColumnsBuilder(TICK, count);
  market.fill(builder, tickFields(builder), 0, count, { fromTick: 0, startMicros });
  const ticks = new RowView<Tick>(TICK);
  ticks.bind(builder.finish());
  writer.add(connectionLine(startMicros, 'open'));
  for (let row = 0; row < count; row++) {
    const tick = ticks.at(row);
    writer.add(frameLine(tick.receiveTime, matchFrame(tick)));
    if (writer.dueMs <= endMs) await writer.flush();
  }
  await writer.end();
  return files;
}

/** Coinbase names the side of the order that was waiting. */
function matchFrame({ instrument, eventTime, price, size, side, sequence }: Tick): string {
  const product = `${instrument.slice(instrument.indexOf(':') + 1)}-USD`;
  const maker = side === 'buy' ? 'sell' : 'buy';
  const numbers = { size: String(size), price: String(price) };
  const time = formatIsoMicros(eventTime);
  return JSON.stringify({
    type: 'match',
    trade_id: sequence,
    side: maker,
    ...numbers,
    product_id: product,
    sequence,
    time,
  });
}
