import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRecordSchema } from '../../src/core/avro/parseSchema.ts';
import { RowView } from '../../src/core/avro/rowView.ts';
import { readBody } from '../../src/producers/ingest/body.ts';
import { TICK } from '../../src/producers/schemas.ts';

const BOUNDS = { maxRows: 1_000, maxBytes: 1_000_000 };
const SCALE = 4;
const PRECISION = 30;
const DECIMALS = parseRecordSchema({
  type: 'record',
  name: 'Amounts',
  fields: [
    { name: 'note', type: 'string' },
    { name: 'amount', type: { type: 'bytes', logicalType: 'decimal', precision: PRECISION, scale: SCALE } },
    { name: 'measure', type: 'double' },
  ],
});

/** A decimal as its digits, without zeros at the ends, times a power of ten. */
interface Exact {
  readonly isNegative: boolean;
  readonly digits: string;
  readonly power: number;
}

/** What a number says, read from its text alone. */
function exactly(text: string): Exact {
  const [mantissa = '', exponent = '0'] = text.toLowerCase().split('e');
  const isNegative = mantissa.startsWith('-');
  const [whole = '', fraction = ''] = mantissa.replace(/^[+-]/, '').split('.');
  const all = whole + fraction;
  const digits = all.replace(/^0+/, '').replace(/0+$/, '');
  if (digits === '') return { isNegative: false, digits: '0', power: 0 };
  const cut = all.length - all.replace(/0+$/, '').length;
  return { isNegative, digits, power: Number(exponent) - fraction.length + cut };
}

/** Digits before the point that are not leading zeros. */
const wholeDigits = ({ digits, power }: Exact) => digits.length + power;

/** What a column holds, as its text: decimals without a point. */
function readOne(schema: typeof TICK, field: string, body: string, format: 'json' | 'ndjson') {
  const { columns, errors } = readBody(format, Buffer.from(body), schema, BOUNDS);
  if (columns.length === 0) return { value: null, reason: errors[0]?.reason };
  const view = new RowView<Record<string, unknown>>(schema);
  view.bind(columns);
  return { value: String(view.at(0)[field]), reason: undefined };
}

const digitsOf = (maxLength: number) => fc.stringMatching(new RegExp(`^[0-9]{1,${maxLength}}$`));
/** Numbers as JSON writes them: few and many digits, zeros at both ends, exponents of both signs. */
const jsonNumber = fc
  .tuple(
    fc.constantFrom('', '', '', '-'),
    fc.oneof(digitsOf(4), digitsOf(17), digitsOf(22)),
    fc.option(fc.tuple(fc.oneof(digitsOf(3), digitsOf(20)), fc.stringMatching(/^0{0,6}$/))),
    fc.option(fc.tuple(fc.constantFrom('e', 'E'), fc.constantFrom('', '+', '-'), fc.integer({ min: 0, max: 30 })), {
      freq: 2,
    }),
  )
  .map(([sign, whole, fraction, exponent]) => {
    const plain = `${sign}${whole.replace(/^0+(?=\d)/, '')}`;
    return `${plain}${fraction === null ? '' : `.${fraction.join('')}`}${exponent === null ? '' : exponent.join('')}`;
  });
/** Digits, quotes and backslashes that are no numbers. */
const note = fc.oneof(fc.string({ minLength: 1 }), fc.constantFrom('1.0000000000000000001', '\\"5e3', '"', '\\'));
const format = fc.constantFrom('json' as const, 'ndjson' as const);

