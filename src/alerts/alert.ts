import { formatIsoMicros, MICROS_PER_MS } from '../core/time.ts';

/** What is looked at, and how it is now. */
export interface Condition {
  /** The same for the same trouble: by it an alert is told once. */
  readonly id: string;
  readonly kind: 'deadLetters' | 'stalledWatermark' | 'failedRun' | 'test';
  readonly title: string;
  readonly detail: string;
  readonly value: number;
  readonly threshold: number;
  readonly isFiring: boolean;
}

/** What is told. */
export interface Alert extends Omit<Condition, 'isFiring'> {
  readonly state: 'firing' | 'resolved';
  /** When the trouble was first seen, and when this is told; epoch milliseconds. */
  readonly sinceMs: number;
  readonly atMs: number;
}

/** Trouble that was told of and goes on. */
export interface Trouble {
  readonly condition: Condition;
  readonly sinceMs: number;
  readonly toldMs: number;
}

/** Tells trouble apart from what was told: once when it begins, again after a while, and once when it is over. */
export class AlertBook {
  readonly #repeatMs: number;
  readonly #open: Map<string, Trouble>;

  /** @param open what was open before */
  constructor(repeatMs: number, open: readonly Trouble[] = []) {
    this.#repeatMs = repeatMs;
    this.#open = new Map(open.map((trouble) => [trouble.condition.id, trouble]));
  }

  get open(): Trouble[] {
    return [...this.#open.values()];
  }

  /** What is to be told of the conditions of a look. A condition that is not among them any more is over. */
  update(conditions: readonly Condition[], nowMs: number): readonly Alert[] {
    const firing = new Map(conditions.filter(({ isFiring }) => isFiring).map((condition) => [condition.id, condition]));
    const alerts: Alert[] = [];
    for (const [id, { condition, sinceMs }] of this.#open) {
      if (firing.has(id)) continue;
      this.#open.delete(id);
      const now = conditions.find((each) => each.id === id) ?? condition;
      alerts.push(alertOf(now, 'resolved', sinceMs, nowMs));
    }
    for (const condition of firing.values()) {
      const known = this.#open.get(condition.id);
      const sinceMs = known?.sinceMs ?? nowMs;
      const isTold = known !== undefined && nowMs - known.toldMs < this.#repeatMs;
      this.#open.set(condition.id, { condition, sinceMs, toldMs: isTold ? known.toldMs : nowMs });
      if (!isTold) alerts.push(alertOf(condition, 'firing', sinceMs, nowMs));
    }
    return alerts;
  }
}

function alertOf(condition: Condition, state: Alert['state'], sinceMs: number, atMs: number): Alert {
  const { isFiring: _, ...rest } = condition;
  return { ...rest, state, sinceMs, atMs };
}

/** An alert as a webhook gets it: times as texts, and its words. */
export function alertJson(alert: Alert, template: string): Readonly<Record<string, string | number>> {
  const { sinceMs, atMs, ...rest } = alert;
  const json = { ...rest, since: isoOf(sinceMs), at: isoOf(atMs) };
  return { ...json, text: filled(template, json) };
}

function filled(template: string, values: Readonly<Record<string, string | number>>): string {
  return template.replace(/\{(\w+)\}/g, (placeholder, name: string) => String(values[name] ?? placeholder));
}

function isoOf(ms: number): string {
  return formatIsoMicros(ms * MICROS_PER_MS);
}
