import { join } from 'node:path';
import type { Command } from 'commander';
import type { RunOutcome } from '../alerts/failedRuns.ts';
import { TidemarkError } from '../errors.ts';
import type { Act, Context } from './context.ts';
import { pause } from './pause.ts';
import { describeError, describeWarning } from './report.ts';

/** In the data directory, where it is remembered what is open. */
const FOLDER = 'alerts';
/** The lease of the process that watches. */
const LEASE = 'alerts';

const EXAMPLES = `
While tidemark run goes on, webhooks are told of more dead letters than alerts.deadLetters and of watermarks that stand still
for alerts.stalledMs (docs/configuration.md).

Examples:
  Send one to the webhooks that are configured:
    $ TIDEMARK_ALERTS_SLACK_URL=https://hooks.slack.com/services/... tidemark alerts test`;

export function declareAlerts(program: Command, act: Act): void {
  const alerts = program
    .command('alerts')
    .description('Webhooks that are told of trouble.')
    .addHelpText('after', EXAMPLES);
  alerts.command('test').description('Send a test alert to each webhook that is configured.').action(act(test));
}

async function test({ config, signal, out, json, err }: Context): Promise<void> {
  const { sendAlert, webhooksOf } = await import('../alerts/webhook.ts');
  const webhooks = webhooksOf(config.alerts);
  if (webhooks.length === 0) {
    throw new TidemarkError('TM_USAGE', 'no webhook is configured', {
      where: 'alerts.url, alerts.slackUrl',
      hint: 'set TIDEMARK_ALERTS_URL or TIDEMARK_ALERTS_SLACK_URL',
    });
  }
  const nowMs = Date.now();
  const words = { title: 'test', detail: 'alerts of this Tidemark get through' };
  const alert = { id: 'test', kind: 'test', ...words, value: 0, threshold: 0, state: 'firing' } as const;
  const failures: TidemarkError[] = [];
  for (const webhook of webhooks) {
    try {
      const parts = { fetch, wait: pause, random: Math.random, config: config.alerts };
      await sendAlert(webhook, { ...alert, sinceMs: nowMs, atMs: nowMs }, parts, signal);
      await out.line(json ? JSON.stringify({ webhook: webhook.name, ok: true }) : `${webhook.name}: taken`);
    } catch (error) {
      if (!(error instanceof TidemarkError)) throw error;
      if (webhooks.length > 1) err.write(describeWarning(error));
      failures.push(error);
    }
  }
  const [first] = failures;
  if (first !== undefined) throw first;
}

function hasWebhook({ url, slackUrl }: Context['config']['alerts']): boolean {
  return url !== '' || slackUrl !== '';
}

/** Watches for trouble as long as `body` goes on, where a webhook is configured and no other process does. */
export async function withAlerts<T>(context: Context, body: () => Promise<T>): Promise<T> {
  const { config, signal, err } = context;
  if (!hasWebhook(config.alerts)) return body();
  const ended = new AbortController();
  const stop = AbortSignal.any([signal, ended.signal]);
  const watching = watch(context, stop).catch((error: unknown) => {
    // Alerts never end the process that they watch.
    err.write(describeError(error, { json: false, debug: false }));
  });
  try {
    return await body();
  } finally {
    ended.abort();
    await watching;
  }
}

async function watch({ config, err, openLog }: Context, signal: AbortSignal): Promise<void> {
  const { watchAlerts } = await import('../alerts/watch.ts');
  const { takeLease } = await import('../runtime/lease.ts');
  const { directory } = config.data;
  const lock = await takeLease({
    ...{ directory, name: LEASE, signal },
    onHeld: () => undefined,
    giveUp: async () => false,
  });
  if (lock === null) return;
  try {
    const parts = { fetch, wait: pause, random: Math.random, config: config.alerts, now: Date.now };
    const onWarning = (warning: TidemarkError) => err.write(describeWarning(warning));
    await watchAlerts({ ...parts, openLog, file: join(directory, FOLDER, 'run.json'), signal, onWarning });
  } finally {
    lock.release();
  }
}

/** Tells webhooks of failed runs of jobs as long as `body` goes on, which hands over what became of each run. */
export async function withRunAlerts(
  { config, signal, err }: Context,
  attempts: ReadonlyMap<string, number>,
  body: (onRun: (run: RunOutcome) => void) => Promise<void>,
): Promise<void> {
  if (!hasWebhook(config.alerts)) return body(() => {});
  const { FailedRuns } = await import('../alerts/failedRuns.ts');
  const { AlertDesk } = await import('../alerts/alertDesk.ts');
  const { AlertFile } = await import('../alerts/alertFile.ts');
  const { Outgoing } = await import('../alerts/outgoing.ts');
  const { webhooksOf } = await import('../alerts/webhook.ts');
  const ended = new AbortController();
  const stop = AbortSignal.any([signal, ended.signal]);
  const onWarning = (warning: TidemarkError) => err.write(describeWarning(warning));
  const parts = { fetch, wait: pause, random: Math.random, config: config.alerts, signal: stop, onWarning };
  const outgoing = webhooksOf(config.alerts).map((webhook) => new Outgoing({ ...parts, webhook }));
  const deskOf = (job: string) => {
    const file = new AlertFile(join(config.data.directory, FOLDER, `job-${job}.json`), onWarning);
    return new AlertDesk({ ...config.alerts, file, outgoing });
  };
  const failed = new FailedRuns({ deskOf, attempts, now: Date.now });
  try {
    // What was stopped by hand is no trouble.
    await body((run) => {
      if (!stop.aborted) failed.onRun(run);
    });
  } finally {
    ended.abort();
    await Promise.all(outgoing.map((each) => each.settled()));
  }
}
