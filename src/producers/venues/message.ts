import { numbersQuoted } from '../jsonNumbers.ts';
import { numberFault } from '../numberFault.ts';
import { type RowFault, shown } from '../rowFault.ts';
import { countParser, isoParser, isSoundTime, type TimeParser } from '../timeText.ts';
import type { VenueEvent, VenueParser } from './venue.ts';

/** JSON whose numbers are their own texts, so that neither a long id nor a long decimal loses a digit. */
export type Json = string | boolean | null | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [name: string]: Json | undefined;
}

/** Thrown while a frame is read, and caught in this file: what is wrong with it. */
class Unusable extends Error {
  readonly fault: RowFault;

  constructor(reason: RowFault['reason'], detail: string) {
    super(detail);
    this.fault = { reason, detail };
  }
}

export function unusable(reason: RowFault['reason'], detail: string): Error {
  return new Unusable(reason, detail);
}

/** A frame that is none of the venue's messages: a lost trade may be in it, so it is not passed over. */
export function unknownMessage(what: Json | undefined): Error {
  return unusable('frame', `no message that is known: ${described(what)}`);
}

/** A value as a message has it: only of a text, what is in it, since lists may lie in lists without end. */
function described(value: Json | undefined): string {
  if (typeof value === 'string') return shown(value);
  if (typeof value === 'object' && value !== null) return isObject(value) ? 'an object' : 'a list';
  return String(value ?? 'nothing');
}

/** What `read` says of each frame that is JSON; what it throws becomes a fault. `plain` are the frames that are not JSON. */
export function frameParser(
  read: (message: Json, receivedMicros: number) => readonly VenueEvent[],
  plain: ReadonlyMap<string, readonly VenueEvent[]> = new Map(),
): VenueParser {
  return {
    parse: (frame, receivedMicros) => plain.get(frame) ?? guarded(() => read(parseMessage(frame), receivedMicros)),
  };
}

/** What `read` says of each record of a frame. A record that cannot be used does not take the others with it. */
export function eachRecord(
  records: Json | undefined,
  read: (record: JsonObject) => readonly VenueEvent[],
): readonly VenueEvent[] {
  return list(records).flatMap((record) => guarded(() => read(object(record))));
}

function guarded(read: () => readonly VenueEvent[]): readonly VenueEvent[] {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof Unusable)) throw error;
    return [{ kind: 'fault', ...error.fault }];
  }
}

/** Parses what `JSON.parse` does and nothing else, but leaves numbers as texts, in time that rises with the length. @throws Unusable */
export function parseMessage(frame: string): Json {
  try {
    JSON.parse(frame);
  } catch {
    // The parser's own message quotes the frame, which is kept beside the fault.
    throw unusable('frame', 'not JSON, or cut short');
  }
  return JSON.parse(numbersQuoted(frame)) as Json;
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** @throws Unusable */
export function object(value: Json | undefined): JsonObject {
  if (isObject(value)) return value;
  throw unusable('columns', `no object: ${described(value)}`);
}

/** @throws Unusable */
export function list(value: Json | undefined): readonly Json[] {
  if (Array.isArray(value)) return value as readonly Json[];
  throw unusable('columns', `no list: ${described(value)}`);
}

/** A text that is there. @throws Unusable */
export function text(record: JsonObject, name: string): string {
  const value = record[name];
  if (typeof value === 'string' && value !== '') return value;
  throw unusable('missing', `${name} is no text: ${described(value)}`);
}

/** A text, or null where there is none. */
export function textOrNull(value: Json | undefined): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

const SYMBOL = /^[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}$/;

/** @throws Unusable */
export function symbolOf(record: JsonObject, name: string): string {
  return checkedSymbol(text(record, name));
}

/** @throws Unusable */
export function checkedSymbol(symbol: string): string {
  if (SYMBOL.test(symbol)) return symbol;
  throw unusable('symbol', `not a symbol: ${shown(symbol)}`);
}

/** A trade id that is a whole number, as its text. @throws Unusable */
export function wholeId(record: JsonObject, name: string): string {
  const id = text(record, name);
  if (/^[0-9]{1,38}$/.test(id)) return id;
  throw unusable('number', `${name} is not a whole number: ${shown(id)}`);
}

/** A trade id of any form. @throws Unusable */
export function anyId(record: JsonObject, name: string): string {
  const id = text(record, name);
  if (/^[A-Za-z0-9-]{1,64}$/.test(id)) return id;
  throw unusable('value', `${name} is not an id: ${shown(id)}`);
}

/** An order, where it is one that a double holds. */
export function sequenceOf(id: Json | undefined): number | null {
  const sequence = typeof id === 'string' && /^[0-9]+$/.test(id) ? Number(id) : Number.NaN;
  return Number.isSafeInteger(sequence) ? sequence : null;
}

/** A price or size by the rules of ticks, as the venue wrote it. @throws Unusable */
export function decimal(record: JsonObject, name: string): string {
  return checkedDecimal(record[name], name);
}

/** @throws Unusable */
export function checkedDecimal(value: Json | undefined, name: string): string {
  const number = typeof value === 'string' ? value : '';
  if (number === '') throw unusable('missing', `${name} is no number: ${described(value)}`);
  const fault = numberFault(name, number, Number(number), true);
  if (fault === null) return number;
  throw unusable(fault.reason, fault.detail);
}

/** The size of the best quote, where the venue gives it. @throws Unusable */
export function decimalOrNull(record: JsonObject, name: string): string | null {
  return record[name] === undefined || record[name] === null ? null : decimal(record, name);
}

export const readSeconds = countParser('s');
export const readMillis = countParser('ms');
export const readMicros = countParser('us');
/** A venue's time without an offset is in UTC. */
export const readIso = isoParser((localMicros) => localMicros);

/** A time in epoch microseconds. @throws Unusable */
export function time(record: JsonObject, name: string, read: TimeParser): number {
  return checkedTime(record[name], name, read);
}

/** @throws Unusable */
export function checkedTime(value: Json | undefined, name: string, read: TimeParser): number {
  const micros = typeof value === 'string' ? read(value) : Number.NaN;
  if (isSoundTime(micros)) return micros;
  throw unusable('time', `${name} is not a time in 1900 to 2200: ${described(value)}`);
}

/** One of two words for the aggressor's side. @throws Unusable */
export function side(value: Json | undefined, buy: string, sell: string): 'buy' | 'sell' {
  if (value === buy) return 'buy';
  if (value === sell) return 'sell';
  throw unusable('value', `no side: ${described(value)}`);
}
