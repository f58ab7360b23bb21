import { share } from 'rxjs';
import type { Stream } from '../elements.ts';
import { filter } from './filter.ts';

/** The streams of a branch, by name; `otherwise` has the rows that no predicate wanted. */
type Branches<Row, B extends string> = { readonly [K in B | 'otherwise']: Stream<Row> };

/**
 * Splits a stream: each row goes to the first branch whose predicate is true, else to `otherwise`. Watermarks and controls go
 * to all; what stands before it runs once. Rows of a branch that is not used are dropped.
 *
 * @example const { large, otherwise } = branch(ticks.pipe(watermark(bounded(1_000))), { large: (tick) => tick.size >= 10 });
 */
export function branch<Row, const B extends string>(
  source: Stream<Row>,
  predicates: { readonly [K in B]: (row: Row) => boolean },
): Branches<Row, B> {
  const shared = source.pipe(share());
  const entries = Object.entries<(row: Row) => boolean>(predicates);
  const branches = entries.map(([name, wants], at) => {
    const before = entries.slice(0, at);
    return [name, shared.pipe(filter<Row>((row) => wants(row) && !before.some(([, other]) => other(row))))] as const;
  });
  const otherwise = shared.pipe(filter<Row>((row) => !entries.some(([, wants]) => wants(row))));
  return Object.fromEntries([...branches, ['otherwise', otherwise]]) as Branches<Row, B>;
}
