import { MICROS_PER_MS } from '../../core/time.ts';
import { aggregate } from '../aggregates/aggregate.ts';
import type { Aggregate } from '../aggregates/spec.ts';
import type { Chunk, Operator, Stream } from '../elements.ts';
import { keyBy } from '../operators/keyBy.ts';
import { type Topology, topology } from '../topology.ts';
import { transform } from '../transform.ts';
import { bounded } from '../watermarks/bounded.ts';
import { external } from '../watermarks/external.ts';
import { watermark } from '../watermarks/watermark.ts';
import type { WindowDefinition } from '../windows/definition.ts';
import { window } from '../windows/window.ts';
import { canonicalJson } from './canonicalJson.ts';
import type { Scenario, ScenarioEvent, ScenarioWindow } from './scenario.ts';
import type { ScenarioValue } from './scenarioValue.ts';

/** The topology's only input, and its only output. */
export const EVENTS = 'events';
export const RESULTS = 'results';

/** A record of the input: the key as JSON, so that null is a key of its own, and a field for each aggregate. */
interface EventRow {
  readonly key: string;
  readonly at: number;
}

/** The row of an event, as the topology's input takes it. */
export function rowOf(event: ScenarioEvent, values: readonly ScenarioValue[]): EventRow {
  const fields = values.map(({ column, encode }) => [column, encode(event)] as const);
  return { key: canonicalJson(event.key), at: event.timestampMs * MICROS_PER_MS, ...Object.fromEntries(fields) };
}

/**
 * The topology that a scenario describes. `onChunk` is shown the events with their watermarks.
 */
export function scenarioTopology(
  scenario: Scenario,
  values: readonly ScenarioValue[],
  onChunk: (chunk: Chunk) => void,
): Topology {
  const { watermarks, outOfOrdernessMs, allowedLatenessMs, accumulation } = scenario;
  const strategy = watermarks === 'explicit' ? external() : bounded(outOfOrdernessMs);
  const schema: unknown = {
    type: 'record',
    name: 'Event',
    fields: [
      { name: 'key', type: 'string' },
      { name: 'at', type: { type: 'long', logicalType: 'timestamp-micros' } },
      ...values.map(({ column, type }) => ({ name: column, type: ['null', type] })),
    ],
  };
  // The functions take the columns that were made for them: types cannot follow names that a file gives.
  const aggregates = Object.fromEntries(values.map((value) => [value.column, value.aggregate])) as Readonly<
    Record<string, Aggregate<unknown, unknown>>
  >;
  return topology({
    name: 'scenario',
    version: 1,
    inputs: { [EVENTS]: { topic: EVENTS, schema, time: 'at' } },
    build: ({ [EVENTS]: events }) => ({
      [RESULTS]: (events as unknown as Stream<EventRow>).pipe(
        watermark(strategy),
        shown(onChunk),
        keyBy('key'),
        window([definitionOf(scenario.window)], { allowedLatenessMs, accumulation }),
        aggregate(aggregates),
      ),
    }),
  });
}

function shown(onChunk: (chunk: Chunk) => void): Operator<EventRow, EventRow> {
  return (source) =>
    transform(source, (emit) => (element) => {
      if (element.kind === 'chunk') onChunk(element);
      emit(element);
    });
}

function definitionOf(given: ScenarioWindow): WindowDefinition {
  const interval = given.type;
  switch (given.type) {
    case 'session':
      return { kind: 'session', interval, gapMicros: given.gapMs * MICROS_PER_MS };
    case 'sliding':
      return { kind: 'sliding', interval, sizeMicros: given.sizeMs * MICROS_PER_MS };
    default: {
      const sizeMicros = given.sizeMs * MICROS_PER_MS;
      const slideMicros = given.type === 'hopping' ? given.slideMs * MICROS_PER_MS : sizeMicros;
      return { kind: given.type, interval, sizeMicros, slideMicros, offsetMicros: given.offsetMs * MICROS_PER_MS };
    }
  }
}
