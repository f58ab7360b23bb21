import { formatIsoMicros } from '../core/time.ts';
import type { Difference, WindowDifference } from '../replay/diff.ts';
import type { GenerationStatus } from '../replay/status.ts';
import { textTable } from './table.ts';

/** A comparison of two generations, for people. */
export function differenceText({ generation, base, behind, fieldsApart, intervals, windows }: Difference): string {
  const parts = [
    `generation ${generation} against ${base}, final rows\n\n`,
    textTable(
      ['output', 'interval', 'same', 'changed', 'missing', 'added', 'moving'],
      intervals.map((row) => [row.output, row.interval, row.same, row.changed, row.missing, row.added, row.moving]),
    ),
  ];
  const differing = intervals.reduce((sum, { changed, missing, added }) => sum + changed + missing + added, 0);
  parts.push(differing === 0 ? '\nno differences\n' : `\n${windows.map(windowText).join('\n')}\n`);
  if (differing > windows.length) parts.push(`and ${differing - windows.length} more (--limit)\n`);
  if (fieldsApart.length > 0) parts.push(`not compared, in one of them only: ${fieldsApart.join(', ')}\n`);
  if (behind > 0) {
    parts.push(`generation ${generation} is ${behind} records behind: tidemark replay start goes on with it\n`);
  }
  return parts.join('');
}

function windowText({ interval, symbol, start, what, fields }: WindowDifference): string {
  const changes = fields.map(({ name, before, after }) => `${name} ${before ?? '-'} -> ${after ?? '-'}`);
  return [`${what}  ${interval}  ${symbol}  ${start}`, ...changes].join('  ');
}

/** The generations of a topology, for people. */
export function generationsText(generations: readonly GenerationStatus[]): string {
  const time = (micros: number | null): string | null => (micros === null ? null : formatIsoMicros(micros));
  return textTable(
    ['generation', 'state', 'base', 'from', 'to', 'history', 'behind'],
    generations.map((each) => [
      each.generation,
      each.state,
      each.base,
      time(each.fromMicros),
      time(each.toMicros),
      each.history,
      each.behind,
    ]),
  );
}
