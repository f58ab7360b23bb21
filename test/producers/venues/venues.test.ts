import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { VenueEvent, VenueParser } from '../../../src/producers/venues/venue.ts';
import { VENUES } from '../../../src/producers/venues/venues.ts';
import { effort } from '../../support/effort.ts';
import { mutated } from '../market/mutations.ts';
import { HAS_RECORDINGS } from '../market/recorded.ts';
import { DOCUMENTED } from './documented.ts';
import { recordedFrames, SESSIONS } from './sessions.ts';

const RECEIVED_MICROS = 1_700_000_000_123_456;

function parserOf(name: string): VenueParser {
  const venue = VENUES.get(name);
  if (venue === undefined) throw new Error(`no venue ${name}`);
  return venue.openParser();
}

/** Whether a record can be made of it: the rules of ticks. */
function isSound(event: VenueEvent): boolean {
  const isDecimal = (text: string | null): boolean =>
    text === null || (/^\+?\d*\.?\d*(e[+-]?\d+)?$/i.test(text) && /\d/.test(text) && Number(text) < 1e18);
  if (event.kind === 'trade') {
    const { symbol, price, size, tradeId, sequence, eventMicros } = event;
    const isOrder = sequence === null || Number.isSafeInteger(sequence);
    return (
      symbol !== '' &&
      tradeId !== '' &&
      isDecimal(price) &&
      isDecimal(size) &&
      isOrder &&
      Number.isSafeInteger(eventMicros)
    );
  }
  if (event.kind !== 'quote') return true;
  const { bid, ask, bidSize, askSize, eventMicros } = event;
  return [bid, ask, bidSize, askSize].every(isDecimal) && Number.isSafeInteger(eventMicros);
}

/** Frames of each kind from the recordings, none of them very long, and the documented ones. */
function samplesOf(name: string, path: string): readonly string[] {
  const byKind = new Map<string, string>();
  for (const { frame } of recordedFrames(path)) {
    const kind = frame.replace(/[\d.]+/g, '').slice(0, 40);
    if (frame.length < 3_000 && byKind.size < 60) byKind.set(kind, frame);
  }
  return [...byKind.values(), ...DOCUMENTED.flatMap(([venue, frame]) => (venue === name ? [frame] : []))];
}

describe('a documented message', () => {
  it.each(DOCUMENTED)('of %s: %s', (name, frame, events) => {
    // What comes first from OKX is old: see the recorded session.
    expect(parserOf(name).parse(frame, RECEIVED_MICROS)).toMatchObject(events);
  });

  it.each([...VENUES.keys()])('that %s does not have is no data', (name) => {
    const parser = parserOf(name);
    for (const frame of [
      '',
      'null',
      '[]',
      '{}',
      '7',
      '"match"',
      '{"type":"mtach"}',
      '[1,[],"trad","X"]',
      'PONG',
      '\u0000',
    ]) {
      const events = parser.parse(frame, RECEIVED_MICROS);
      expect(events).toMatchObject([{ kind: 'fault' }]);
    }
  });
});

