import type { OutputSpec } from '../core/output.ts';
import { formatIsoMicros } from '../core/time.ts';
import { planGeneration } from '../runtime/generationPlan.ts';
import type { ClickHouse } from '../sinks/clickhouse/connect.ts';
import { REVISION_BITS } from '../sinks/clickhouse/insertTarget.ts';
import { outputTable } from '../sinks/clickhouse/outputTables.ts';
import { quoteName, quoteText } from '../sinks/clickhouse/sqlText.ts';
import { nothing, type ReplayOptions, withClickHouse, withReplay } from './replayParts.ts';
import { type Settled, settle } from './settled.ts';
import { pendingReplay } from './start.ts';

/** Columns that say which row of a window it is and where it came from, not what it holds. */
const APART = ['interval', 'symbol', 'start', 'end', 'revision', 'final', 'version', 'logPartition', 'logOffset'];
/** Larger groupings go to disk. */
const SETTINGS = { max_bytes_before_external_group_by: '1000000000' };
/** What stands for a null: no value's text. */
const NULL = '\\N';

/** How windows of one interval compare. */
export interface IntervalDifference {
  readonly output: string;
  readonly interval: string;
  readonly same: number;
  /** With other values. */
  readonly changed: number;
  /** In the base only. */
  readonly missing: number;
  /** In the replay only. */
  readonly added: number;
  /** Not compared: revised while the comparison was made. */
  readonly moving: number;
}

/** A window that is not the same in both. */
export interface WindowDifference {
  readonly output: string;
  readonly interval: string;
  readonly symbol: string;
  readonly start: string;
  readonly end: string;
  readonly what: 'changed' | 'missing' | 'added';
  /** Of a changed window: each field that differs, in the base and in the replay. */
  readonly fields: readonly { readonly name: string; readonly before: string | null; readonly after: string | null }[];
}

export interface Difference {
  readonly generation: number;
  readonly base: number;
  /** Records that the replay has yet to read: what it has not come to counts as missing. */
  readonly behind: number;
  /** Fields of the results that only one of the two has: they are not compared. */
  readonly fieldsApart: readonly string[];
  readonly intervals: readonly IntervalDifference[];
  readonly windows: readonly WindowDifference[];
}

/**
 * Compares the final rows of a replay with those of the generation that it replays, in ClickHouse: key, start, end, values
 * and `deleted` of each window's last emission.
 *
 * @param maxWindows how many differing windows to list
 * @throws TM_REPLAY_NOTHING when there is no replay
 */
export async function diffReplay(options: ReplayOptions, maxWindows: number): Promise<Difference> {
  return withReplay(options, async (parts) => {
    const { watch, definition, set } = parts;
    const replay = pendingReplay(watch.known) ?? watch.get(watch.known.live);
    const { number: generation, base } = replay;
    if (base === null) throw nothing(parts, 'no replay was begun');
    const { outputs } = planGeneration(definition, set, watch, generation);
    const { outputs: baseOutputs } = planGeneration(definition, set, watch, base);
    const settled = await settle(parts, { generation, base, outputs, baseOutputs }, options);
    return withClickHouse(options.config, async (clickhouse) => {
      const intervals: IntervalDifference[] = [];
      const windows: WindowDifference[] = [];
      const fieldsApart = new Set<string>();
      for (const output of outputs) {
        const comparison = await comparisonOf(clickhouse, output, { generation, base }, settled);
        intervals.push(...(await summary(clickhouse, output.name, comparison)));
        windows.push(...(await differing(clickhouse, output.name, comparison, maxWindows - windows.length)));
        for (const field of comparison.fieldsApart) fieldsApart.add(field);
      }
      return { generation, base, behind: settled.behind, fieldsApart: [...fieldsApart], intervals, windows };
    });
  });
}

interface Comparison {
  /** A query with a row for each window: its place, `what`, and the values on both sides. */
  readonly sql: string;
  readonly fields: readonly string[];
  readonly fieldsApart: readonly string[];
}

