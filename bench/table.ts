/** Cells in columns; the first `words` of them are texts, the others numbers. */
export function line(cells: readonly string[], words: number): string {
  return cells
    .map((cell, index) => (index < words ? cell.padEnd(32) : cell.padStart(15)))
    .join('')
    .trimEnd();
}

export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}