describe('a garbled frame', () => {
  it.each([
    ['of lists in lists', '['.repeat(100_000) + ']'.repeat(100_000)],
    ['with lists in lists for a price', `{"type":"match","price":${'['.repeat(100_000)}${']'.repeat(100_000)}}`],
    ['with lists in lists for a kind', `{"type":${'['.repeat(100_000)}${']'.repeat(100_000)}}`],
    ['of escapes without end', `"${'\\n'.repeat(8_000_000)}"`],
    ['of strings that do not end', `"${'\\"'.repeat(1_000_000)}`],
    ['of backslashes', `{"type":"${'\\'.repeat(1_000_000)}"}`],
  ])('%s is a fault at every venue, soon', (_, frame) => {
    for (const name of VENUES.keys()) {
      expect(
        parserOf(name)
          .parse(frame, RECEIVED_MICROS)
          .map(({ kind }) => kind),
      ).toEqual(['fault']);
    }
  });

  it.skipIf(!HAS_RECORDINGS).each(SESSIONS)('of %s crashes nothing; cut short, it is a fault', (name, path) => {
    const samples = samplesOf(name, path);
    fc.assert(
      fc.property(mutated(samples), (frame) => {
        const events = parserOf(name).parse(frame, RECEIVED_MICROS);
        expect(events.filter((event) => !isSound(event))).toEqual([]);
      }),
      { numRuns: effort(500) },
    );
    const whole = new Set(samples);
    fc.assert(
      fc.property(fc.constantFrom(...samples), fc.nat(), (sample, at) => {
        const cut = sample.slice(0, at % sample.length);
        if (whole.has(cut)) return;
        expect(parserOf(name).parse(cut, RECEIVED_MICROS)).toMatchObject([{ kind: 'fault', reason: 'frame' }]);
      }),
      { numRuns: effort(500) },
    );
  });

  it('ends the best quotes of Gemini, whose book lacks a change from then on', () => {
    const parser = parserOf('gemini');
    const change = (side: string, price: string, size: string) =>
      parser.parse(
        `{"type":"l2_updates","symbol":"BTCUSD","changes":[["${side}","${price}","${size}"]]}`,
        RECEIVED_MICROS,
      );
    const kinds = (events: readonly VenueEvent[]) => events.map(({ kind }) => kind);
    expect(kinds(change('buy', '10', '1'))).toEqual(['subscribed']);
    expect(change('sell', '12', '2')).toMatchObject([{ kind: 'quote', bid: '10', ask: '12' }]);
    expect(change('sell', '11.5', '3')).toMatchObject([{ kind: 'quote', ask: '11.5', askSize: '3' }]);
    expect(change('sell', '11.50', '0')).toMatchObject([{ kind: 'quote', ask: '12', askSize: '2' }]);
    expect(change('buy', '9', '1')).toEqual([]);
    expect(kinds(change('buy', 'x', '1'))).toEqual(['fault']);
    expect(change('sell', '11', '1')).toEqual([]);
    const trade =
      '{"type":"trade","symbol":"BTCUSD","event_id":1,"timestamp":1700000000123,"price":"11","quantity":"1","side":"buy"}';
    expect(kinds(parser.parse(trade, RECEIVED_MICROS))).toEqual(['trade']);
  });
});

describe('a connection to Binance with single and aggregated trades of a symbol', () => {
  const numbers = { p: '1', q: '2', E: 1_700_000_000_125, T: 1_700_000_000_123, m: true };
  const single = (t: number, s = 'BTCUSDT') => JSON.stringify({ e: 'trade', s, t, ...numbers });
  const aggregated = (a: number, f: number, l: number, s = 'BTCUSDT') =>
    JSON.stringify({ e: 'aggTrade', s, a, f, l, ...numbers });
  const idsOf = (frames: readonly string[]) => {
    const parser = parserOf('binance-spot');
    const events = frames.flatMap((frame) => parser.parse(frame, RECEIVED_MICROS));
    return events.map((event) => (event.kind === 'trade' ? event.tradeId : event.kind));
  };

  it.each([
    [
      'the single one first',
      [single(10), aggregated(5, 9, 10), single(11), single(12), aggregated(6, 11, 12)],
      ['10', '11', '12'],
    ],
    [
      'the aggregated one first',
      [aggregated(5, 9, 10), single(9), single(10), single(11), aggregated(6, 11, 11), single(12)],
      ['5', '11', '12'],
    ],
    [
      'some aggregated ones first',
      [aggregated(4, 7, 8), aggregated(5, 9, 10), single(10), single(11)],
      ['4', '5', '11'],
    ],
    [
      'another symbol of one kind',
      [single(10), aggregated(1, 7, 8, 'ETHUSDT'), aggregated(2, 9, 9, 'ETHUSDT')],
      ['10', '1', '2'],
    ],
  ])('counts each trade once: %s', (_, frames, ids) => {
    expect(idsOf(frames)).toEqual(ids);
  });
});

describe('a subscription', () => {
  it.each([
    ['binance-spot', ['{"method":"SUBSCRIBE","params":["btcusdt@aggTrade","btcusdt@bookTicker"],"id":1}']],
    ['coinbase', ['{"type":"subscribe","product_ids":["BTCUSDT"],"channels":["matches","ticker","heartbeat"]}']],
    [
      'bitstamp',
      [
        '{"event":"bts:subscribe","data":{"channel":"live_trades_BTCUSDT"}}',
        '{"event":"bts:subscribe","data":{"channel":"order_book_BTCUSDT"}}',
      ],
    ],
    ['bitmex', ['{"op":"subscribe","args":["trade:BTCUSDT","quote:BTCUSDT"]}']],
  ])('of %s is as it documents it', (name, frames) => {
    expect(VENUES.get(name)?.subscribe(['BTCUSDT'])).toEqual(frames);
  });
});
