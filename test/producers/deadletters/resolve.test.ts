import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TidemarkError } from '../../../src/errors.ts';
import { lettersAt } from '../../../src/producers/deadletters/letters.ts';
import { type LetterChoice, resolveLetters } from '../../../src/producers/deadletters/resolve.ts';
import { parseJson } from '../../../src/producers/jsonNumbers.ts';
import { type Bench, NOW_MS, openBench } from '../support.ts';
import { append, framedTick, GOOD_ROW, LETTER, listed, resolveOptions, writeLetters } from './support.ts';

const FIRST: LetterChoice = { places: [{ partition: 0, offset: 0 }] };
const ALL_OPEN: LetterChoice = { filter: { state: 'open' } };

describe('dead letters', () => {
  let bench: Bench;

  beforeEach(async () => {
    bench = await openBench();
  });

  afterEach(() => bench.close());

  const write = (...letters: readonly Partial<typeof LETTER>[]) =>
    writeLetters(
      bench.log,
      bench.registry,
      letters.map((letter) => ({ ...LETTER, ...letter })),
    );
  const release = (choice: LetterChoice, corrected?: unknown) => {
    const row = corrected === undefined ? undefined : parseJson(JSON.stringify(corrected));
    return resolveLetters(choice, 'released', resolveOptions(bench), row);
  };
  const drop = (choice: LetterChoice) => resolveLetters(choice, 'dropped', resolveOptions(bench));
  const states = async () => (await listed(bench, { state: 'all' })).map(({ state }) => state);

  describe('are listed', () => {
    it('by place, one of each row, with what became of it', async () => {
      await write({ position: 1 }, { position: 2 }, { position: 1, reason: 'schema' }, { position: 3 });
      await drop({ places: [{ partition: 0, offset: 1 }] });
      expect(await listed(bench)).toMatchObject([
        { partition: 0, offset: 0, position: 1, reason: 'number', state: 'open', rejectedMs: NOW_MS },
        { partition: 0, offset: 3, position: 3 },
      ]);
      expect((await listed(bench, { state: 'dropped' })).map(({ position }) => position)).toEqual([2]);
      expect(await states()).toEqual(['open', 'dropped', 'open']);
    });

    it('each, though another file of the same name had a bad row in the same line', async () => {
      await write({ payload: Buffer.from('A,x') }, { payload: Buffer.from('B,y') });
      expect(await listed(bench)).toHaveLength(2);
      await drop(FIRST);
      expect(await listed(bench)).toMatchObject([{ offset: 1 }]);
      expect(await release({ places: [{ partition: 0, offset: 1 }] }, GOOD_ROW)).toMatchObject({ done: 1, already: 0 });
      expect(await states()).toEqual(['dropped', 'released']);
    });

    it('by topic, reason, source and time', async () => {
      await write({ position: 1 }, { position: 2, topic: 'quotes' }, { position: 3, reason: 'time' });
      await write({ position: 4, source: 'other.csv' });
      const positions = async (filter: Parameters<typeof listed>[1]) =>
        (await listed(bench, filter)).map(({ position }) => position);
      expect(await positions({ topic: 'quotes' })).toEqual([2]);
      expect(await positions({ reason: 'time' })).toEqual([3]);
      expect(await positions({ source: 'other.csv' })).toEqual([4]);
      expect(await positions({ fromMs: NOW_MS, toMs: NOW_MS + 1 })).toEqual([1, 2, 3, 4]);
      expect(await positions({ fromMs: NOW_MS + 1 })).toEqual([]);
      expect(await positions({ toMs: NOW_MS })).toEqual([]);
    });

    it('up to a bound on what is kept in memory', async () => {
      await write({ position: 1 }, { position: 2 }, { position: 3 });
      await expect(listed(bench, {}, 2)).rejects.toMatchObject({ code: 'TM_STATE_FULL' });
      expect(await listed(bench, {}, 3)).toHaveLength(3);
    });

    it('as none where there is no such topic', async () => {
      expect(await listed(bench)).toEqual([]);
    });

    it.each([
      [0, 9],
      [0, 1],
      [9, 0],
    ])('with a code for a place that has none: %i/%i', async (partition, offset) => {
      await write({});
      const store = { ...bench, maxLetters: 9 };
      await expect(lettersAt(store, [{ partition, offset }])).rejects.toMatchObject({ code: 'TM_DEAD_LETTER_UNKNOWN' });
    });
  });

  describe('are released', () => {
    it('with a corrected row, once', async () => {
      await write({});
      expect(await release(FIRST, GOOD_ROW)).toMatchObject({ done: 1, already: 0, refused: 0 });
      expect(await release(FIRST, GOOD_ROW)).toMatchObject({ done: 0, already: 1 });
      expect(await bench.records('ticks')).toMatchObject([{ ...GOOD_ROW, key: 'x:A' }]);
      expect(await states()).toEqual(['released']);
    });

    it('once, where several letters are of one row', async () => {
      await write({ position: 1 }, { position: 1, reason: 'schema' });
      const both: LetterChoice = { places: [0, 1].map((offset) => ({ partition: 0, offset })) };
      expect(await release(both, GOOD_ROW)).toMatchObject({ done: 1, already: 1 });
      expect(await bench.records('ticks')).toHaveLength(1);
    });

    it('as the bytes that came, with their key, in their partition', async () => {
      await write({});
      const id = await bench.registry.latestId('ticks-value');
      const value = framedTick(id, { instrument: 'x:B' });
      const position = await append(bench.log, 'ticks', 3, 'a key of its own', [value]);
      await write({ source: 'ticks/3', position, reason: 'ahead', payload: value });
      expect(await release({ filter: { reason: 'ahead', state: 'open' } })).toMatchObject({ done: 1 });
      const one = { instrument: 'x:B', partition: 3, key: 'a key of its own' };
      expect(await bench.records('ticks')).toMatchObject([one, one]);
    });

    it('whole, although the letter holds the beginning only', async () => {
      await write({});
      const id = await bench.registry.latestId('ticks-value');
      const instrument = 'x'.repeat(100_000);
      const value = framedTick(id, { instrument });
      const position = await append(bench.log, 'ticks', 1, 'k', [value]);
      await write({ source: 'ticks/1', position, reason: 'ahead', payload: value.subarray(0, 65_536) });
      expect(await release({ filter: { reason: 'ahead', state: 'open' } })).toMatchObject({ done: 1 });
      expect((await bench.records('ticks')).map((record) => record.instrument === instrument)).toEqual([true, true]);
    });

    it('from the letter, where the log has the record no longer', async () => {
      await write({});
      const id = await bench.registry.latestId('ticks-value');
      const value = framedTick(id);
      const position = await append(bench.log, 'ticks', 2, 'k', [value]);
      await bench.log.deleteRecords({ topic: 'ticks', partition: 2 }, position + 1);
      await write({ source: 'ticks/2', position, reason: 'ahead', payload: value });
      await write({ source: 'ticks/2', position: 99, reason: 'cut', payload: Buffer.alloc(65_536) });
      expect(await release({ filter: { reason: 'ahead', state: 'open' } })).toMatchObject({ done: 1 });
      expect(await bench.records('ticks')).toMatchObject([{ ...GOOD_ROW, partition: 2, key: 'x:A' }]);
      const { firstRefusal } = await release({ filter: { reason: 'cut', state: 'open' } });
      expect(firstRefusal?.message).toContain('cut at 64 KiB');
    });

    it('once the schema is known that they were written with', async () => {
      await write({});
      const known = await bench.registry.latestId('ticks-value');
      // The next ids are those of the letters, of the marks, and of what is to come.
      const value = framedTick(known + 3);
      const position = await append(bench.log, 'ticks', 0, 'x:A', [value]);
      await write({ source: 'ticks/0', position, reason: 'schema', payload: value });
      const choice: LetterChoice = { filter: { reason: 'schema', state: 'open' } };
      expect(await release(choice)).toMatchObject({ done: 0, refused: 1 });
      await bench.registry.register(
        'elsewhere-value',
        (await bench.registry.schemaById(known)).replace('conditions', 'flags'),
      );
      expect(await release(choice)).toMatchObject({ done: 1, refused: 0 });
    });

    it('in many transactions, and those that cannot be stay open', async () => {
      await write({});
      const id = await bench.registry.latestId('ticks-value');
      const rows = Array.from({ length: 25 }, (_, i) => framedTick(id, { instrument: `x:${i}` }));
      await write(...rows.map((payload, i) => ({ source: 'api', position: i, payload })));
      const outcome = await release(ALL_OPEN);
      expect(outcome).toMatchObject({ done: 25, already: 0, refused: 1 });
      expect(outcome.firstRefusal).toMatchObject({ code: 'TM_DEAD_LETTER_UNUSABLE', where: 'file.csv, 1' });
      expect((await bench.records('ticks')).map(({ key }) => key).sort()).toEqual(rows.map((_, i) => `x:${i}`).sort());
      expect(await listed(bench)).toMatchObject([{ source: 'file.csv' }]);
    });

    it('after they were dropped', async () => {
      await write({});
      expect(await drop(ALL_OPEN)).toMatchObject({ done: 1 });
      expect(await drop(FIRST)).toMatchObject({ done: 0, already: 1 });
      expect(await release(FIRST, GOOD_ROW)).toMatchObject({ done: 1 });
      expect(await drop(FIRST)).toMatchObject({ done: 0, already: 1 });
      expect(await states()).toEqual(['released']);
    });
  });

  describe('are refused', () => {
    const refusalOf = async (corrected?: unknown) => {
      const { firstRefusal, done } = await release(FIRST, corrected);
      expect(firstRefusal).toBeInstanceOf(TidemarkError);
      expect([firstRefusal?.code, done]).toEqual(['TM_DEAD_LETTER_UNUSABLE', 0]);
      expect(await states()).toEqual(['open']);
      return firstRefusal?.message;
    };

    it('with their row as it came, when it is still no record', async () => {
      await write({ source: 'ticks/1' });
      expect(await refusalOf()).toContain('still no record of the topic');
    });

    it.each([
      [[GOOD_ROW], 'a row is an object'],
      [{ ...GOOD_ROW, price: 'abc' }, 'price is not a number'],
      [{ ...GOOD_ROW, prise: 1 }, 'has no field "prise"'],
      [{ ...GOOD_ROW, instrument: undefined }, 'instrument is missing'],
      [{ ...GOOD_ROW, eventTime: (NOW_MS + 3_600_001) * 1_000 }, 'ahead of the clock'],
    ])('with a corrected row that is not sound: %j', async (corrected, words) => {
      await write({});
      expect(await refusalOf(corrected)).toContain(words);
    });

    it('when a topology alone writes their topic', async () => {
      const fields = ['interval', 'start', 'end', 'revision', 'final', 'deleted'].map((name) => ({
        name,
        type: 'long',
      }));
      await bench.registry.register('bars-value', JSON.stringify({ type: 'record', name: 'Bar', fields }));
      await write({ topic: 'bars' });
      expect(await refusalOf()).toContain('written by a topology');
    });

    it('when nobody knows what their topic holds', async () => {
      await write({ topic: 'nowhere' });
      expect(await refusalOf()).toContain('No schema is registered as nowhere-value');
      expect((await bench.log.listTopics()).map(({ topic }) => topic)).not.toContain('nowhere');
    });
  });

  it('are resolved by one process at a time: a later one takes over', async () => {
    await write({ position: 1 }, { position: 2 });
    let taken = false;
    const options = resolveOptions(bench, { bounds: { maxRecords: 1, maxBytes: 1 } });
    const registry = {
      register: options.registry.register.bind(options.registry),
      latestId: options.registry.latestId.bind(options.registry),
      schemaById: async (id: number) => {
        // In the midst of the first run, while it reads the letters, another one comes.
        if (!taken) {
          taken = true;
          await resolveLetters(FIRST, 'dropped', resolveOptions(bench));
        }
        return options.registry.schemaById(id);
      },
    };
    const first = resolveLetters(ALL_OPEN, 'dropped', { ...options, registry });
    await expect(first).rejects.toMatchObject({ code: 'TM_LOG_FENCED' });
    expect(await states()).toEqual(['dropped', 'open']);
  });
});
