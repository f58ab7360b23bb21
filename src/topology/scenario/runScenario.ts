import { RowView } from '../../core/avro/rowView.ts';
import { MICROS_PER_MS } from '../../core/time.ts';
import { TidemarkError } from '../../errors.ts';
import type { Chunk } from '../elements.ts';
import { TopologyTestDriver } from '../testDriver.ts';
import { canonicalJson, isObject } from './canonicalJson.ts';
import { parseScenario } from './parseScenario.ts';
import type { Scenario, ScenarioEntry, ScenarioEvent, ScenarioWindow } from './scenario.ts';
import { EVENTS, RESULTS, rowOf, scenarioTopology } from './scenarioTopology.ts';
import { type ScenarioValue, scenarioValues } from './scenarioValue.ts';

/** What a scenario gave, as one line of JSON. */
export interface ScenarioOutcome {
  readonly line: string;
  /** False where the scenario could not be run: the line then has `error`. */
  readonly ok: boolean;
}

/**
 * Runs the text of a scenario through the engine, `chunkSize` events at a time: the outcome is the same for every size.
 * A scenario that is not valid gives an outcome with the error's code and message.
 */
export function runScenarioText(text: string, chunkSize: number): ScenarioOutcome {
  let id: string | null = null;
  try {
    const json = parseJson(text);
    id = isObject(json) && typeof json.id === 'string' ? json.id : null;
    return { line: new ScenarioRun(parseScenario(json), chunkSize).toJson(id), ok: true };
  } catch (error) {
    if (error instanceof TidemarkError) return scenarioFailure(id, error);
    throw error;
  }
}

export function scenarioFailure(id: string | null, { code, message }: TidemarkError): ScenarioOutcome {
  return { line: JSON.stringify({ id, error: { code, message } }), ok: false };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new TidemarkError('TM_SCENARIO', `the scenario is not JSON: ${(error as Error).message}`, { cause: error });
  }
}

interface ResultFields {
  readonly key: string;
  readonly start: number;
  readonly end: number;
  readonly revision: number;
  readonly deleted: boolean;
}

/** An emission with what it is ordered by. */
interface Emission {
  readonly after: number;
  readonly key: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly json: string;
}

class ScenarioRun {
  readonly #window: ScenarioWindow;
  readonly #values: readonly ScenarioValue[];
  readonly #driver: TopologyTestDriver;
  readonly #view: RowView<ResultFields & Readonly<Record<string, unknown>>>;
  /** The entry of each event, by its place among the events. */
  readonly #entries: number[] = [];
  /** The first event of each key, in the same count. */
  readonly #firstEvents = new Map<string, number>();
  readonly #emissions: Emission[] = [];
  readonly #watermarks: string[] = [];
  readonly #late: string[] = [];

  constructor(scenario: Scenario, chunkSize: number) {
    this.#window = scenario.window;
    this.#values = scenarioValues(scenario.aggregates);
    this.#driver = new TopologyTestDriver(
      scenarioTopology(scenario, this.#values, (chunk) => this.#addWatermarks(chunk)),
    );
    const [output] = this.#driver.outputs;
    this.#view = new RowView((output as TopologyTestDriver['outputs'][number]).schema);
    this.#feed(scenario.input, chunkSize);
    this.#readLate(scenario.input);
  }

  toJson(id: string | null): string {
    const results = this.#ordered().map(({ json }) => json);
    const lists = `"results":[${results}],"late":[${this.#late}],"watermarks":[${this.#watermarks}]`;
    return `{"id":${JSON.stringify(id)},${lists}}`;
  }

  /** Watermarks and the end cut the events' chunks. */
  #feed(input: readonly ScenarioEntry[], chunkSize: number): void {
    let events: ScenarioEvent[] = [];
    const feedEvents = (): void => {
      if (events.length > 0) {
        this.#driver.feed(
          EVENTS,
          events.map((event) => rowOf(event, this.#values)),
        );
        this.#read((arrival) => this.#entries[arrival] as number);
      }
      events = [];
    };
    input.forEach((entry, index) => {
      if (entry.kind === 'event') {
        const key = canonicalJson(entry.key);
        if (!this.#firstEvents.has(key)) this.#firstEvents.set(key, this.#entries.length);
        this.#entries.push(index);
        events.push(entry);
        if (events.length >= chunkSize) feedEvents();
        return;
      }
      feedEvents();
      if (entry.kind === 'endOfInput') this.#driver.end();
      else this.#driver.advanceWatermark((entry.timestampMs + 1) * MICROS_PER_MS - 1);
      this.#watermarks.push(entry.kind === 'endOfInput' ? '"end"' : watermarkJson(this.#driver.watermark));
      this.#read(() => index);
    });
    feedEvents();
  }

  /** Takes the results that have come out, each after the entry that `entryOf` gives for its arrival. */
  #read(entryOf: (arrival: number) => number): void {
    for (const { columns, arrivals } of this.#driver.readChunks(RESULTS)) {
      this.#view.bind(columns);
      for (let i = 0; i < columns.length; i++) {
        const row = this.#view.at(i);
        if (!row.deleted) this.#emissions.push(this.#emission(row, entryOf(arrivals[i] as number)));
      }
    }
  }

  #emission(row: ResultFields & Readonly<Record<string, unknown>>, after: number): Emission {
    const { key, revision } = row;
    const { startMs, endMs } = boundsMs(this.#window, row);
    const values = this.#values.map(({ name, column, toJson }) => `${JSON.stringify(name)}:${toJson(row[column])}`);
    const bounds = `"startMs":${startMs},"endMs":${endMs}`;
    const json = `{"after":${after},"key":${key},${bounds},"revision":${revision},"values":{${values}}}`;
    return { after, key, startMs, endMs, json };
  }

  /** Windows that complete at once, with the same bounds, come in the order in which their keys first appeared. */
  #ordered(): readonly Emission[] {
    const isTie = (a: Emission, b: Emission): boolean =>
      a.after === b.after && a.startMs === b.startMs && a.endMs === b.endMs;
    const ties: Emission[][] = [];
    for (const emission of this.#emissions) {
      const tie = ties.at(-1);
      if (tie?.[0] !== undefined && isTie(tie[0], emission)) tie.push(emission);
      else ties.push([emission]);
    }
    const first = ({ key }: Emission): number => this.#firstEvents.get(key) ?? 0;
    return ties.flatMap((tie) => tie.sort((a, b) => first(a) - first(b)));
  }

  #addWatermarks({ watermarks, watermarkAfter, columns }: Chunk): void {
    for (let i = 1; i <= columns.length; i++) this.#watermarks.push(watermarkJson(watermarks?.[i] ?? watermarkAfter));
  }

  #readLate(input: readonly ScenarioEntry[]): void {
    for (const { offset, key } of this.#driver.readLate(RESULTS)) {
      const index = this.#entries[offset] as number;
      const { timestampMs } = input[index] as ScenarioEvent;
      this.#late.push(`{"input":${index},"key":${key},"timestampMs":${timestampMs}}`);
    }
  }
}

/** A window that looks back ends with its record, of a microsecond there and of a millisecond here. */
function boundsMs(window: ScenarioWindow, { start, end }: ResultFields) {
  if (window.type !== 'sliding') return { startMs: start / MICROS_PER_MS, endMs: end / MICROS_PER_MS };
  const endMs = (end - 1) / MICROS_PER_MS + 1;
  return { startMs: endMs - window.sizeMs, endMs };
}

function watermarkJson(micros: number): string {
  return Number.isFinite(micros) ? String(Math.floor((micros + 1) / MICROS_PER_MS) - 1) : 'null';
}
