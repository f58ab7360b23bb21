import { EventEmitter } from 'node:events';
import { expect, it } from 'vitest';
import { stopOnSignals } from '../../src/cli/stop.ts';

function stopped() {
  const signals = new EventEmitter();
  const stop = new AbortController();
  const exits: number[] = [];
  let nowMs = 0;
  stopOnSignals(stop, { signals, now: () => nowMs, exit: (status) => exits.push(status) });
  const receive = (name: string, atMs: number): void => {
    nowMs = atMs;
    signals.emit(name);
  };
  return { stop, exits, receive };
}

it('the first signal asks to stop', () => {
  const { stop, exits, receive } = stopped();
  receive('SIGTERM', 0);
  expect(stop.signal.aborted).toBe(true);
  expect(exits).toEqual([]);
});

it('a second one exits at once with 130', () => {
  const { exits, receive } = stopped();
  receive('SIGINT', 0);
  receive('SIGINT', 1_000);
  expect(exits).toEqual([130]);
});

it('the same Ctrl-C passed on by npm is no second one', () => {
  const { exits, receive } = stopped();
  receive('SIGINT', 0);
  receive('SIGINT', 20);
  expect(exits).toEqual([]);
});
