import { MICROS_PER_MS } from '../../core/time.ts';
import { TidemarkError } from '../../errors.ts';
import type { Operator, Shape, Stream } from '../elements.ts';
import { transform } from '../transform.ts';
import type { Accumulation, Emission, WindowDefinition, WindowSet } from './definition.ts';
import { WindowEngine } from './windowEngine.ts';

export interface WindowBehaviour {
  /** How long after its completion a window still takes records, each of which fires it again. Default 0. */
  readonly allowedLatenessMs?: number;
  /** Whether a window that has fired keeps what it holds (the default), or is emptied. */
  readonly accumulation?: Accumulation;
  /**
   * When a window that is not complete emits what it holds, as a provisional result: `eachChange` after each of its records,
   * `{ everyMs }` whenever the watermark passes a multiple of it. Default `final`: never.
   */
  readonly emit?: Emission;
}

declare const WINDOWED: unique symbol;

/** A row that has been put into windows and waits to be aggregated. */
export type Windowed<Row> = Row & { readonly [WINDOWED]: true };

/**
 * Puts the records of a keyed stream into windows; `aggregate` follows. Several definitions are served in one pass. A
 * record is late for a definition when all its windows of that definition have expired (watermark ≥ end − 1 + allowed
 * lateness); it then goes to the late ledger with the windows that it missed.
 *
 * @example ticks.pipe(watermark(bounded(1_000)), keyBy('instrument'), window([tumbling('1m')]), aggregate({ n: count() }))
 * @throws TM_WINDOW for no definition, the same twice, or a negative lateness
 */
export function window<Row>(
  definitions: readonly WindowDefinition[],
  { allowedLatenessMs = 0, accumulation = 'accumulating', emit: emission = 'final' }: WindowBehaviour = {},
): Operator<Row, Windowed<Row>> {
  check(definitions, allowedLatenessMs);
  const set: WindowSet = { definitions, latenessMicros: allowedLatenessMs * MICROS_PER_MS, accumulation, emission };
  checkEmission(set);
  return (source: Stream<Row>): Stream<Windowed<Row>> =>
    transform(source, (emit) => {
      let engine: WindowEngine | null = null;
      return (element) => {
        if (element.kind === 'shape') {
          engine = new WindowEngine(set, element, emit);
          emit(windowed(element, set));
        } else if (element.kind === 'resume') {
          if (engine?.run()) element.pending = true;
          emit(element);
        } else {
          engine?.accept(element);
        }
      };
    });
}

function windowed(shape: Shape, windows: WindowSet): Shape {
  const { definitions, latenessMicros, accumulation, emission } = windows;
  const step = `window ${JSON.stringify(definitions)} lateness ${latenessMicros} ${accumulation} ${JSON.stringify(emission)}`;
  return { ...shape, windows, steps: [...shape.steps, step] };
}

function check(definitions: readonly WindowDefinition[], allowedLatenessMs: number): void {
  const intervals = definitions.map((definition) => definition.interval);
  if (intervals.length === 0 || new Set(intervals).size < intervals.length) {
    throw new TidemarkError('TM_WINDOW', `window(...) needs different definitions, got [${intervals.join(', ')}]`, {
      hint: "Write for example window([tumbling('1s'), tumbling('1m')]).",
    });
  }
  if (!Number.isSafeInteger(allowedLatenessMs) || allowedLatenessMs < 0) {
    throw new TidemarkError('TM_WINDOW', `allowedLatenessMs is ${allowedLatenessMs}`, {
      hint: 'Allowed lateness is a whole number of milliseconds, zero or more.',
    });
  }
}

function checkEmission({ emission }: WindowSet): void {
  if (typeof emission !== 'string' && (!Number.isSafeInteger(emission.everyMs) || emission.everyMs <= 0)) {
    throw new TidemarkError('TM_WINDOW', `emit: everyMs is ${emission.everyMs}`, {
      hint: 'Provisional results come every so many milliseconds of event time: a whole number above zero.',
    });
  }
}
