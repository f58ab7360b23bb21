import { type ErrorCode, TidemarkError } from '../../errors.ts';

/** An error of librdkafka: negative codes are its own, positive ones the protocol's. */
export interface NativeError {
  readonly code: number;
  readonly message: string;
  readonly isFatal?: boolean;
}

export const QUEUE_FULL = -184;
export const TIMED_OUT = -185;
export const TRANSPORT = -195;
export const AUTHENTICATION = -169;
/** How the client says, of several partitions, that it knows no leaders. */
const NO_LEADERS = -156;
export const TOPIC_EXISTS = 36;

/**
 * ERR__FENCED, INVALID_PRODUCER_EPOCH, PRODUCER_FENCED, and the fatal INVALID_PRODUCER_ID_MAPPING. A transaction that
 * outlived its timeout is told in the same way.
 */
const FENCED: ReadonlySet<number> = new Set([-144, 47, 90, 49]);

const MEANING = new Map<ErrorCode, { readonly codes: readonly number[]; readonly hint: string }>([
  [
    'TM_BROKER_UNREACHABLE',
    {
      // Timeouts, lost connections, names that do not resolve; no coordinator, no leader or a new one, a transaction that is just
      // ending: what passes by itself.
      codes: [
        TIMED_OUT,
        NO_LEADERS,
        -192,
        TRANSPORT,
        -187,
        -193,
        -196,
        -166,
        5,
        6,
        7,
        8,
        9,
        13,
        14,
        15,
        16,
        51,
        74,
        75,
        88,
      ],
      hint: 'See that the broker runs and that broker.urls (--brokers) and broker.tls are right. Nothing committed is lost: the same command goes on from there.',
    },
  ],
  [
    'TM_BROKER_ACCESS',
    {
      codes: [AUTHENTICATION, -181, 29, 30, 31, 33, 34, 53, 58],
      hint: 'See broker.tls, broker.caFile, broker.saslMechanism, broker.user and broker.password, and what the broker allows this user.',
    },
  ],
  [
    'TM_TOPIC_UNKNOWN',
    {
      codes: [-188, -190, 3],
      hint: 'Make it first, or look for a slip in its name (tidemark topics lists what there is).',
    },
  ],
  [
    'TM_LOG_RECORD_TOO_LARGE',
    { codes: [10, 18], hint: "Raise the topic's max.message.bytes at the broker, or send smaller records." },
  ],
  ['TM_OFFSET_OUT_OF_RANGE', { codes: [1, -140], hint: 'The records there were deleted, or the topic was made anew.' }],
]);

const FAILED_HINT = "The broker's own log says more.";

export function isNative(error: unknown): error is NativeError {
  return typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'number';
}

export function isFenced(error: unknown): boolean {
  return isNative(error) && FENCED.has(error.code);
}

/** Whether no broker answered a question. */
export function isUnanswered(error: unknown): error is TidemarkError {
  return error instanceof TidemarkError && error.code === 'TM_BROKER_UNREACHABLE';
}

/** What went wrong, in the product's terms. An error that is one of them already stays as it is. */
export function brokerError(error: unknown, what: string, where?: string): TidemarkError {
  if (error instanceof TidemarkError) return error;
  const message = error instanceof Error || isNative(error) ? error.message : String(error);
  const details = { cause: error, ...(where === undefined ? {} : { where }) };
  if (isNative(error)) {
    for (const [code, { codes, hint }] of MEANING) {
      if (codes.includes(error.code)) return new TidemarkError(code, `${what}: ${message}`, { ...details, hint });
    }
  }
  return new TidemarkError('TM_BROKER_FAILED', `${what}: ${message}`, { ...details, hint: FAILED_HINT });
}
