import type { Columns } from '../../core/columns.ts';
import type { RecordSchema } from '../../core/schema.ts';
import { timesOf } from '../../core/timeRange.ts';
import { TidemarkError } from '../../errors.ts';
import { chunkOver } from '../chunkRows.ts';
import type { Chunk, Shape } from '../elements.ts';
import { arrivalAmong } from './release.ts';

interface Made {
  readonly of: Chunk;
  /** The row that each was made of. */
  readonly rows: readonly number[];
  readonly columns: Columns;
}

/** The shape of rows that an operator makes. @throws TM_TOPOLOGY behind `keyBy`, or without the event time */
export function madeShape(operator: string, shape: Shape, schema: RecordSchema): Shape {
  const time = schema.fields.find(({ name }) => name === shape.timeField);
  if (time?.kind !== 'long' || time.nullable || shape.keyField !== null || shape.result !== null) {
    throw new TidemarkError('TM_TOPOLOGY', `${operator}(...) makes records, before they have a key`, {
      where: `schema ${schema.name}`,
      hint: `Put it before keyBy(...), and give its schema the event time '${shape.timeField}' as a long that is always there.`,
    });
  }
  const { sequenceField } = shape;
  const hasSequence = schema.fields.some(({ name, kind }) => name === sequenceField && kind === 'long');
  return {
    ...shape,
    schema,
    sequenceField: hasSequence ? sequenceField : null,
    steps: [...shape.steps, `${operator} ${schema.name}`],
  };
}

/**
 * The chunk of rows that were made of a chunk's rows, with the event times of their columns.
 * @throws TM_TOPOLOGY when an event time differs behind `watermark`
 */
export function madeChunk(operator: string, made: Made, timeField: string): Chunk {
  const chunk = chunkOver(made.of, Int32Array.from(made.rows), made.columns);
  return retimed(operator, { ...chunk, arrivals: toldApart(chunk.arrivals) }, timeField);
}

/** Rows that one row became have arrivals of their own: what comes after them breaks ties by arrival. */
function toldApart(arrivals: Float64Array): Float64Array {
  let nth = 0;
  return arrivals.map((arrival, i) => {
    nth = i > 0 && arrivals[i - 1] === arrival ? nth + 1 : 0;
    return arrivalAmong(arrival, nth);
  });
}

/** The chunk with the event times of its new columns. */
function retimed(operator: string, chunk: Chunk, timeField: string): Chunk {
  const timesMicros = timesOf(chunk.columns, timeField);
  const changed = chunk.watermarks === null ? -1 : timesMicros.findIndex((time, i) => time !== chunk.timesMicros[i]);
  if (changed === -1) return { ...chunk, timesMicros };
  throw new TidemarkError(
    'TM_TOPOLOGY',
    `${operator}(...) changes an event time that the watermark has counted already`,
    {
      where: `offset ${chunk.offsets[changed]}`,
      hint: `Put ${operator}(...) before watermark(...), or leave '${timeField}' as it is.`,
    },
  );
}
