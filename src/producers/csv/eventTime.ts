import {
  countParser,
  formatParser,
  isoParser,
  isSoundTime,
  midnightOf,
  sinceMidnightParser,
  type TimeParser,
} from '../timeText.ts';
import { type ToUtcMicros, timeZone } from '../timeZone.ts';
import { type CellText, compileCellText, compileTemplate, type FileNames } from './cellText.ts';
import { type FieldSource, layoutError } from './layout.ts';

/** A time field of a row. */
export interface TimeText {
  /** Epoch microseconds, rounded down; NaN when there is no text, or none that is a time from 1900 to 2199. */
  micros(cells: readonly string[]): number;
  /** The text that counts: the first that is not empty. */
  text(cells: readonly string[]): string;
}

/** Reads a time field by its sources in the layout: the first that is not empty. @throws TM_LAYOUT */
export function compileTime(sources: readonly FieldSource[], field: string, names: FileNames): TimeText {
  const key = `fields.${field}`;
  const choices = sources.map((source): readonly [CellText, TimeParser] => [
    compileCellText(source, key, names),
    compileParser(source, key, names),
  ]);
  return {
    micros(cells) {
      for (const [text, parse] of choices) {
        const found = text(cells);
        if (found === '') continue;
        const micros = parse(found);
        return isSoundTime(micros) ? micros : Number.NaN;
      }
      return Number.NaN;
    },
    text(cells) {
      for (const [text] of choices) {
        const found = text(cells);
        if (found !== '') return found;
      }
      return '';
    },
  };
}

function compileParser(source: FieldSource, key: string, names: FileNames): TimeParser {
  const { unit, format, midnightOf: date, zone } = source;
  if ((unit === undefined) === (format === undefined)) {
    throw layoutError(
      `${key} is a time and must have one of unit and format`,
      names.where,
      'for example { column: time, unit: ms } or { column: time, format: iso }',
    );
  }
  if (unit === undefined) return compileFormat(format ?? '', key, zone, names);
  if (date !== undefined) {
    return sinceMidnightParser(unit, midnight(date, key, names), compileZone(zone, key, names));
  }
  if (zone !== undefined) {
    throw layoutError(
      `${key}.zone goes with midnightOf or format`,
      names.where,
      'a count from 1970 is UTC: leave zone out',
    );
  }
  return countParser(unit);
}

function compileFormat(format: string, key: string, zone: string | undefined, names: FileNames): TimeParser {
  const toUtcMicros = compileZone(zone, key, names);
  if (format === 'iso') return isoParser(toUtcMicros);
  const parser = formatParser(format, toUtcMicros);
  if (parser !== null) return parser;
  const hint = 'use YYYY, MM and DD, and if need be HH, mm, ss and S for decimals, each once; or iso';
  throw layoutError(`${key}.format: '${format}' does not give a time`, names.where, hint);
}

function compileZone(zone: string | undefined, key: string, names: FileNames): ToUtcMicros {
  const toUtcMicros = timeZone(zone ?? 'UTC');
  if (toUtcMicros !== null) return toUtcMicros;
  throw layoutError(
    `${key}.zone: there is no zone '${zone}'`,
    names.where,
    'for example UTC-05:00 or America/New_York',
  );
}

/** The date is one for the whole file: a constant, or from the file's name. */
function midnight(template: string, key: string, { groups, where }: FileNames): number {
  const date = compileTemplate(template, `${key}.midnightOf`, { columns: new Map(), groups, where })([]);
  const micros = midnightOf(date);
  if (!Number.isNaN(micros)) return micros;
  const hint = "a date is 20140506 or 2014-05-06, or '{group}' of the file pattern";
  throw layoutError(`${key}.midnightOf: '${date}' is not a date`, where, hint);
}
