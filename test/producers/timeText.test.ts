import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countParser, formatParser, isoParser, midnightOf, sinceMidnightParser } from '../../src/producers/timeText.ts';
import { timeZone } from '../../src/producers/timeZone.ts';

const zone = (name: string) => {
  const found = timeZone(name);
  if (found === null) throw new Error(`no zone ${name}`);
  return found;
};
const micros = (iso: string): number => Date.parse(iso) * 1_000;

describe('countParser', () => {
  it('cuts 19-digit nanoseconds to the microsecond without loss', () => {
    expect(countParser('ns')('1723161568791195862')).toBe(1_723_161_568_791_195);
    expect(countParser('ns')('1723161568791195999')).toBe(1_723_161_568_791_195);
  });

  it.each([
    ['s', '1634567890', 1_634_567_890_000_000],
    ['s', '1634567890.1234567', 1_634_567_890_123_456],
    ['ms', '1723161255342', 1_723_161_255_342_000],
    ['ms', '0.5', 500],
    ['us', '12', 12],
    ['ns', '999', 0],
    ['ns', '-1', -1],
    ['ms', '-1.0001', -1_001],
    ['s', '-0', 0],
  ] as const)('reads %s %s', (unit, text, expected) => {
    expect(countParser(unit)(text)).toBe(expected);
  });

  it.each(['', 'x', '1e12', '1.2.3', ' 1', '0x1', '--1', '.5'])('refuses %j', (text) => {
    expect(countParser('ms')(text)).toBeNaN();
  });

  it('rounds down, as exact integers say', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n }), (count) => {
        const floored = count >= 0n ? count / 1_000n : -((-count + 999n) / 1_000n);
        expect(countParser('ns')(String(count))).toBe(Number(floored));
      }),
    );
  });
});

describe('isoParser', () => {
  const parse = isoParser(zone('America/New_York'));

  it.each([
    ['2024-08-09T00:00:00Z', micros('2024-08-09T00:00:00Z')],
    ['2024-08-09T00:00:00.123456789Z', micros('2024-08-09T00:00:00Z') + 123_456],
    ['2024-08-09 05:30+05:30', micros('2024-08-09T00:00:00Z')],
    ['2024-08-09T00:00:00-0400', micros('2024-08-09T04:00:00Z')],
    ['2024-08-09', micros('2024-08-09T04:00:00Z')],
    ['2024-01-09T12:00:00', micros('2024-01-09T17:00:00Z')],
  ])('reads %s', (text, expected) => {
    expect(parse(text)).toBe(expected);
  });

  it.each([
    '',
    '2024-02-30',
    '2024-13-01',
    '2024-01-01T24:00',
    '2024-01-01T00:60',
    '20240101',
    '2024-01-01T00:00+99:00',
  ])('refuses %j', (text) => {
    expect(parse(text)).toBeNaN();
  });
});

describe('formatParser', () => {
  it('reads the tokens of the format', () => {
    expect(formatParser('YYYYMMDD HH:mm', zone('UTC'))?.('20161007 13:05')).toBe(micros('2016-10-07T13:05:00Z'));
    expect(formatParser('DD.MM.YYYY HH-mm-ss.SSS', zone('+01:00'))?.('07.10.2016 13-05-09.25')).toBe(
      micros('2016-10-07T12:05:09.250Z'),
    );
  });

  it('takes what stands between them literally', () => {
    const parse = formatParser('YYYY.MM.DD (HH)', zone('UTC'));
    expect(parse?.('2016.10.07 (13)')).toBe(micros('2016-10-07T13:00:00Z'));
    expect(parse?.('2016-10-07 (13)')).toBeNaN();
  });

  it('needs a whole date, and each token once', () => {
    expect(formatParser('HH:mm', zone('UTC'))).toBeNull();
    expect(formatParser('YYYYMMDD MM', zone('UTC'))).toBeNull();
  });
});

describe('timeZone', () => {
  it('knows fixed offsets and IANA names, and nothing else', () => {
    expect(zone('UTC-05:00')(0)).toBe(5 * 3_600_000_000);
    expect(zone('+0530')(0)).toBe(-5.5 * 3_600_000_000);
    expect(zone('Europe/London')(micros('2024-07-01T12:00:00Z'))).toBe(micros('2024-07-01T11:00:00Z'));
    for (const name of ['Mars/Olympus', 'UTC-25:00', '']) expect(timeZone(name)).toBeNull();
  });

  it('takes the earlier of two equal readings, and counts on through a skipped hour', () => {
    const newYork = zone('America/New_York');
    expect(newYork(micros('2024-11-03T01:30:00Z'))).toBe(micros('2024-11-03T05:30:00Z'));
    expect(newYork(micros('2024-11-03T02:00:00Z'))).toBe(micros('2024-11-03T07:00:00Z'));
    expect(newYork(micros('2024-03-10T01:59:59Z'))).toBe(micros('2024-03-10T06:59:59Z'));
    expect(newYork(micros('2024-03-10T02:30:00Z'))).toBe(micros('2024-03-10T07:30:00Z'));
    expect(newYork(micros('2024-03-10T03:00:00Z'))).toBe(micros('2024-03-10T07:00:00Z'));
  });

  it('undoes the runtime’s own rendering of any instant, except in the second of two equal hours', () => {
    const name = 'America/New_York';
    const toUtc = zone(name);
    fc.assert(
      fc.property(fc.integer({ min: Date.UTC(1970, 0), max: Date.UTC(2037, 0) }), (ms) => {
        const shown = new Date(ms).toLocaleString('sv-SE', { timeZone: name });
        const whole = Math.floor(ms / 1_000) * 1_000;
        const found = toUtc(micros(`${shown.replace(' ', 'T')}Z`)) / 1_000;
        expect([whole, whole - 3_600_000]).toContain(found);
        if (found !== whole) expect(new Date(found).toLocaleString('sv-SE', { timeZone: name })).toBe(shown);
      }),
    );
  });
});

describe('sinceMidnightParser', () => {
  it('counts on the wall clock of the zone', () => {
    const parse = sinceMidnightParser('ms', midnightOf('20140504'), zone('UTC-05:00'));
    expect(parse('50451815')).toBe(micros('2014-05-04T19:00:51.815Z'));
    expect(midnightOf('2014-05-04')).toBe(midnightOf('20140504'));
    expect(midnightOf('20140532')).toBeNaN();
  });
});
