import { expect, it } from 'vitest';
import { textTable } from '../../src/cli/table.ts';

it('aligns text to the left and numbers to the right, and shows null as a dash', () => {
  const rows = [
    ['ticks', 12, null],
    ['source_bars', 3, 40],
  ];
  expect(textTable(['topic', 'end', 'lag'], rows)).toBe(
    ['topic        end  lag', 'ticks         12    -', 'source_bars    3   40', ''].join('\n'),
  );
});

it('is a header alone without rows', () => {
  expect(textTable(['topic', 'end'], [])).toBe('topic  end\n');
});
