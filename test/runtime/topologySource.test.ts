import { describe, expect, it } from 'vitest';
import { aggregate, bounded, count, keyBy, topology, tumbling, watermark, window } from '../../src/index.ts';
import { findTopology, paramsOf } from '../../src/runtime/topologySource.ts';

const withParams = topology({
  name: 'with_params',
  version: 1,
  inputs: { ticks: 'ticks' },
  params: { boundMs: 1_000, size: '1m', strict: false },
  build: ({ ticks }, { boundMs, size }) => ({
    with_params: ticks.pipe(
      watermark(bounded(boundMs)),
      keyBy('instrument'),
      window([tumbling(size)]),
      aggregate({ n: count() }),
    ),
  }),
});

describe('parameters', () => {
  it('are the defaults, unless set; a text becomes what the default is', () => {
    expect(paramsOf(withParams, {})).toEqual({ boundMs: 1_000, size: '1m', strict: false });
    expect(paramsOf(withParams, { boundMs: '5', size: '2m', strict: 'true' })).toEqual({
      boundMs: 5,
      size: '2m',
      strict: true,
    });
  });

  it.each([[{ nothing: '1' }], [{ boundMs: 'much' }], [{ boundMs: '' }], [{ strict: 'yes' }]])('refuse %j', (set) => {
    expect(() => paramsOf(withParams, set)).toThrow(expect.objectContaining({ code: 'TM_USAGE' }));
  });
});

describe('the packaged topology', () => {
  it('is the one without a file', async () => {
    expect((await findTopology(undefined)).name).toBe('bars');
  });

  it('a file that exports something else is refused', async () => {
    const file = new URL('../../vitest.config.ts', import.meta.url).pathname;
    await expect(findTopology(file)).rejects.toEqual(expect.objectContaining({ code: 'TM_TOPOLOGY_FILE' }));
  });
});
