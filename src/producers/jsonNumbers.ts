/** What a text of JSON says, and the same with each number as the text that it was written as. */
export interface ParsedJson {
  readonly value: unknown;
  readonly texts: unknown;
}

/**
 * Where no number has an exponent, 16 digits from 9·10^15 on (2^53 is there), or more characters, each is the decimal that its
 * double means: its shortest form is what was written, but for zeros at the ends.
 */
const MAY_LOSE_DIGITS = /[0-9.]{17}|9[0-9]{15}|[0-9][eE]/;
/** In valid JSON, outside of strings, nothing else has digits. */
const NUMBER = /-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/g;
const BACKSLASH = 0x5c;

/** Parses what `JSON.parse` does and nothing else, so that no digit is lost. @throws SyntaxError */
export function parseJson(text: string): ParsedJson {
  const value: unknown = JSON.parse(text);
  return { value, texts: MAY_LOSE_DIGITS.test(text) ? JSON.parse(numbersQuoted(text)) : value };
}

/** Valid JSON with its numbers made strings, in time that rises with the length. */
export function numbersQuoted(json: string): string {
  const parts: string[] = [];
  let at = 0;
  for (let open = json.indexOf('"'); open >= 0; open = json.indexOf('"', at)) {
    const end = stringEnd(json, open);
    parts.push(json.slice(at, open).replace(NUMBER, '"$&"'), json.slice(open, end));
    at = end;
  }
  parts.push(json.slice(at).replace(NUMBER, '"$&"'));
  return parts.join('');
}

/** After the quote that closes the string that opens there: one that an even number of backslashes precedes. */
function stringEnd(json: string, open: number): number {
  for (let quote = json.indexOf('"', open + 1); ; quote = json.indexOf('"', quote + 1)) {
    let before = quote;
    while (json.charCodeAt(before - 1) === BACKSLASH) before--;
    if ((quote - before) % 2 === 0) return quote + 1;
  }
}
