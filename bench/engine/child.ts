// A measurement in a process of its own: `child.ts time CASE CONTENDER TICKS`, the same with `check`, or `child.ts state`. Prints JSON.
import { Baseline } from './baseline.ts';
import { CASES, type Case, type CaseName } from './cases.ts';
import { type Contender, drive } from './contender.ts';
import { Engine } from './engine.ts';
import { measureState } from './state.ts';
import { workOf } from './workload.ts';

const SPAN_MICROS = 2 * 3_600_000_000;
/** Before the clock starts, so that compiling is not measured. */
const WARM_UP_TICKS = 300_000;

const [mode, name, contender, ticks] = process.argv.slice(2);
if (mode === 'state') {
  console.log(JSON.stringify(await measureState()));
} else {
  const job: Case = CASES[name as CaseName];
  const make = (count: number, seed: number): Contender => {
    const work = workOf(job, { ticks: count, spanMicros: SPAN_MICROS, seed });
    return contender === 'baseline' ? new Baseline(job, work) : new Engine(job, work);
  };
  const withTexts = mode === 'check';
  drive(make(Math.min(WARM_UP_TICKS, Number(ticks)), 2), withTexts);
  console.log(JSON.stringify(drive(make(Number(ticks), 1), withTexts)));
}
