import { COINBASE } from './coinbase.ts';
import type { Venue } from './venue.ts';

/** Every venue by its name. */
export const VENUES: ReadonlyMap<string, Venue> = new Map([COINBASE].map((venue) => [venue.name, venue]));
