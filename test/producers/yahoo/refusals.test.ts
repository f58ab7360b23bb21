import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TidemarkError } from '../../../src/errors.ts';
import { mayPass } from '../../../src/producers/market/refusals.ts';
import { parseYahooChart } from '../../../src/producers/yahoo/chart.ts';
import { parseYahooQuotes } from '../../../src/producers/yahoo/quote.ts';
import { effort } from '../../support/effort.ts';
import { areSound, mutated, outcome } from '../market/mutations.ts';
import { HAS_RECORDINGS, recordedFiles, response } from '../market/recorded.ts';
import { CHARTS, QUOTES, yahooBody } from './asked.ts';

const BODIES: readonly (readonly [string, number, string, boolean])[] = [
  ['404_chart_not_found.json', 404, 'TM_SOURCE_SYMBOL', false],
  ['404_quoteSummary_ADH.json', 404, 'TM_SOURCE_SYMBOL', false],
  ['429_too_many_requests.txt', 429, 'TM_SOURCE_RATE', true],
  ['401_invalid_crumb.json', 401, 'TM_SOURCE_ACCESS', false],
  ['400_chart_bad_interval.json', 400, 'TM_SOURCE_REQUEST', false],
  ['422_chart_1m_range_too_long.json', 422, 'TM_SOURCE_REQUEST', false],
];

function errorOf(parse: () => unknown): TidemarkError {
  try {
    parse();
  } catch (error) {
    if (error instanceof TidemarkError) return error;
    throw error;
  }
  throw new Error('it was taken for data');
}

const chart = (body: string, status = 200) => parseYahooChart(response(body, undefined, status), 'AAPL');
const quotes = (body: string, status = 200) => parseYahooQuotes(response(body, undefined, status), ['AAPL']);

describe.skipIf(!HAS_RECORDINGS)('an error of Yahoo', () => {
  it('is in the table, all of them', () => {
    expect(BODIES.map(([file]) => `yahoo/errors/${file}`).sort()).toEqual([...recordedFiles('yahoo/errors')].sort());
  });

  it.each(BODIES)('%s with status %i is %s (may pass: %s)', (file, status, code, passes) => {
    const body = yahooBody(`errors/${file}`);
    for (const parse of [chart, quotes]) {
      const error = errorOf(() => parse(body, status));
      expect([error.code, mayPass(error)]).toEqual([code, passes]);
    }
  });

  it.each(BODIES)('%s is refused by its body alone', (file, _, code) => {
    const found = errorOf(() => chart(yahooBody(`errors/${file}`))).code;
    expect(found).toBe(file.endsWith('.txt') ? 'TM_SOURCE_RESPONSE' : code);
  });

  it.each([
    [500, 'TM_SOURCE_SERVER'],
    [502, 'TM_SOURCE_SERVER'],
    [403, 'TM_SOURCE_ACCESS'],
    [302, 'TM_SOURCE_REQUEST'],
  ])('with status %i and a page is %s', (status, code) => {
    expect(errorOf(() => chart('<html>', status)).code).toBe(code);
  });

  it('says what Yahoo said', () => {
    const { message } = errorOf(() => chart(yahooBody('errors/400_chart_bad_interval.json'), 400));
    expect(message).toContain('interval=7d is not supported');
  });

  it.each([
    '',
    '{}',
    'null',
    '[]',
    '{"chart":null}',
    '{"chart":{"result":[]}}',
    '{"chart":{"result":[{}]}}',
    'Edge: no',
  ])('such as %j is not taken for data', (body) => {
    expect(errorOf(() => chart(body)).code).toBe('TM_SOURCE_RESPONSE');
    expect(errorOf(() => quotes(body)).code).toBe('TM_SOURCE_RESPONSE');
  });

  it('is never taken for data, however its body is cut or changed', () => {
    const bodies = BODIES.map(([file]) => yahooBody(`errors/${file}`));
    fc.assert(
      fc.property(mutated(bodies), fc.constantFrom(chart, quotes), (body, parse) => {
        expect(typeof outcome(() => parse(body))).toBe('string');
      }),
      { numRuns: effort(2_000) },
    );
  });

  it('is the one thing that comes of a damaged response besides sound rows', () => {
    const charts = CHARTS.filter(([, rows]) => rows < 100).map(([file, , , symbol]) => {
      return [yahooBody(file), (body: string) => parseYahooChart(response(body), symbol)] as const;
    });
    const found = QUOTES.map(([file, , symbols]) => {
      return [yahooBody(file), (body: string) => parseYahooQuotes(response(body), symbols)] as const;
    });
    const damaged = fc
      .constantFrom(...charts, ...found)
      .chain(([whole, parse]) => mutated([whole]).map((body) => ({ body, parse })));
    fc.assert(
      fc.property(damaged, ({ body, parse }) => {
        const rows = outcome(() => parse(body));
        expect(typeof rows === 'string' || areSound(rows)).toBe(true);
      }),
      { numRuns: effort(1_000) },
    );
  });

  it('comes of every response that is cut short', () => {
    for (const [file, rows, , symbol] of CHARTS) {
      if (rows > 10) continue;
      const body = yahooBody(file).trimEnd();
      for (let length = 0; length < body.length; length += 31) {
        expect(outcome(() => parseYahooChart(response(body.slice(0, length)), symbol))).toBe('TM_SOURCE_RESPONSE');
      }
    }
  });
});
