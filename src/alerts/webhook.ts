import type { Config } from '../config.ts';
import { TidemarkError } from '../errors.ts';
import { type Alert, alertJson } from './alert.ts';

/** What a webhook is sent with. */
export interface WebhookParts {
  readonly fetch: typeof fetch;
  /** Resolves after `ms`, and at once when the signal is aborted. */
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
  /** In [0, 1). */
  readonly random: () => number;
  readonly config: Config['alerts'];
}

export interface Webhook {
  /** What messages call it: its address may be a secret. */
  readonly name: 'alerts.url' | 'alerts.slackUrl';
  readonly url: string;
}

/** What passes by itself: too many requests, and errors of the server. */
const RETRIED_STATUSES: ReadonlySet<number> = new Set([408, 425, 429]);
const SERVER_ERRORS = 500;

/** The webhooks that are configured. */
export function webhooksOf({ url, slackUrl }: Config['alerts']): readonly Webhook[] {
  const webhooks: readonly Webhook[] = [
    { name: 'alerts.url', url },
    { name: 'alerts.slackUrl', url: slackUrl },
  ];
  return webhooks.filter((webhook) => webhook.url !== '');
}

/**
 * Sends an alert, and again after what may pass, each time after a random part of a time that doubles.
 * @throws TM_ALERT_FAILED, without the address
 */
export async function sendAlert(
  webhook: Webhook,
  alert: Alert,
  parts: WebhookParts,
  signal: AbortSignal,
): Promise<void> {
  const { config, wait, random } = parts;
  const json = alertJson(alert, config.template);
  const body = JSON.stringify(webhook.name === 'alerts.slackUrl' ? { text: json.text } : json);
  for (let attempt = 0; ; attempt++) {
    const failure = await post(webhook, body, parts, signal);
    if (failure === null) return;
    if (!failure.mayPass || attempt >= config.retries || signal.aborted) throw lost(webhook, failure.reason);
    await wait(random() * Math.min(config.maxBackoffMs, config.backoffMs * 2 ** attempt), signal);
  }
}

/** Null when the webhook took it. */
async function post(
  { url }: Webhook,
  body: string,
  { fetch, config }: WebhookParts,
  signal: AbortSignal,
): Promise<{ readonly reason: string; readonly mayPass: boolean } | null> {
  const ended = new AbortController();
  // AbortSignal.timeout within AbortSignal.any may be collected before it fires (Node 20): a timer is not.
  const timer = setTimeout(() => ended.abort(), config.timeoutMs);
  try {
    const headers = { 'content-type': 'application/json', 'user-agent': 'tidemark' };
    const stop = AbortSignal.any([signal, ended.signal]);
    // A redirect would take the alert elsewhere.
    const response = await fetch(url, { method: 'POST', headers, body, signal: stop, redirect: 'manual' });
    await response.body?.cancel();
    if (response.ok) return null;
    const mayPass = RETRIED_STATUSES.has(response.status) || response.status >= SERVER_ERRORS;
    return { reason: `it answered with status ${response.status}`, mayPass };
  } catch {
    // The error may quote the address.
    const reason = ended.signal.aborted ? `it did not answer within ${config.timeoutMs} ms` : 'it cannot be reached';
    return { reason, mayPass: true };
  } finally {
    clearTimeout(timer);
  }
}

/** That an alert is given up. */
export function lost({ name }: Webhook, why: string): TidemarkError {
  return new TidemarkError('TM_ALERT_FAILED', `an alert did not get through: ${why}`, {
    where: name,
    hint: 'tidemark alerts test tries the webhooks that are configured.',
  });
}
