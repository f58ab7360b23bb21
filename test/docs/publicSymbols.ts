import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const SOURCES = join(import.meta.dirname, '../../src');

/** A name that `src/index.ts` exports, with the example of its docstring. */
export interface PublicSymbol {
  readonly name: string;
  /** It is there for the compiler only. */
  readonly isType: boolean;
  /** Null where it has none. */
  readonly example: string | null;
}

export function publicSymbols(): readonly PublicSymbol[] {
  const index = readFileSync(join(SOURCES, 'index.ts'), 'utf8');
  return [...index.matchAll(/^export (type )?\{([^}]*)\} from '([^']+)';$/gm)].flatMap(
    ([, type, names = '', file = '']) => {
      const source = readFileSync(join(SOURCES, file), 'utf8');
      return names.split(',').map((written) => {
        const name = written.replace('type ', '').trim();
        const isType = type !== undefined || written.includes('type ');
        return { name, isType, example: exampleOf(source, name) };
      });
    },
  );
}

function exampleOf(source: string, name: string): string | null {
  const declaration = new RegExp(
    `/\\*\\*((?:(?!\\*/)[^])*)\\*/\\s*export (?:abstract class|class|const|function|interface|type) ${name}\\b`,
  );
  const [, docstring] = declaration.exec(source) ?? [];
  const text = docstring?.replaceAll(/^ *\* ?/gm, '') ?? '';
  const example = text.split(/^@/m).find((part) => part.startsWith('example'));
  return example?.slice('example'.length).trim() ?? null;
}