async function comparisonOf(
  clickhouse: ClickHouse,
  { name }: OutputSpec,
  { generation, base }: { readonly generation: number; readonly base: number },
  { baseEnds, ends }: Settled,
): Promise<Comparison> {
  const [baseTable, table] = [outputTable(name, base), outputTable(name, generation)];
  const [baseFields, newFields] = [await fieldsOf(clickhouse, baseTable), await fieldsOf(clickhouse, table)];
  const fields = newFields.filter((field) => baseFields.includes(field));
  const fieldsApart = [...newFields, ...baseFields].filter((field) => !fields.includes(field));
  const values = fields.map((field) => `ifNull(toString(${quoteName(field)}), ${quoteText(NULL)})`).join(', ');
  const isMoving = [movingWhere(base, baseEnds.get(name) ?? []), movingWhere(generation, ends.get(name) ?? [])].join(
    ' OR ',
  );
  const side = (number: 0 | 1, from: string): string =>
    `SELECT ${number} AS side, interval, symbol, start, end, version, [${values}] AS fields, ${isMoving} AS isMoving ` +
    `FROM ${quoteName(from)} WHERE final`;
  const sql = [
    'SELECT interval, symbol, toString(toUnixTimestamp64Micro(start)) AS startMicros,',
    'toString(toUnixTimestamp64Micro(end)) AS endMicros,',
    "multiIf(moving, 'moving', empty(before), 'added', empty(after), 'missing', before = after, 'same', 'changed') AS what,",
    'before, after FROM (',
    'SELECT interval, symbol, start, end, argMaxIf(fields, version, side = 0) AS before,',
    'argMaxIf(fields, version, side = 1) AS after,',
    'argMaxIf(isMoving, version, side = 0) OR argMaxIf(isMoving, version, side = 1) AS moving FROM (',
    `${side(0, baseTable)} UNION ALL ${side(1, table)}`,
    ') GROUP BY interval, symbol, start, end)',
  ].join('\n');
  return { sql, fields, fieldsApart };
}

/** Rows that a generation wrote after the comparison began. */
function movingWhere(generation: number, ends: readonly number[]): string {
  const limits = `arrayElement([${ends.join(', ')}]::Array(Int64), logPartition + 1)`;
  return `(bitShiftRight(version, ${REVISION_BITS}) = ${generation} AND logOffset >= ${limits})`;
}

async function fieldsOf(clickhouse: ClickHouse, table: string): Promise<readonly string[]> {
  const rows = await clickhouse.rows<{ name: string }>(
    `SELECT name FROM system.columns WHERE database = currentDatabase() AND table = ${quoteText(table)} ORDER BY position`,
  );
  return rows.map(({ name }) => name).filter((name) => !APART.includes(name));
}

async function summary(clickhouse: ClickHouse, output: string, { sql }: Comparison): Promise<IntervalDifference[]> {
  const rows = await clickhouse.rows<Omit<IntervalDifference, 'output'>>(
    "SELECT interval, toUInt32(countIf(what = 'same')) AS same, toUInt32(countIf(what = 'changed')) AS changed, " +
      "toUInt32(countIf(what = 'missing')) AS missing, toUInt32(countIf(what = 'added')) AS added, " +
      `toUInt32(countIf(what = 'moving')) AS moving FROM (${sql}) GROUP BY interval ORDER BY interval`,
    { settings: SETTINGS },
  );
  return rows.map((row) => ({ output, ...row }));
}

async function differing(
  clickhouse: ClickHouse,
  output: string,
  { sql, fields }: Comparison,
  maxWindows: number,
): Promise<WindowDifference[]> {
  const rows = await clickhouse.rows<DifferingRow>(
    `SELECT * FROM (${sql}) WHERE what IN ('changed', 'missing', 'added') ` +
      'ORDER BY interval, symbol, toInt64(startMicros), toInt64(endMicros) LIMIT {maxWindows:UInt64}',
    { settings: SETTINGS, parameters: { maxWindows } },
  );
  return rows.map(({ interval, symbol, startMicros, endMicros, what, before, after }) => ({
    output,
    interval,
    symbol,
    start: formatIsoMicros(Number(startMicros)),
    end: formatIsoMicros(Number(endMicros)),
    what,
    fields: what === 'changed' ? changedFields(fields, before, after) : [],
  }));
}

interface DifferingRow {
  readonly interval: string;
  readonly symbol: string;
  readonly startMicros: string;
  readonly endMicros: string;
  readonly what: WindowDifference['what'];
  readonly before: readonly string[];
  readonly after: readonly string[];
}

function changedFields(
  names: readonly string[],
  before: readonly string[],
  after: readonly string[],
): WindowDifference['fields'] {
  const text = (value: string | undefined): string | null => (value === undefined || value === NULL ? null : value);
  return names.flatMap((name, i) =>
    before[i] === after[i] ? [] : [{ name, before: text(before[i]), after: text(after[i]) }],
  );
}
