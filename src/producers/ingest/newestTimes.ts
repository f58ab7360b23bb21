import type { Columns } from '../../core/columns.ts';
import type { Log, Position, Transaction } from '../../log/log.ts';
import type { PartitionRows } from '../byPartition.ts';
import { eventTimeGroup, highestEventTimes, raisedEventTimes } from '../eventTimes.ts';

const EVENT_TIME = 'eventTime';

/** The newest event times of topics, as far as the rows of one transaction raise them. */
export class NewestTimes {
  readonly #log: Log;
  readonly #highestMicros: number;
  /** By topic, then by partition. */
  readonly #raised = new Map<string, Map<number, Position>>();

  /** @param highestMicros rows beyond it do not count: their clock is wrong */
  constructor(log: Log, highestMicros: number) {
    this.#log = log;
    this.#highestMicros = highestMicros;
  }

  async add(topic: string, columns: Columns, parts: readonly PartitionRows[]): Promise<void> {
    if (columns.byName.get(EVENT_TIME)?.kind !== 'long') return;
    const raised = this.#raised.get(topic) ?? new Map<number, Position>();
    this.#raised.set(topic, raised);
    const highest = await highestEventTimes(this.#log, topic);
    for (const { partition, metadata } of raised.values()) {
      highest.set(partition, (JSON.parse(metadata) as { maxEventTimeMicros: number }).maxEventTimeMicros);
    }
    for (const position of raisedEventTimes(highest, topic, columns, parts, this.#highestMicros)) {
      raised.set(position.partition, position);
    }
  }

  positions(): Transaction['positions'] {
    return [...this.#raised]
      .map(([topic, raised]) => ({ group: eventTimeGroup(topic), positions: [...raised.values()] }))
      .filter(({ positions }) => positions.length > 0);
  }
}
