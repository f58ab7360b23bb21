/** A fenced block of a Markdown document. */
export interface FencedBlock {
  readonly language: string;
  /** What stands between the fences, the last line's end included. */
  readonly text: string;
  /** Line number of the opening fence, from 1. */
  readonly line: number;
}

export function fencedBlocks(markdown: string): readonly FencedBlock[] {
  return [...markdown.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language = '', text = ''], index, all) => ({
    language,
    text,
    line: markdown.slice(0, all[index]?.index).split('\n').length,
  }));
}

/** The text under a heading of the second level, without the heading. */
export function section(markdown: string, heading: string): string {
  const [, after] = markdown.split(`\n## ${heading}\n`);
  if (after === undefined) throw new Error(`there is no section '${heading}'`);
  return after.split('\n## ')[0]?.trim() ?? '';
}

/** What stands between backticks outside of fenced blocks. */
export function inlineCode(markdown: string): readonly string[] {
  const prose = markdown.replaceAll(/^```.*?^```$/gms, '');
  return [...prose.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code);
}
