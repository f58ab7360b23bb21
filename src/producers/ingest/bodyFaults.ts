import { TidemarkError } from '../../errors.ts';

/** The body is not what its content type says. */
export function bodyFault(why: string): TidemarkError {
  return new TidemarkError('TM_INGEST_BODY', `the body cannot be read: ${why}`, {
    where: 'body',
    hint: 'Send JSON, NDJSON or an Avro object container file, and the content type that goes with it.',
  });
}

export function tooManyRows(maxRows: number): TidemarkError {
  return new TidemarkError('TM_API_BOUNDS', `the body holds more than ${maxRows} rows`, {
    where: 'ingest.maxRows',
    hint: 'Send them in several requests, each with a key of its own.',
  });
}
