/** Why a row cannot be used. The code is the dead letter's reason. */
export interface RowFault {
  readonly reason:
    | 'columns'
    | 'digits'
    | 'duplicate'
    | 'field'
    | 'frame'
    | 'gap'
    | 'missing'
    | 'negative'
    | 'number'
    | 'range'
    | 'symbol'
    | 'time'
    | 'value';
  readonly detail: string;
}

const SHOWN_CHARACTERS = 100;

/** A text of a row as a message quotes it. */
export function shown(text: string): string {
  return JSON.stringify(text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text);
}

export function notOneOf(name: string, text: string, allowed: readonly string[]): RowFault {
  return { reason: 'value', detail: `${name} is none of ${allowed.join(', ')}: ${shown(text)}` };
}
