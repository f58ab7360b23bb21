import cliProgress from 'cli-progress';

export interface ProgressOptions {
  /** How much there is to do, in `unit`; absent when nobody knows. */
  readonly total?: number;
  /** What is counted, in the plural: `records`, `rows`, `bytes`. */
  readonly unit: string;
  /** Where it is shown: standard error, since standard output is for results. */
  readonly stream: NodeJS.WriteStream;
  readonly now?: () => number;
}

export interface Progress {
  /** How much is done so far (not since the last call), and a few words on what goes on. */
  update(done: number, text?: string): void;
  /** Shows where it ended. */
  stop(): void;
}

const LINE_INTERVAL_MS = 1_000;
const BAR_FRAMES_PER_SECOND = 8;

/** Shows progress: a bar (or a running count) on a terminal, at most one plain line a second elsewhere. */
export function startProgress(options: ProgressOptions): Progress {
  return options.stream.isTTY ? barProgress(options) : lineProgress(options);
}

function describe(done: number, { total, unit }: ProgressOptions, elapsedMs: number, text: string): string {
  const percent = total === undefined || total === 0 ? '' : ` of ${total} (${Math.floor((100 * done) / total)}%)`;
  const perSecond = elapsedMs > 0 ? (1_000 * done) / elapsedMs : 0;
  // Of requests there may be less than one a second.
  const rate = perSecond >= 10 ? Math.round(perSecond) : Number(perSecond.toPrecision(2));
  return `${done}${percent} ${unit}, ${rate}/s${text === '' ? '' : `, ${text}`}`;
}

function lineProgress(options: ProgressOptions): Progress {
  const now = options.now ?? Date.now;
  const startMs = now();
  let lastLineMs = startMs;
  let done = 0;
  let text = '';
  let isShown = true;
  const show = (atMs: number): void => {
    options.stream.write(`${describe(done, options, atMs - startMs, text)}\n`);
    lastLineMs = atMs;
    isShown = true;
  };
  return {
    update(newDone, newText = text) {
      done = newDone;
      text = newText;
      isShown = false;
      const atMs = now();
      if (atMs - lastLineMs >= LINE_INTERVAL_MS) show(atMs);
    },
    stop() {
      if (!isShown) show(now());
    },
  };
}

function barProgress(options: ProgressOptions): Progress {
  const now = options.now ?? Date.now;
  const startMs = now();
  const bar = new cliProgress.SingleBar({
    stream: options.stream,
    fps: BAR_FRAMES_PER_SECOND,
    format: options.total === undefined ? '{words}' : '{bar} {words}',
    hideCursor: true,
    gracefulExit: false,
  });
  bar.start(options.total ?? 0, 0, { words: '' });
  return {
    update(done, text = '') {
      bar.update(done, { words: describe(done, options, now() - startMs, text) });
    },
    stop() {
      bar.stop();
    },
  };
}
