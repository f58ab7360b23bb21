import type { Config } from '../config.ts';
import { type ProduceOptions, type ProduceSummary, produce } from '../producers/produce.ts';
import type { Source } from '../producers/source.ts';
import type { Context } from './context.ts';
import { startProgress } from './progress.ts';

type ProducerSettings = Pick<ProduceOptions, 'partitions' | 'retentionMs' | 'bounds' | 'eventTime'>;

/** The most names that a message lists. */
const SHOWN_NAMES = 5;

/** What the configuration says to every producer. */
export function producerSettings({ log, producer, watermark }: Config): ProducerSettings {
  const { batchRecords, batchBytes, batchMs } = producer;
  return { ...log, bounds: { maxRecords: batchRecords, maxBytes: batchBytes, maxMs: batchMs }, eventTime: watermark };
}

export interface RunProducerOptions {
  readonly again: boolean;
  readonly allowLate: boolean;
  /** What is said of a run that found nothing to write after earlier ones had. */
  readonly nothingNew?: string;
  /** What is said of parts that an earlier run had come to the end of, by their labels. */
  readonly describeDone?: (labels: readonly string[]) => string;
  /** Told after each transaction, in place of the count of rows that is shown otherwise. */
  readonly onProgress?: (summary: ProduceSummary) => void;
}

/** The log that a source writes to, for sources that look at what is in it. */
export type OpenedLog = Pick<ProduceOptions, 'log' | 'registry'>;

/** Produces a source with the command's configuration; shows progress, then the summary, and gives it. */
export async function runProducer(
  context: Context,
  openSource: (opened: OpenedLog) => Source | Promise<Source>,
  options: RunProducerOptions,
): Promise<ProduceSummary> {
  const { config, signal, out, err, json } = context;
  const { again, allowLate, describeDone = fileNames } = options;
  const { nothingNew = 'nothing left to produce; --again produces it a second time' } = options;
  // The registry first: that a broker lacks one is known before it is connected to.
  const registry = await context.openRegistry();
  try {
    const log = await context.openLog();
    const progress = startProgress({ unit: 'rows', stream: err });
    let summary: ProduceSummary;
    try {
      summary = await produce(await openSource({ log, registry }), {
        log,
        registry,
        ...producerSettings(config),
        again,
        allowLate,
        now: Date.now,
        signal,
        onProgress:
          options.onProgress ??
          (({ rows, rejected }) => progress.update(rows, rejected === 0 ? undefined : `${rejected} rejected`)),
      });
    } finally {
      progress.stop();
      await log.close();
    }
    err.write(remarks(summary, nothingNew, describeDone));
    await out.line(json ? JSON.stringify(summary) : summaryLine(summary));
    return summary;
  } finally {
    await registry.close();
  }
}

function summaryLine({ rows, records, rejected, skipped }: ProduceSummary): string {
  return `rows ${rows}, records ${records}, rejected ${rejected}, skipped ${skipped}`;
}

function fileNames(done: readonly string[]): string {
  const names = done.slice(0, SHOWN_NAMES).join(', ');
  const more = done.length > SHOWN_NAMES ? ` and ${done.length - SHOWN_NAMES} more` : '';
  return `already produced, nothing added: ${names}${more}; --again produces it a second time`;
}

/** What the numbers do not say by themselves. */
function remarks(
  { done, rows, rejected, skipped, complete }: ProduceSummary,
  nothingNew: string,
  describeDone: (labels: readonly string[]) => string,
): string {
  let text = '';
  if (done.length > 0) text += `${describeDone(done)}\n`;
  else if (rows === 0 && skipped > 0 && complete) text += `${nothingNew}\n`;
  if (rejected > 0) text += `${rejected} rows were rejected: they are in topic deadletter with file, line and reason\n`;
  if (!complete) text += 'stopped before the end; the same command goes on from here\n';
  return text;
}
