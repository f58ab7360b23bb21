import { checkEventTime } from '../core/time.ts';
import { TidemarkError } from '../errors.ts';
import { type Explain, type InputProgress, NO_WATERMARK } from './elements.ts';
import { namedWindow, type WindowDefinition, type WindowSet } from './windows/definition.ts';
import { secondsText, standOf, standText, timeText, type WindowStand } from './windows/windowStand.ts';

/**
 * A window of a key, named by an instant: one that it lies in; of hopping windows the last that has started by then; of sliding
 * ones that of the records of that instant.
 *
 * @example const noon: WindowQuestion = { key: 'kitchen', interval: '1m', atMicros: Date.UTC(2026, 0, 5, 12) * 1_000 };
 */
export interface WindowQuestion {
  readonly key: string;
  /** As the results name it. */
  readonly interval: string;
  readonly atMicros: number;
}

/**
 * Why a window has not closed, or has.
 *
 * @example const blocker = ({ heldBackBy }: Explanation): string => heldBackBy?.inputs.join(', ') ?? 'nothing';
 */
export interface Explanation {
  /** The answer in words. */
  readonly text: string;
  /** Null where the instant lies between two windows, or in no session that is kept. */
  readonly window: WindowStand | null;
  /** How often it has been emitted, and whether it holds records that no emission has shown; null where none of it are kept. */
  readonly contents: { readonly emissions: number; readonly hasUnshown: boolean } | null;
  /** In force at the window; negative infinity before any. */
  readonly watermarkMicros: number;
  readonly inputs: readonly InputProgress[];
  /** Of an open window: the active input whose watermark is lowest. */
  readonly heldBackBy: InputProgress | null;
  /** Rows that wait for the watermark in steps before the window. */
  readonly waitingRows: number;
}

/** @throws TM_TOPOLOGY for an interval that there is not, TM_VALUE_RANGE for an instant that is no event time */
export function explanationOf(question: WindowQuestion, { progress, waiting, answer }: Explain): Explanation {
  if (answer === null) throw new RangeError('no window was asked');
  const { windows, watermark, found } = answer;
  const definition = definitionOf(windows, question);
  const named = namedWindow(definition, question.atMicros);
  const bounds = found === null ? named : { start: found.startMicros, end: found.endMicros };
  const window = bounds === null ? null : standOf(bounds, windows.latenessMicros, watermark);
  const active = progress.filter(({ isIdle }) => !isIdle);
  const lowest = Math.min(...active.map(({ watermarkMicros }) => watermarkMicros));
  const isOpen = window?.state === 'open';
  const explained = {
    window,
    contents: found === null ? null : { emissions: found.emissions, hasUnshown: found.hasUnshown },
    watermarkMicros: watermark,
    inputs: progress,
    heldBackBy: isOpen ? (active.find(({ watermarkMicros }) => watermarkMicros === lowest) ?? null) : null,
    waitingRows: waiting,
  };
  return { text: textOf(question, definition, explained), ...explained };
}

/** The definition that a question names. @throws TM_TOPOLOGY, TM_VALUE_RANGE */
function definitionOf({ definitions }: WindowSet, { interval, atMicros }: WindowQuestion): WindowDefinition {
  const definition = definitions.find((each) => each.interval === interval);
  if (definition === undefined) {
    throw new TidemarkError('TM_TOPOLOGY', `there are no '${interval}' windows`, {
      hint: `There are: ${definitions.map((each) => each.interval).join(', ')}.`,
    });
  }
  checkEventTime(atMicros);
  return definition;
}

function textOf(question: WindowQuestion, definition: WindowDefinition, explained: Omit<Explanation, 'text'>): string {
  const { window, contents, watermarkMicros, heldBackBy, inputs, waitingRows } = explained;
  const sentences = [
    window === null ? noWindowText(question, definition) : standText(question, window, watermarkMicros),
    contentsText(window, contents),
  ];
  if (heldBackBy !== null) sentences.push(heldBackText(heldBackBy));
  else if (window?.state === 'open')
    sentences.push('Every input is idle: the watermark stands until one is active again, or the wall clock moves it.');
  for (const { inputs: names, isIdle } of inputs) {
    if (isIdle && heldBackBy !== null) sentences.push(idleText(names));
  }
  if (waitingRows > 0) {
    const rows = waitingRows === 1 ? '1 row waits' : `${waitingRows} rows wait`;
    sentences.push(`${rows} for the watermark in steps before the window.`);
  }
  return sentences.filter((sentence) => sentence !== '').join(' ');
}

function noWindowText({ key, interval, atMicros }: WindowQuestion, { kind }: WindowDefinition): string {
  if (kind === 'session') return `No ${interval} window of ${key} that is kept holds ${timeText(atMicros)}.`;
  return `No ${interval} window holds ${timeText(atMicros)}: it lies in the gap between two.`;
}

function contentsText(window: WindowStand | null, contents: Explanation['contents']): string {
  if (window === null) return '';
  if (contents === null) {
    return window.state === 'expired' ? '' : 'It holds no records, and a window without records is never emitted.';
  }
  const { emissions, hasUnshown } = contents;
  if (emissions === 0) return 'It has not been emitted.';
  const times = emissions === 1 ? 'once' : `${emissions} times`;
  return `It has been emitted ${times}; ${hasUnshown ? 'what came since has not' : 'nothing has come since'}.`;
}

function heldBackText({ inputs, watermarkMicros, raisedBy, clockMicros }: InputProgress): string {
  const held = inputs.length === 1 ? `Input ${inputs[0]} holds` : `Inputs ${inputs.join(' and ')} hold`;
  if (raisedBy !== null) {
    const { arrival, eventTimeMicros } = raisedBy;
    const clock = clockMicros === 0 ? '' : `; the wall clock has moved it on by ${secondsText(clockMicros)} since`;
    return `${held} it back: the last record that moved the watermark was record ${arrival}, of ${timeText(eventTimeMicros)}${clock}.`;
  }
  if (watermarkMicros === NO_WATERMARK) return `${held} it back: no record has moved the watermark yet.`;
  return `${held} it back: its watermark was set from outside, to ${timeText(watermarkMicros)}.`;
}

function idleText(names: readonly string[]): string {
  return names.length === 1
    ? `Input ${names[0]} is idle and holds nothing back.`
    : `Inputs ${names.join(' and ')} are idle and hold nothing back.`;
}
