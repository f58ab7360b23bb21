import { type Command, InvalidArgumentError } from 'commander';
import { TidemarkError } from '../errors.ts';
import type { Act } from './context.ts';
import { parseInstant } from './instant.ts';
import { wholeNumber } from './optionValues.ts';
import { pause } from './pause.ts';

interface SimulateOptions {
  readonly symbols: number;
  readonly rate: number;
  readonly fast?: boolean;
  readonly count?: number;
  readonly seconds?: number;
  readonly start?: string;
  readonly seed: number;
  readonly disorderMs: number;
  readonly lateFraction: number;
  readonly duplicateFraction: number;
  readonly burst: number;
  readonly topic: string;
  readonly again?: boolean;
  readonly allowLate?: boolean;
}

const EXAMPLES = `
The same seed and options make the same ticks. A simulation that was stopped or killed goes on with its next tick; without
--start, its clock is then the present again.

Examples:
  A live market, until Ctrl-C:
    $ tidemark produce simulate

  A million ticks of a day, at once:
    $ tidemark produce simulate --fast --count 1000000 --start 2026-01-05T14:30:00Z`;

export function declareSimulate(produce: Command, act: Act): void {
  produce
    .command('simulate')
    .description('Produce trades of a simulated market.')
    .option('--symbols <n>', 'instruments', wholeNumber, 8)
    .option('--rate <n>', 'ticks a second, all instruments together', wholeNumber, 10_000)
    .option('--fast', 'as fast as they can be written; --rate then only spaces their event times')
    .option('--count <n>', 'ticks in all, those of earlier runs included', wholeNumber)
    .option('--seconds <n>', 'end by itself after so long', wholeNumber)
    .option('--start <instant>', 'when the first tick comes (default: now)')
    .option('--seed <n>', 'of the random numbers', wholeNumber, 1)
    .option('--disorder-ms <ms>', 'how far ticks come out of order', upTo(3_600_000), 800)
    .option('--late-fraction <share>', 'share of ticks that come too late for the watermark', upTo(1), 0.001)
    .option('--duplicate-fraction <share>', 'share of ticks that come twice', upTo(0.5), 0)
    .option('--burst <factor>', 'how many times as fast ticks come in bursts; 1 for none', wholeNumber, 5)
    .option('--topic <name>', 'topic', 'ticks')
    .option('--again', 'from the first tick, though it was produced before')
    .option('--allow-late', 'produce ticks that are older than what the topic has gone past')
    .addHelpText('after', EXAMPLES)
    .action(act(produceSimulation));
}

function upTo(maximum: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d*\.?\d+$/.test(text) && value <= maximum) return value;
    throw new InvalidArgumentError(`It must be a number from 0 to ${maximum}.`);
  };
}

const produceSimulation: Parameters<Act>[0] = async (context, command) => {
  const options = command.opts<SimulateOptions>();
  const { fast = false, again = false, allowLate = false, count, seconds, start } = options;
  if (fast && count === undefined && start === undefined) {
    throw new TidemarkError('TM_USAGE', '--fast needs --count or --start', {
      hint: 'without them, event times would run ahead of the clock',
    });
  }
  const startMicros = start === undefined ? null : parseInstant(start, '--start');
  const { Simulator } = await import('../producers/simulator/simulator.ts');
  const { runProducer } = await import('./runProducer.ts');
  const { outOfOrdernessMs, allowedLatenessMs } = context.config.watermark;
  const simulator = new Simulator({
    market: {
      seed: options.seed,
      symbols: options.symbols,
      ticksPerSecond: options.rate,
      burst: options.burst,
      disorderMs: options.disorderMs,
      lateFraction: options.lateFraction,
      lateAfterMs: outOfOrdernessMs,
      tooLateAfterMs: outOfOrdernessMs + allowedLatenessMs,
      duplicateFraction: options.duplicateFraction,
    },
    topic: options.topic,
    paced: !fast,
    startMicros,
    count: count ?? Number.POSITIVE_INFINITY,
    maxRunMs: (seconds ?? Number.POSITIVE_INFINITY) * 1_000,
    wait: pause,
  });
  await runProducer(context, () => simulator, { again, allowLate });
};
