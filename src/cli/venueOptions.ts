import { InvalidArgumentError } from 'commander';
import type { TidemarkError } from '../errors.ts';
import type { Venue } from '../producers/venues/venue.ts';
import { usage } from './produceMarket.ts';
import { describeOutage } from './report.ts';

const SYMBOL = /^[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}$/;

/** Symbols as exchanges have them, in capitals or not. */
export function venueSymbols(text: string): readonly string[] {
  const symbols = [...new Set(text.split(','))];
  const wrong = symbols.find((symbol) => !SYMBOL.test(symbol));
  if (wrong !== undefined) throw new InvalidArgumentError(`${JSON.stringify(wrong)} is not a symbol.`);
  return symbols;
}

/** The exchange of that name. @throws TM_USAGE */
export async function venueCalled(name: string): Promise<Venue> {
  const { VENUES } = await import('../producers/venues/venues.ts');
  const venue = VENUES.get(name);
  if (venue !== undefined) return venue;
  throw usage(`there is no venue ${name}`, 'venue', `there are ${[...VENUES.keys()].join(', ')}`);
}

/** @throws TM_USAGE */
export function checkedUrl(option: string, url: string, scheme: RegExp): string {
  if (URL.canParse(url) && scheme.test(url)) return url.replace(/\/$/, '');
  throw usage(`${url} is no address`, option, 'write ws://host:port/path, or http://host:port');
}

/**
 * Tells, once each, that a venue cannot be reached or was lost, and that it is there (again): a null error. Who has never been connected may
 * have no network, or the wrong address.
 */
export function outageTeller(name: string, err: NodeJS.WriteStream): (error: TidemarkError | null) => void {
  let isOut = false;
  let wasConnected = false;
  return (error) => {
    if (isOut !== (error !== null)) err.write(describeOutage(name, error));
    if (!isOut && error !== null && !wasConnected) {
      err.write('hint: check the network and the address (--url); it is tried until it answers, or Ctrl-C\n');
    }
    isOut = error !== null;
    wasConnected ||= error === null;
  };
}