describe('numbers of JSON', () => {
  it('are prices as they were written, or refused', () => {
    fc.assert(
      fc.property(jsonNumber, note, format, (number, instrument, form) => {
        const body = `{"instrument":${JSON.stringify(instrument)},"eventTime":"2024-08-09","price":${number},"size":1}`;
        const { value, reason } = readOne(TICK, 'price', body, form);
        const exact = exactly(number);
        const isZero = exact.digits === '0';
        const isSound =
          !exact.isNegative &&
          exact.digits.length <= 15 &&
          (isZero || (wholeDigits(exact) <= 18 && exact.power >= -18));
        if (isSound) expect([exactly(value ?? 'none'), reason]).toEqual([exact, undefined]);
        else expect([value, ['digits', 'negative', 'range'].includes(reason ?? '')]).toEqual([null, true]);
      }),
      { numRuns: 2_000 },
    );
  });

  it('are whole numbers and times as they were written, or refused', () => {
    fc.assert(
      fc.property(jsonNumber, note, format, (number, instrument, form) => {
        const tick = `"instrument":${JSON.stringify(instrument)},"eventTime":1723161600000000,"price":1,"size":1`;
        const { value, reason } = readOne(TICK, 'sequence', `{${tick},"sequence":${number}}`, form);
        const exact = exactly(number);
        const isWhole = exact.power >= 0 && wholeDigits(exact) <= 16;
        const whole = isWhole ? BigInt(exact.digits) * 10n ** BigInt(exact.power) : 2n ** 53n;
        if (whole < 2n ** 53n) expect(value).toBe(String(exact.isNegative ? -whole : whole));
        else expect([value, reason]).toEqual([null, 'number']);
      }),
      { numRuns: 2_000 },
    );
  });

  it('are decimals as they were written, or refused', () => {
    fc.assert(
      fc.property(jsonNumber, note, format, (number, text, form) => {
        const body = `{"note":${JSON.stringify(text)},"amount":${number},"measure":0}`;
        const { value, reason } = readOne(DECIMALS, 'amount', body, form);
        const exact = exactly(number);
        const isSound = exact.digits === '0' || (exact.power >= -SCALE && wholeDigits(exact) <= PRECISION - SCALE);
        if (isSound) expect([exactly(value ?? 'none'), reason]).toEqual([exact, undefined]);
        else expect([value, ['number', 'range'].includes(reason ?? '')]).toEqual([null, true]);
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([
    ['0.1', '0.1'],
    ['10.10', '10.1'],
    ['1e2', '100'],
    ['1E+2', '100'],
    ['1e-7', '1e-7'],
    ['1.0', '1'],
    ['-0', '0'],
    ['0.0000000', '0'],
    ['100000000000000000000e-20', '1'],
    ['1.00000000000000000000000', '1'],
  ])('%s is the price %s', (number, expected) => {
    const tick = `{"instrument":"x:A","eventTime":1723161600000000,"price":${number},"size":1}`;
    expect(readOne(TICK, 'price', tick, 'ndjson').value).toBe(expected);
  });

  it.each([
    ['12345678901234567890', 'range'],
    ['0.10000000000000000555', 'digits'],
    ['9999999999999999', 'digits'],
    ['1e-400', 'range'],
    ['1e400', 'number'],
    ['-1e-400', 'range'],
    ['NaN', 'json'],
    ['Infinity', 'json'],
    ['"NaN"', 'number'],
    ['.5', 'json'],
    ['+1', 'json'],
  ])('%s is no price: %s', (number, reason) => {
    const tick = `{"instrument":"x:A","eventTime":1723161600000000,"price":${number},"size":1}`;
    expect(readOne(TICK, 'price', tick, 'ndjson')).toEqual({ value: null, reason });
  });

  it('are doubles of other schemas to the nearest, and none that only 0 is near to', () => {
    const measure = (number: string) =>
      readOne(DECIMALS, 'measure', `{"note":"n","amount":0,"measure":${number}}`, 'json');
    expect(measure('0.30000000000000004').value).toBe('0.30000000000000004');
    expect(measure('12345678901234567890').value).toBe('12345678901234567000');
    expect(measure('-1e-400')).toEqual({ value: null, reason: 'range' });
  });

  it('stay no text, and text no number where a field is neither', () => {
    const tick = (instrument: string) =>
      `{"instrument":${instrument},"eventTime":1.723161600000000e15,"price":1,"size":1}`;
    expect(readOne(TICK, 'instrument', tick('12345678901234567890'), 'json').reason).toBe('value');
    expect(readOne(TICK, 'instrument', tick('"12345678901234567890"'), 'json').value).toBe('12345678901234567890');
  });
});
