import { TidemarkError } from '../../errors.ts';
import type { Membership, PartitionOwner } from '../log.ts';
import { checkId } from '../positionRules.ts';
import { isAlive, ownIdentity } from './processIdentity.ts';
import { type Lifetime, type MemberRow, type Store, transact } from './store.ts';

/** How often a member looks at its group, at most. */
const LOOK_MS = 100;

export interface MemberPlace {
  readonly group: string;
  readonly topicId: number;
  /** How many partitions the topic has. */
  readonly partitions: number;
}

/**
 * A member of a group on one machine. Who has which partition is a row of the store, changed in transactions; a member whose
 * process is gone has nothing. Each member takes and gives by itself: it knows its share from the members that live and its
 * rank among them, gives up what it has beyond that, and takes what is free below it.
 */
export class EmbeddedMember implements Membership {
  readonly #store: Store;
  readonly #lifetime: Lifetime;
  readonly #place: MemberPlace;
  readonly #key: [string, number];
  readonly #owner: PartitionOwner;
  readonly #onClosed: (member: EmbeddedMember) => void;
  #id: number;
  /** What the owner has been told that it has. */
  #held: readonly number[] = [];
  #lookedMs = Number.NEGATIVE_INFINITY;
  #closed = false;

  constructor(
    store: Store,
    lifetime: Lifetime,
    place: MemberPlace,
    owner: PartitionOwner,
    onClosed: (member: EmbeddedMember) => void,
  ) {
    checkId('group', place.group);
    this.#store = store;
    this.#lifetime = lifetime;
    this.#place = place;
    this.#key = [place.group, place.topicId];
    this.#owner = owner;
    this.#onClosed = onClosed;
    this.#id = this.#enrol();
  }

  async poll(): Promise<void> {
    if (this.#closed || this.#lifetime.closed) {
      throw new TidemarkError('TM_LOG_CLOSED', 'This member has left its group.', { where: this.#place.group });
    }
    const nowMs = performance.now();
    if (nowMs - this.#lookedMs < LOOK_MS) return;
    const isFirstLook = this.#lookedMs === Number.NEGATIVE_INFINITY;
    this.#lookedMs = nowMs;
    this.#store.root.resetReadTxn();
    const living = this.#living();
    const own = living.find(({ id }) => id === this.#id);
    if (own === undefined) return this.#returnToGroup();
    const surplus = own.partitions.slice(this.#shareOf(own, living));
    if (surplus.length > 0) return this.#giveUp(surplus);
    if (isFirstLook || this.#freeFor(own, living).length > 0) await this.#take();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#change((members) => members.filter(({ id }) => id !== this.#id));
    this.#onClosed(this);
  }

  #enrol(): number {
    return transact(this.#store, () => {
      const stored = this.#stored();
      const id = 1 + Math.max(0, ...stored.map((member) => member.id));
      this.#store.members.putSync(this.#key, [...stored, { id, ...ownIdentity(), partitions: [] }]);
      return id;
    });
  }

  /** Others took this member for dead. */
  async #returnToGroup(): Promise<void> {
    const lost = this.#held;
    this.#held = [];
    this.#id = this.#enrol();
    if (lost.length > 0) await this.#owner.lost(lost);
  }

  async #giveUp(surplus: readonly number[]): Promise<void> {
    await this.#owner.revoked(surplus);
    const kept = this.#held.filter((partition) => !surplus.includes(partition));
    this.#change((members) => members.map((one) => (one.id === this.#id ? { ...one, partitions: kept } : one)));
    this.#held = kept;
  }

  async #take(): Promise<void> {
    let taken: readonly number[] = [];
    this.#change((members) =>
      members.map((one) => {
        if (one.id !== this.#id) return one;
        taken = this.#freeFor(one, members);
        return { ...one, partitions: [...one.partitions, ...taken] };
      }),
    );
    this.#held = [...this.#held, ...taken];
    await this.#owner.assigned(taken);
  }

  /** Changes the rows of the members that live; those of the dead go. */
  #change(edit: (living: readonly MemberRow[]) => readonly MemberRow[]): void {
    transact(this.#store, () => this.#store.members.putSync(this.#key, edit(this.#living())));
  }

  #stored(): readonly MemberRow[] {
    return this.#store.members.get(this.#key) ?? [];
  }

  #living(): readonly MemberRow[] {
    return this.#stored().filter(isAlive);
  }

  /** As even as can be; what does not divide goes to those who joined first. */
  #shareOf(member: MemberRow, living: readonly MemberRow[]): number {
    const { partitions } = this.#place;
    const rank = living.findIndex(({ id }) => id === member.id);
    return Math.floor(partitions / living.length) + (rank < partitions % living.length ? 1 : 0);
  }

  /** Partitions that nobody has, as many as the member's share leaves room for. */
  #freeFor(member: MemberRow, living: readonly MemberRow[]): readonly number[] {
    const room = Math.max(0, this.#shareOf(member, living) - member.partitions.length);
    const held = new Set(living.flatMap(({ partitions }) => partitions));
    const all = Array.from({ length: this.#place.partitions }, (_, partition) => partition);
    return all.filter((partition) => !held.has(partition)).slice(0, room);
  }
}
