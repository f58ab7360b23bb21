/** A fault that the tests must notice: `find` stands once in the file and is replaced. */
export interface Fault {
  readonly name: string;
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  /** Tests that cover the place: few, and fast. */
  readonly tests: readonly string[];
}

const GRID = ['test/topology/rules/grid.test.ts', 'test/topology/windows.test.ts'];
const SESSIONS = ['test/topology/rules/sessions.test.ts', 'test/topology/windowState.test.ts'];
const GLOBAL = ['test/topology/rules/global.test.ts'];
const LATENESS = ['test/topology/rules/lateness.test.ts', 'test/topology/windows.test.ts'];
const WATERMARKS = ['test/topology/watermarks.test.ts', 'test/topology/rules/lateness.test.ts'];
const AGGREGATES = ['test/topology/aggregates.test.ts', 'test/topology/aggregates/values.test.ts'];
const SLOTS = ['test/topology/aggregates/slots.test.ts'];
const SLIDES = ['test/topology/aggregates/slides.test.ts'];
const ORACLE = ['test/property/windows.test.ts'];
const EMISSION = ['test/property/emission.test.ts'];
/** Against an oracle, at several sizes of chunks, with restarts. */
const SCENARIOS = ['test/property/scenario.test.ts'];

const ALPHAVANTAGE = ['test/producers/alphavantage/recorded.test.ts', 'test/producers/alphavantage/refusals.test.ts'];
const YAHOO = ['test/producers/yahoo/recorded.test.ts'];
const MARKET = ['client', 'marketSource', 'requestBudget'].map((name) => `test/producers/market/${name}.test.ts`);

const WINDOWS = 'src/topology/windows';

