import { type FieldSource, layoutError } from './layout.ts';

/** The text of a field in a row, empty when there is none. */
export type CellText = (cells: readonly string[]) => string;

/** What a layout's names refer to in one file. */
export interface FileNames {
  /** Index of each column by its name. */
  readonly columns: ReadonlyMap<string, number>;
  /** What the groups of the layout's file pattern matched in the file's name. */
  readonly groups: ReadonlyMap<string, string>;
  /** The file, for messages. */
  readonly where: string;
}

const PLACEHOLDER = /\{([^{}|]+)(\|upper)?\}/g;

/** Reads a field's text by its source in the layout. @throws TM_LAYOUT */
export function compileCellText(source: FieldSource, key: string, names: FileNames): CellText {
  const given = [source.column, source.value, source.template].filter((origin) => origin !== undefined);
  if (given.length !== 1) {
    throw layoutError(`${key} must have one of column, value and template`, names.where, 'give it exactly one of them');
  }
  const text = originText(source, key, names);
  if (source.map === undefined) return text;
  const map = new Map(Object.entries(source.map));
  // A text that the map lacks goes on as it is: whether it is a value of the field is decided there.
  return (cells) => {
    const found = text(cells);
    return map.get(found) ?? found;
  };
}

function originText({ column, value, template }: FieldSource, key: string, names: FileNames): CellText {
  if (column !== undefined) return columnText(column, key, names);
  if (value !== undefined) return () => value;
  return compileTemplate(template ?? '', key, names);
}

function columnText(name: string, key: string, names: FileNames): CellText {
  const index = names.columns.get(name);
  if (index === undefined) {
    throw layoutError(
      `${key} is taken from column '${name}', which the file does not have`,
      names.where,
      `its columns are ${[...names.columns.keys()].join(', ')}`,
    );
  }
  return (cells) => cells[index] ?? '';
}

/** Fills `{column}` and `{group}` in; empty as a whole when one of them is. @throws TM_LAYOUT for a name that is neither */
export function compileTemplate(template: string, key: string, names: FileNames): CellText {
  const parts: CellText[] = [];
  let end = 0;
  for (const match of template.matchAll(PLACEHOLDER)) {
    const [whole, name = '', upper] = match;
    const literal = template.slice(end, match.index);
    end = match.index + whole.length;
    if (literal !== '') parts.push(() => literal);
    const group = names.groups.get(name);
    const text = group === undefined ? columnText(name, key, names) : () => group;
    parts.push(upper === undefined ? text : (cells) => text(cells).toUpperCase());
  }
  const tail = template.slice(end);
  if (tail !== '') parts.push(() => tail);
  return (cells) => {
    let filled = '';
    for (const part of parts) {
      const text = part(cells);
      if (text === '') return '';
      filled += text;
    }
    return filled;
  };
}
