import type { FieldMerge, OutputSpec, OutputView } from '../../core/output.ts';
import { parseDurationMicros } from '../../core/time.ts';
import { TidemarkError } from '../../errors.ts';
import { columnName } from './insertTarget.ts';
import { quoteName, quoteText } from './sqlText.ts';

/** Fields of a result that say which window and emission it is, not what was aggregated. */
const EMISSION_FIELDS = new Set(['interval', 'start', 'end', 'revision', 'final', 'deleted']);
/** The name of a tumbling window without an offset is its size alone. */
const ALIGNED_TUMBLING = /^\d+(ms|s|m|h|d)$/;
/** Fraction digits of an exact quotient before it becomes the nearest double: 20 more than a double of 1 holds. */
const QUOTIENT_SCALE = 36;

export interface ViewDefinition {
  readonly name: string;
  readonly select: string;
}

/**
 * The views over the table of an output's served generation. All are plain views that read FINAL: a materialized view
 * would keep what a revision or a retraction took back.
 */
export function outputViews(spec: OutputSpec, table: string): readonly ViewDefinition[] {
  const columns = spec.schema.fields
    .filter(({ name }) => name !== 'deleted')
    .map((field) => quoteName(columnName(field, spec.keyField)));
  const all = `SELECT ${columns.join(', ')}\nFROM ${quoteName(table)} FINAL`;
  return [{ name: spec.name, select: all }, ...spec.views.map((view) => viewOf(view, spec, table, all))];
}

function viewOf(view: OutputView, spec: OutputSpec, table: string, all: string): ViewDefinition {
  switch (view.kind) {
    case 'latestByKey':
      return {
        name: `${spec.name}_latest`,
        select: `${all}\nORDER BY interval, symbol, start DESC, end DESC\nLIMIT 1 BY interval, symbol`,
      };
    case 'rollup':
      return { name: `${spec.name}_${view.interval}`, select: rollup(spec, table, view.interval) };
  }
}

/** Made of the widest windows that fit, because these miss the fewest late records. */
function rollup(spec: OutputSpec, table: string, interval: string): string {
  const sizeMicros = parseDurationMicros(interval);
  const source = spec.intervals
    .filter((candidate) => ALIGNED_TUMBLING.test(candidate) && sizeMicros % parseDurationMicros(candidate) === 0)
    .reduce<string | null>((widest, candidate) => wider(candidate, widest), null);
  if (source === null) {
    throw new TidemarkError('TM_ROLLUP', `no window of '${spec.name}' divides a roll-up to ${interval}`, {
      where: `topology ${spec.topology}`,
      hint: 'Add a tumbling window whose size divides it, such as 1h for 1d.',
    });
  }
  const micros = 'toUnixTimestamp64Micro(window.start)';
  const start = `fromUnixTimestamp64Micro(${micros} - positiveModulo(${micros}, ${sizeMicros}), 'UTC')`;
  const merged = spec.schema.fields.flatMap((field) => {
    const merge = EMISSION_FIELDS.has(field.name) ? undefined : spec.merges.get(field.name);
    return merge === undefined ? [] : [`${mergeOf(field.name, merge)} AS ${quoteName(field.name)}`];
  });
  return [
    `SELECT ${quoteText(interval)} AS interval, window.symbol AS symbol, ${start} AS start,`,
    `  addMicroseconds(start, ${sizeMicros}) AS end,`,
    `  ${merged.join(',\n  ')}`,
    `FROM ${quoteName(table)} AS window FINAL`,
    `WHERE window.interval = ${quoteText(source)}`,
    'GROUP BY symbol, start',
    'SETTINGS precise_float_parsing = 1',
  ].join('\n');
}

function wider(candidate: string, widest: string | null): string {
  return widest === null || parseDurationMicros(candidate) > parseDurationMicros(widest) ? candidate : widest;
}

function mergeOf(field: string, merge: FieldMerge): string {
  const value = windowColumn(field);
  switch (merge.how) {
    case 'sum':
    case 'min':
    case 'max':
      return `${merge.how}(${value})`;
    case 'earliest':
    case 'latest': {
      const time = windowColumn(merge.time);
      const order = `(assumeNotNull(${time}), ifNull(${windowColumn(merge.sequence)}, -1))`;
      return `${merge.how === 'earliest' ? 'argMinIf' : 'argMaxIf'}(${value}, ${order}, isNotNull(${time}))`;
    }
    case 'ratio': {
      const numerator = `sum(${windowColumn(merge.numerator)})`;
      const denominator = `nullIf(sum(${windowColumn(merge.denominator)}), 0)`;
      return `toFloat64(toString(divideDecimal(${numerator}, ${denominator}, ${QUOTIENT_SCALE})))`;
    }
  }
}

/** Qualified, or the name would mean the merged column, and an aggregate of an aggregate. */
function windowColumn(field: string): string {
  return `window.${quoteName(field)}`;
}
