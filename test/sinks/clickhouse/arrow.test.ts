import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseRecordSchema } from '../../../src/core/avro/parseSchema.ts';
import { ArrowInsert } from '../../../src/sinks/clickhouse/arrow.ts';
import { rawTarget } from '../../../src/sinks/clickhouse/insertTarget.ts';
import { columnsOf, type Value } from './schemas.ts';
import { temporaryClickHouse } from './support.ts';

const TABLE = 'every_kind';
const DECIMAL = { type: 'bytes', logicalType: 'decimal', precision: 76, scale: 18 };
const schema = parseRecordSchema({
  type: 'record',
  name: 'EveryKind',
  fields: [
    { name: 'instrument', type: 'string' },
    { name: 'number', type: ['null', 'double'] },
    { name: 'whole', type: ['null', 'long'] },
    { name: 'small', type: ['null', 'int'] },
    { name: 'time', type: ['null', { type: 'long', logicalType: 'timestamp-micros' }] },
    { name: 'flag', type: ['null', 'boolean'] },
    { name: 'side', type: ['null', { type: 'enum', name: 'Side', symbols: ['buy', 'sell'] }] },
    { name: 'note', type: ['null', 'string'] },
    { name: 'amount', type: ['null', DECIMAL] },
  ],
});
const target = rawTarget(TABLE, schema);

const nullable = <T extends Value>(values: fc.Arbitrary<T>) => fc.option(values, { freq: 3, nil: null });
const row = fc.record({
  instrument: fc.constantFrom('a:X', 'b:ü', ''),
  number: nullable(fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (value === 0 ? 0 : value))),
  whole: nullable(fc.maxSafeInteger()),
  small: nullable(fc.integer()),
  // What DateTime64 holds: the years 1900 to 2299.
  time: nullable(fc.integer({ min: -2_000_000_000_000_000, max: 9_000_000_000_000_000 })),
  flag: nullable(fc.boolean()),
  side: nullable(fc.constantFrom('buy', 'sell')),
  note: nullable(fc.string({ unit: 'binary', maxLength: 12 })),
  amount: nullable(fc.bigInt({ min: -(10n ** 70n), max: 10n ** 70n })),
});
/** Chunks of rows: an insert gathers many, some of them with nulls and some without. */
const chunks = fc.array(fc.array(row, { maxLength: 12 }), { minLength: 1, maxLength: 5 });

describe('an Arrow insert', async () => {
  const clickhouse = await temporaryClickHouse();

  beforeAll(() =>
    clickhouse.command(
      `CREATE TABLE ${TABLE} (symbol LowCardinality(String), number Nullable(Float64), whole Nullable(Int64),
        small Nullable(Int32), time Nullable(DateTime64(6, 'UTC')), flag Nullable(Bool),
        side LowCardinality(Nullable(String)), note Nullable(String), amount Nullable(Decimal(76, 18)),
        partition Int32, offset Int64) ENGINE = Memory`,
    ),
  );

  it('stores every value of every kind, nulls included, at its place in the log', async () => {
    await fc.assert(
      fc.asyncProperty(chunks, async (input) => {
        await clickhouse.command(`TRUNCATE TABLE ${TABLE}`);
        const insert = new ArrowInsert(target);
        input.forEach((rows, partition) => {
          const offsets = Float64Array.from(rows, (_, i) => 2 ** 40 + i);
          insert.append({ columns: columnsOf(schema, rows), partition, offsets });
        });
        expect(insert.rows).toBe(input.flat().length);
        if (insert.rows === 0) return;
        const { sql, body } = insert.finish();
        await clickhouse.insert(sql, body);
        const stored = await clickhouse.rows(
          `SELECT symbol, number, toString(whole) AS whole, small, toString(toUnixTimestamp64Micro(time)) AS time, flag,
            side, hex(note) AS note, toString(amount * toDecimal256('1', 0)) AS amount, partition, toUInt64(offset) AS offset
          FROM ${TABLE} ORDER BY partition, offset`,
        );
        expect(stored).toEqual(
          input.flatMap((rows, partition) =>
            rows.map((given, i) => ({
              ...given,
              instrument: undefined,
              symbol: given.instrument,
              whole: text(given.whole),
              time: text(given.time),
              note: given.note === null ? null : Buffer.from(given.note).toString('hex').toUpperCase(),
              amount: given.amount === null ? null : decimalText(given.amount),
              partition,
              offset: 2 ** 40 + i,
            })),
          ),
        );
      }),
      { numRuns: 40 },
    );
  });
});

function text(value: number | null): string | null {
  return value === null ? null : BigInt(value).toString();
}

function decimalText(unscaled: bigint): string {
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(19, '0');
  const plain = `${digits.slice(0, -18)}.${digits.slice(-18)}`.replace(/0+$/, '').replace(/\.$/, '');
  return unscaled < 0n ? `-${plain}` : plain;
}
