import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TidemarkError } from '../../../src/errors.ts';
import { parseAlphaVantage } from '../../../src/producers/alphavantage/parse.ts';
import { mayPass } from '../../../src/producers/market/refusals.ts';
import { effort } from '../../support/effort.ts';
import { areSound, mutated, outcome } from '../market/mutations.ts';
import { HAS_RECORDINGS, recordedBody, recordedFiles, response } from '../market/recorded.ts';
import { RECORDED, stocks } from './asked.ts';

const BODIES: readonly (readonly [string, string, boolean])[] = [
  ['note_5_per_minute.json', 'TM_SOURCE_RATE', true],
  ['information_1_per_second.json', 'TM_SOURCE_RATE', true],
  ['information_burst_5_per_second.json', 'TM_SOURCE_RATE', true],
  ['information_25_per_day.json', 'TM_SOURCE_QUOTA', true],
  ['information_premium_endpoint.json', 'TM_SOURCE_PREMIUM', false],
  ['error_invalid_api_call_daily.json', 'TM_SOURCE_REQUEST', false],
  ['error_invalid_api_call_intraday.json', 'TM_SOURCE_REQUEST', false],
  ['error_apikey_missing.json', 'TM_SOURCE_ACCESS', false],
  ['unknown_symbol_global_quote_empty.json', 'TM_SOURCE_SYMBOL', false],
  ['empty_object.json', 'TM_SOURCE_EMPTY', true],
];
const ERRORS = BODIES.map(([file]) => recordedBody(`alphavantage/errors/${file}`));

function errorOf(body: string, interval: string | null, status = 200): TidemarkError {
  try {
    parseAlphaVantage(response(body, undefined, status), stocks('MSFT', interval));
  } catch (error) {
    if (error instanceof TidemarkError) return error;
    throw error;
  }
  throw new Error('it was taken for data');
}

describe.skipIf(!HAS_RECORDINGS)('an error of Alpha Vantage', () => {
  it('is in the table, all of them', () => {
    expect(BODIES.map(([file]) => `alphavantage/errors/${file}`).sort()).toEqual(
      [...recordedFiles('alphavantage/errors')].sort(),
    );
  });

  it.each(BODIES)('with status 200, %s, is %s (may pass: %s)', (file, code, passes) => {
    const error = errorOf(recordedBody(`alphavantage/errors/${file}`), null);
    expect([error.code, mayPass(error)]).toEqual([code, passes]);
  });

  it.each(BODIES)('in place of a time series or of CSV, %s, is refused as well', (file) => {
    const { code } = errorOf(recordedBody(`alphavantage/errors/${file}`), '1d');
    expect(code).toMatch(/^TM_SOURCE_/);
  });

  it.each([
    [429, 'TM_SOURCE_RATE'],
    [500, 'TM_SOURCE_SERVER'],
    [503, 'TM_SOURCE_SERVER'],
    [403, 'TM_SOURCE_ACCESS'],
    [404, 'TM_SOURCE_REQUEST'],
  ])('with status %i is %s', (status, code) => {
    expect(errorOf('<html>no</html>', '1d', status).code).toBe(code);
  });

  it('says that the demo key is for its examples only, which is no key to ask with', () => {
    const body =
      '{"Information":"The **demo** API key is for demo purposes only. Please claim your free API key at (…)"}';
    expect(errorOf(body, '1d').code).toBe('TM_SOURCE_ACCESS');
  });

  it('with a message that is not known may pass, and one under Error Message may not', () => {
    expect(errorOf('{"Information":"Something new"}', '1d').code).toBe('TM_SOURCE_REFUSED');
    expect(errorOf('{"Note":{"odd":1}}', '1d').code).toBe('TM_SOURCE_REFUSED');
    expect(errorOf('{"Error Message":"Something new"}', '1d').code).toBe('TM_SOURCE_REQUEST');
  });

  it.each(['', ' ', 'null', '[]', '"text"', '<html>', 'timestamp,open\n1,2', 'Too Many Requests', '{"Meta Data":{}}'])(
    'such as %j is not taken for data',
    (body) => {
      expect(errorOf(body, '1d').code).toBe('TM_SOURCE_RESPONSE');
    },
  );

  it('is never taken for data, however its body is cut or changed', () => {
    fc.assert(
      fc.property(mutated(ERRORS), fc.constantFrom(null, '1d', '5m'), (body, interval) => {
        const found = outcome(() => parseAlphaVantage(response(body), stocks('MSFT', interval)));
        expect(typeof found).toBe('string');
      }),
      { numRuns: effort(2_000) },
    );
  });

  it('is the one thing that comes of a damaged response besides sound rows', () => {
    const small = RECORDED.filter(([, rows]) => rows <= 100);
    const bodies = new Map(small.map(([file, , series]) => [recordedBody(`alphavantage/${file}`), series]));
    const damaged = fc
      .constantFrom(...bodies)
      .chain(([whole, series]) => mutated([whole]).map((body) => ({ body, series })));
    fc.assert(
      fc.property(damaged, ({ body, series }) => {
        const found = outcome(() => parseAlphaVantage(response(body), series));
        expect(typeof found === 'string' || areSound(found)).toBe(true);
      }),
      { numRuns: effort(500) },
    );
  });

  it('comes of every response that is cut short', () => {
    for (const [file, rows, series] of RECORDED) {
      if (rows > 100) continue;
      const body = recordedBody(`alphavantage/${file}`).trimEnd();
      for (let length = 0; length < body.length; length += 97) {
        if (body[length - 1] === '\n') continue;
        expect(outcome(() => parseAlphaVantage(response(body.slice(0, length)), series))).toBe('TM_SOURCE_RESPONSE');
      }
    }
  });
});
