import type { Log, PartitionRange } from '../../log/log.ts';
import type { SchemaRegistry } from '../../log/registry/registry.ts';
import type { IngestRequest } from '../../schemas.generated.ts';
import { INGEST_REQUEST } from '../schemas.ts';
import { storedRows } from '../storedRecords.ts';

/** The keys of requests whose rows were written: one partition, so that they have one order. */
export const REQUEST_TOPIC = 'ingest.requests';
export const REQUEST_PARTITIONS = 1;
/** A record and the end of its transaction. */
const MAX_OFFSETS_A_REQUEST = 2;

export interface KeyBounds {
  readonly maxKeys: number;
  readonly keepKeysMs: number;
}

interface KnownRequest extends IngestRequest {
  readonly writtenMs: number;
}

/** The requests that were written lately, by their keys, as the log has them. */
export class RequestKeys {
  readonly #store: { readonly log: Log; readonly registry: SchemaRegistry };
  readonly #bounds: KeyBounds;
  /** In the order in which they were written. */
  readonly #known = new Map<string, KnownRequest>();
  /** Where those begin that have not been read; null before any were. */
  #next: number | null = null;

  constructor(store: { readonly log: Log; readonly registry: SchemaRegistry }, bounds: KeyBounds) {
    this.#store = store;
    this.#bounds = bounds;
  }

  /** Reads what others have written since. */
  async catchUp(nowMs: number): Promise<void> {
    const { log } = this.#store;
    const [range] = await log.ranges(REQUEST_TOPIC);
    if (range === undefined) return;
    const begin = Math.min(range.end, Math.max(range.begin, this.#next ?? (await this.#first(range, nowMs))));
    for await (const { row, appendMs } of storedRows<IngestRequest>(this.#store, INGEST_REQUEST, [
      { ...range, begin },
    ])) {
      this.#keep(row, appendMs);
    }
    this.#next = range.end;
  }

  /** The request that was written with a key; undefined when it is not known, or no longer. */
  get(key: string, nowMs: number): IngestRequest | undefined {
    const known = this.#known.get(key);
    return known === undefined || known.writtenMs < nowMs - this.#bounds.keepKeysMs ? undefined : known;
  }

  /** Takes note of requests that this process has written, up to an offset. */
  wrote(requests: Iterable<IngestRequest>, writtenMs: number, nextOffset: number): void {
    for (const request of requests) this.#keep(request, writtenMs);
    this.#next = nextOffset;
  }

  #keep(request: IngestRequest, writtenMs: number): void {
    // Anew, so that it is the latest in the map's order.
    this.#known.delete(request.key);
    this.#known.set(request.key, { ...request, writtenMs });
    const [oldest] = this.#known.keys();
    if (this.#known.size > this.#bounds.maxKeys && oldest !== undefined) this.#known.delete(oldest);
  }

  /** The first that counts: what is older, or more than are kept, need not be read. */
  async #first(range: PartitionRange, nowMs: number): Promise<number> {
    const { maxKeys, keepKeysMs } = this.#bounds;
    const inTime = await this.#store.log.offsetAtTime(range, nowMs - keepKeysMs);
    return Math.max(inTime, range.end - MAX_OFFSETS_A_REQUEST * maxKeys);
  }
}
