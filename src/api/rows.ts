import { Type } from 'typebox';

const nullableNumber = (description: string) => Type.Union([Type.Number(), Type.Null()], { description });
export const instantSchema = (description: string) =>
  Type.String({ description: `${description} ISO 8601 in UTC.`, examples: ['2024-08-08T13:30:00.000Z'] });

const barFields = {
  symbol: Type.String({ description: '`venue:symbol`' }),
  start: instantSchema('Inclusive.'),
  end: instantSchema('Exclusive.'),
  open: nullableNumber('The earliest price.'),
  high: nullableNumber('The highest price.'),
  low: nullableNumber('The lowest price.'),
  close: nullableNumber('The latest price.'),
  volume: nullableNumber('The exact sum of sizes.'),
  vwap: nullableNumber('The double nearest to notional / volume.'),
  count: Type.Integer({ description: 'Ticks in the bar; of published bars, how many it is made of.' }),
  revision: Type.Integer({ description: '0 at first, one more at each later emission.' }),
};

/** A bar as `/v1/bars` gives it, and as `tidemark bars` prints it. */
export const barSchema = Type.Object(barFields, { title: 'Bar' });

/** A bar of any interval. */
export const intervalBarSchema = Type.Object({ interval: Type.String(), ...barFields }, { title: 'IntervalBar' });
