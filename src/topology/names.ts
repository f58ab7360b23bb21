import { TidemarkError } from '../errors.ts';

const NAME = /^[a-z][a-z0-9_]{0,99}$/;

/** Topics, tables and views of Tidemark's own. */
const RESERVED: ReadonlySet<string> = new Set([
  'daily_summary',
  'dead_letters',
  'deadletter',
  'late',
  'latest_prices',
  'migrations',
  'outputs',
  'published_bars',
  'published_series',
  'published_source_bars',
  'quotes',
  'served',
  'source_bars',
  'source_bars_history',
  'tick_counts',
  'ticks',
]);
/** Ends of names of tables that stand behind a view of Tidemark's own, and the mark of a generation. */
const RESERVED_PART = /_(raw|state|feed)$|__/;

/**
 * Names of topologies and outputs become names of topics, tables and views.
 *
 * @throws TM_TOPOLOGY for a name that is not of the form, or that Tidemark uses itself
 */
export function checkName(what: string, name: string): void {
  if (!NAME.test(name)) {
    throw new TidemarkError('TM_TOPOLOGY', `'${name}' is not a name for ${what}`, {
      hint: 'A name begins with a lower case letter; lower case letters, digits and underscores follow.',
    });
  }
  if (RESERVED.has(name) || RESERVED_PART.test(name)) {
    throw new TidemarkError('TM_TOPOLOGY', `the name '${name}' is Tidemark's own and cannot be the name of ${what}`, {
      hint: "Choose another: not one of Tidemark's topics and tables, without __, not ending in _raw, _state or _feed.",
    });
  }
}
