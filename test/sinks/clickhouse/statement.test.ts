import { describe, expect, it } from 'vitest';
import { formatOf, headerLength, insertFromFile, isInsert } from '../../../src/sinks/clickhouse/embedded/statement.ts';

describe('a statement', () => {
  it.each([
    ['SELECT 1 FORMAT JSON', 'JSON'],
    ['SELECT 1\nformat CSVWithNames ;\n', 'CSVWithNames'],
    ["SELECT 'FORMAT x'", null],
    ['SELECT formatReadableSize(1)', null],
  ])('%j ends with the format %s', (sql, format) => expect(formatOf(sql)).toBe(format));

  it('that inserts is told from one that reads', () => {
    expect(isInsert('\n insert INTO t FORMAT CSV')).toBe(true);
    expect(isInsert('SELECT 1 -- INSERT INTO t')).toBe(false);
  });

  it('takes the data of an insert from a file, before its settings and format', () => {
    expect(
      insertFromFile("INSERT INTO `t` (`settings`, a) SETTINGS x = 1, y = 'FORMAT' FORMAT ArrowStream", "'/f'"),
    ).toBe("INSERT INTO `t` (`settings`, a) FROM INFILE '/f' SETTINGS x = 1, y = 'FORMAT' FORMAT ArrowStream");
    expect(insertFromFile('INSERT INTO t FORMAT CSV', "'/f'")).toBe("INSERT INTO t FROM INFILE '/f' FORMAT CSV");
    expect(() => insertFromFile('INSERT INTO t VALUES', "'/f'")).toThrow(RangeError);
  });
});

describe('the header of a block', () => {
  it.each([
    ['a\tb\nrest\n', 1, false, 4],
    ['a\nInt\nrest\n', 2, false, 6],
    ['"a\nb","c"\nrest\n', 1, true, 10],
    ['["a\\"b"]\nrest\n', 1, false, 9],
    ['rest\n', 0, true, 0],
  ])('%j of %d lines', (block, lines, quoted, length) => {
    expect(headerLength(Buffer.from(block), lines, quoted)).toBe(length);
  });
});