export const FAULTS: readonly Fault[] = [
  {
    name: 'windows close one instant early',
    file: 'src/topology/watermarks/bounded.ts',
    find: 'outOfOrdernessMs * MICROS_PER_MS + 1',
    replace: 'outOfOrdernessMs * MICROS_PER_MS',
    tests: [...WATERMARKS, ...GRID],
  },
  {
    name: 'windows close one instant late',
    file: 'src/topology/watermarks/bounded.ts',
    find: 'outOfOrdernessMs * MICROS_PER_MS + 1',
    replace: 'outOfOrdernessMs * MICROS_PER_MS + 2',
    tests: [...WATERMARKS, ...GRID],
  },
  {
    name: 'starts of windows are truncated, not floored',
    file: `${WINDOWS}/grid.ts`,
    find: 'Math.floor((tsMicros',
    replace: 'Math.trunc((tsMicros',
    tests: GRID,
  },
  {
    name: 'sessions a gap apart do not merge',
    file: `${WINDOWS}/sessionWindows.ts`,
    find: '(ends[slot] as number) >= tsMicros',
    replace: '(ends[slot] as number) > tsMicros',
    tests: SESSIONS,
  },
  {
    name: 'lateness is judged before sessions are merged',
    file: `${WINDOWS}/sessionWindows.ts`,
    find: 'if (this.#watermark >= end - 1 + this.#latenessMicros) {',
    replace: 'if (this.#watermark >= tsMicros + this.#gapMicros - 1 + this.#latenessMicros) {',
    tests: SESSIONS,
  },
  {
    name: 'a session that grows is not taken back',
    file: `${WINDOWS}/sessionWindows.ts`,
    find: 'if (this.#emitted[slot] === 1 && !this.#isDiscarding)',
    replace: 'if (this.#emitted[slot] === 2)',
    tests: SESSIONS,
  },
  {
    name: 'a session is taken back before windows that are complete are closed',
    file: `${WINDOWS}/sessionWindows.ts`,
    find: ' || this.#emitted[slot] === 1,',
    replace: ',',
    tests: EMISSION,
  },
  {
    name: 'windows show changes before those that are complete are closed',
    file: `${WINDOWS}/gridWindows.ts`,
    find: 'if (this.#onEachChange && watermark >= this.#nextClosing) return at;',
    replace: '',
    tests: EMISSION,
  },
  {
    name: 'windows that are flushed at one moment come in the order of key ids',
    file: `${WINDOWS}/slotStore.ts`,
    find: '(firstArrivals[a] as number) - (firstArrivals[b] as number) || Buffer.compare(this.keyOf(a), this.keyOf(b)),',
    replace: '(this.keyIds[a] as number) - (this.keyIds[b] as number),',
    tests: EMISSION,
  },
  {
    name: 'a merged session takes the lowest revision',
    file: `${WINDOWS}/sessionWindows.ts`,
    find: 'Math.max(...sessions.map((slot) => revisions[slot] as number))',
    replace: 'Math.min(...sessions.map((slot) => revisions[slot] as number))',
    tests: SESSIONS,
  },
  {
    name: 'merged sessions lose what they held',
    file: `${WINDOWS}/sessionWindows.ts`,
    find: 'firings.merge(slot, into);',
    replace: '',
    tests: SESSIONS,
  },
  {
    name: 'a record is late once any of its windows has expired',
    file: `${WINDOWS}/gridWindows.ts`,
    find: 'else if ((run.watermarks[at] as number) >= lastEnd - 1 + this.#latenessMicros)',
    replace:
      'else if ((run.watermarks[at] as number) >= lastEnd - grid.sizeMicros + grid.slideMicros - 1 + this.#latenessMicros)',
    tests: LATENESS,
  },
  {
    name: 'a record between two windows is late',
    file: `${WINDOWS}/gridWindows.ts`,
    find: 'if (tsMicros >= lastEnd) run.late.addUnassigned(at);',
    replace: 'if (tsMicros >= lastEnd) run.late.add(at, definition);',
    tests: [...LATENESS, ...GRID],
  },
  {
    name: 'a late record does not fire its window again',
    file: `${WINDOWS}/gridWindows.ts`,
    find: 'this.#refires.push({ definition, start: this.#slots.starts[slot] as number, emitted: FINAL, fire });',
    replace: '',
    tests: LATENESS,
  },
  {
    name: 'discarding windows keep what they have fired',
    file: `${WINDOWS}/gridWindows.ts`,
    find: 'if (this.#isDiscarding) firings.empty(slot);',
    replace: '',
    tests: [...LATENESS, ...GRID, ...SCENARIOS],
  },
  {
    name: 'a slice is not merged into the wider ones',
    file: `${WINDOWS}/gridWindows.ts`,
    find: 'firings.merge(slot, into);',
    replace: '',
    tests: [...GRID, ...ORACLE],
  },
  {
    name: 'a hopping window misses its last slice',
    file: `${WINDOWS}/hoppingWindows.ts`,
    find: 'while (at < end) {',
    replace: 'while (at < end - this.base.plan.sizeMicros) {',
    tests: GRID,
  },
  {
    name: 'a late record does not fire its hopping windows again',
    file: `${WINDOWS}/gridWindows.ts`,
    find: 'this.#refires.push({ definition: hopping.definition, start, emitted, fire });',
    replace: '',
    tests: [...LATENESS, ...GRID],
  },
  {
    name: 'the revision is not raised',
    file: `${WINDOWS}/firings.ts`,
    find: 'slots.revisions[slot] = revision + 1;',
    replace: 'slots.revisions[slot] = revision;',
    tests: LATENESS,
  },
  {
    name: 'a flush does not mark what it has fired',
    file: `${WINDOWS}/firings.ts`,
    find: 'slots.firedArrivals[slot] = slots.lastArrivals[slot] as number;',
    replace: '',
    tests: ['test/topology/windows.test.ts'],
  },
  {
    name: 'a snapshot forgets the revisions',
    file: `${WINDOWS}/slotStore.ts`,
    find: 'revisions: column(this.revisions)',
    replace: 'revisions: new Float64Array(slots.length)',
    tests: ['test/topology/windowState.test.ts'],
  },
  {
    name: 'the watermark moves per chunk',
    file: 'src/topology/watermarks/strategy.ts',
    find: 'path[i] = current;',
    replace: 'path[i] = before;',
    tests: WATERMARKS,
  },
  {
    name: 'the watermark goes back with its records',
    file: 'src/topology/watermarks/strategy.ts',
    find: 'if (asked > current && asked',
    replace: 'if (asked',
    tests: WATERMARKS,
  },
  {
    name: 'a watermark from outside sets event time back',
    file: 'src/topology/watermarks/watermark.ts',
    find: `current = Math.max(current, element.tsMicros);
            byRecords = Math.max(byRecords, element.tsMicros);`,
    replace: 'current = byRecords = element.tsMicros;',
    tests: [...WATERMARKS, ...SESSIONS],
  },
  {
    name: 'ties of event time go the other way',
    file: 'src/topology/aggregates/rowOrder.ts',
    find: 'return sequence < held ? -1 : 1;',
    replace: 'return sequence < held ? 1 : -1;',
    tests: AGGREGATES,
  },
  {
    name: 'records of one time and sequence go by the last arrival',
    file: 'src/topology/aggregates/rowOrder.ts',
    find: 'return arrival - (records[at + PLACE_ARRIVAL] as number);',
    replace: 'return (records[at + PLACE_ARRIVAL] as number) - arrival;',
    tests: [...AGGREGATES, ...SLOTS],
  },
  {
    name: 'a null is a value of min and max',
    file: 'src/topology/aggregates/extremeState.ts',
    find: 'nulls?.[row] !== 1 && ',
    replace: '',
    tests: AGGREGATES,
  },
  {
    name: 'a null counts in sums',
    file: 'src/core/scaledColumn.ts',
    find: 'if (nulls[i] === 1) scales[i] = ABSENT;',
    replace: '{}',
    tests: AGGREGATES,
  },
  {
    name: 'sums run on in doubles where these are no longer exact',
    file: 'src/core/decimalSums.ts',
    find: 'const isExact = product <= MOST && product >= -MOST && sum <= MOST && sum >= -MOST;',
    replace: 'const isExact = true;',
    tests: [...AGGREGATES, 'test/core/decimalSums.test.ts'],
  },
  {
    name: 'a look-back window loses its later half',
    file: 'src/topology/aggregates/slidingMerges.ts',
    find: 'if (after !== undefined) this.#merge(~after, ~merged);',
    replace: '',
    tests: SLIDES,
  },
  {
    name: 'a look-back window keeps in its sums what has left it',
    file: 'src/core/decimalSums.ts',
    find: 'const sign = kind === take ? 1 : -1;',
    replace: 'const sign = 1;',
    tests: SLIDES,
  },
  {
    name: 'a look-back window loses the highest of its older records',
    file: 'src/topology/aggregates/ohlcState.ts',
    find: 'high = Math.max(high, records[(slot - 1) * WIDTH + HIGH] as number);',
    replace: '',
    tests: SLIDES,
  },
  {
    name: 'a discarding look-back window forgets what has come since it was flushed',
    file: `${WINDOWS}/slidingWindows.ts`,
    find: 'if (this.#isDiscarding && !this.#onEachChange) this.#addSince(run, at);',
    replace: '',
    tests: ['test/topology/rules/emission.test.ts'],
  },
  {
    name: 'an as-of join forgets the rows after the last left one',
    file: 'src/topology/joins/asOfJoin.ts',
    find: 'while (next < theirs.slots.length) this.#putInForce(theirs, next++, superseded);',
    replace: '',
    tests: ['test/topology/joins/asOfJoin.test.ts'],
  },
  {
    name: 'what a global window is to emit takes records that came after',
    file: `${WINDOWS}/globalWindows.ts`,
    find: 'run.revisits = true;',
    replace: '',
    tests: GLOBAL,
  },
  {
    name: 'a count trigger fires one record late',
    file: `${WINDOWS}/globalWindows.ts`,
    find: 'count === this.#everyCount',
    replace: 'count > this.#everyCount',
    tests: GLOBAL,
  },
  {
    name: 'a time trigger fires one instant late',
    file: `${WINDOWS}/grid.ts`,
    find: '+ 1) * everyMicros - 1',
    replace: '+ 1) * everyMicros',
    tests: GLOBAL,
  },
  {
    name: 'a snapshot forgets the counts of global windows',
    file: `${WINDOWS}/globalWindows.ts`,
    find: 'this.#counts[keyId] = counts[i] as number;',
    replace: '',
    tests: GLOBAL,
  },
  {
    name: 'a snapshot forgets what a time trigger is to fire',
    file: `${WINDOWS}/globalWindows.ts`,
    find: 'for (const slot of changed) this.#changed.add(slot);',
    replace: '',
    tests: GLOBAL,
  },
  {
    name: 'the first watermark fires time triggers',
    file: `${WINDOWS}/globalWindows.ts`,
    find: 'this.#nextFiring === NO_WATERMARK ? END_OF_TIME : ',
    replace: '',
    tests: GLOBAL,
  },
  {
    name: 'labels of ends are taken for starts',
    file: 'src/producers/alphavantage/labels.ts',
    find: 'areEnds ? label - lengthMicros : label',
    replace: 'areEnds ? label : label',
    tests: ALPHAVANTAGE,
  },
  {
    name: 'adjusted days stay provisional for ever',
    file: 'src/producers/alphavantage/parse.ts',
    find: 'endMicros > response.receivedMicros',
    replace: 'endMicros > startMicros',
    tests: ALPHAVANTAGE,
  },
  {
    name: 'a rate limit of the second is taken for one of the day',
    file: 'src/producers/alphavantage/refusal.ts',
    find: "[/per second|burst pattern/i, 'TM_SOURCE_RATE'],",
    replace: '',
    tests: ALPHAVANTAGE,
  },
  {
    name: 'prices of Yahoo keep the noise of their floats',
    file: 'src/producers/yahoo/float32.ts',
    find: 'if (Math.fround(value) !== value)',
    replace: 'if (value !== 0)',
    tests: YAHOO,
  },
  {
    name: 'a live row is a bar of its own',
    file: 'src/producers/yahoo/chart.ts',
    find: 'row < times.length - 1 ? sentMicros',
    replace: 'row < times.length ? sentMicros',
    tests: YAHOO,
  },
  {
    name: 'the key stays in what comes back',
    file: 'src/producers/market/client.ts',
    find: 'body: redact(body)',
    replace: 'body',
    tests: MARKET,
  },
  {
    name: 'one request too many passes at the end of a window',
    file: 'src/producers/market/requestBudget.ts',
    find: 'oldest + windowMs)',
    replace: 'oldest + windowMs - 1)',
    tests: MARKET,
  },
  {
    name: 'a provisional bar revises a settled one',
    file: 'src/producers/market/barLedger.ts',
    find: 'if (bar.provisional && !known.provisional) return null;',
    replace: '',
    tests: MARKET,
  },
  {
    name: 'what was published is not read back',
    file: 'src/producers/market/barLedger.ts',
    find: 'if (bar.revision >= (this.#known(bar)?.revision ?? 0)) this.#keep(bar, bar.revision);',
    replace: '',
    tests: MARKET,
  },
  {
    name: 'the wall clock begins where it has moved the watermark before',
    file: 'src/topology/watermarks/watermark.ts',
    find: 'byRecords + element.quietMicros',
    replace: 'current + element.quietMicros',
    tests: WATERMARKS,
  },
  {
    name: 'the wall clock stands still for a join whose inputs are idle',
    file: 'src/topology/joins/combinedWatermark.ts',
    find: 'Math.max(left, right)',
    replace: 'NO_WATERMARK',
    tests: ['test/runtime/wallClock.test.ts'],
  },
  {
    name: 'the watermark of a union of which one input is quiet goes by the other alone',
    file: 'src/topology/joins/combinedWatermark.ts',
    find: 'Math.min(left, right)',
    replace: 'Math.max(left, right)',
    tests: ['test/topology/joins/union.test.ts'],
  },
];
