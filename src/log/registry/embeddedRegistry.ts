import { createHash } from 'node:crypto';
import { TidemarkError } from '../../errors.ts';
import { closeStore, openStore, type Store, transact } from '../embedded/store.ts';
import { canonicalSchema } from './canonicalSchema.ts';
import {
  type CompatibilityLevel,
  DEFAULT_LEVEL,
  incompatibilities,
  incompatibleError,
  isCompatibilityLevel,
} from './compatibility.ts';
import type { SchemaRegistry } from './registry.ts';

/** The key of the default compatibility level: no subject has this name. */
const ALL_SUBJECTS = '';
/** A subject is part of an LMDB key. */
const MAX_SUBJECT_BYTES = 300;

export interface SubjectVersion {
  readonly subject: string;
  readonly version: number;
  readonly id: number;
  readonly schema: string;
}

/**
 * A schema registry in the store of the embedded log, so that all processes that hold the store share its ids. Ids rise
 * from 1; the same canonical text has the same id under every subject.
 * @throws TM_LOG_DIRECTORY, TM_LOG_FORMAT, TM_LOG_FULL
 */
export async function openEmbeddedRegistry(options: { readonly directory: string }): Promise<EmbeddedRegistry> {
  return new EmbeddedRegistry(openStore(options.directory));
}

export class EmbeddedRegistry implements SchemaRegistry {
  readonly #store: Store;
  /** A registered schema never changes. */
  readonly #textById = new Map<number, string>();
  #closed = false;

  constructor(store: Store) {
    this.#store = store;
  }

  async register(subject: string, schemaText: string): Promise<number> {
    this.#checkOpen();
    checkSubject(subject);
    const text = canonicalSchema(schemaText);
    return transact(this.#store, () => {
      const versions = this.#liveVersions(subject);
      const same = versions.find(({ schema }) => schema === text);
      if (same !== undefined) return same.id;
      const reasons = this.#incompatibilities(subject, text, versions);
      if (reasons.length > 0) throw incompatibleError(subject, reasons);
      const id = this.#idOf(text) ?? this.#addSchema(text);
      this.#store.subjects.putSync([subject, this.#lastVersion(subject) + 1], { id, deleted: false });
      return id;
    });
  }

  async latestId(subject: string): Promise<number> {
    const id = this.versions(subject).at(-1)?.id;
    if (id !== undefined) return id;
    throw new TidemarkError('TM_SCHEMA_UNKNOWN', `No schema is registered as ${subject}.`, {
      where: this.#store.directory,
      hint: 'Producers register the schema of a topic that they write to.',
    });
  }

  async schemaById(id: number): Promise<string> {
    const known = this.#textById.get(id);
    if (known !== undefined) return known;
    this.#refresh();
    const text = Number.isSafeInteger(id) ? this.#store.schemas.get(id) : undefined;
    if (text === undefined) {
      throw new TidemarkError('TM_SCHEMA_UNKNOWN', `No schema has the id ${id}.`, {
        where: this.#store.directory,
        hint: 'The value was written with another registry, or is not Confluent-framed Avro.',
      });
    }
    this.#textById.set(id, text);
    return text;
  }

  /** Subjects that have a version, in order of name. */
  subjects(): string[] {
    this.#refresh();
    const names = new Set<string>();
    for (const { key, value } of this.#store.subjects.getRange()) {
      if (!value.deleted) names.add(key[0]);
    }
    return [...names];
  }

  /** Versions of a subject, oldest first; none when there is no such subject. */
  versions(subject: string): SubjectVersion[] {
    this.#refresh();
    return this.#liveVersions(subject);
  }

  /** The version of the subject that has this schema, or null. @throws TM_SCHEMA_INVALID */
  lookup(subject: string, schemaText: string): SubjectVersion | null {
    const text = canonicalSchema(schemaText);
    return this.versions(subject).find(({ schema }) => schema === text) ?? null;
  }

  /**
   * Why a schema could not become the next of these versions of a subject, at the subject's level; empty when it could.
   * @throws TM_SCHEMA_INVALID
   */
  incompatibilities(subject: string, schemaText: string, versions: readonly SubjectVersion[]): string[] {
    this.#refresh();
    return this.#incompatibilities(subject, canonicalSchema(schemaText), versions);
  }

  /** Hides a subject's versions; their schemas are still found by id. The versions hidden. */
  deleteSubject(subject: string): number[] {
    this.#checkOpen();
    return transact(this.#store, () =>
      this.#liveVersions(subject).map(({ version, id }) => {
        this.#store.subjects.putSync([subject, version], { id, deleted: true });
        return version;
      }),
    );
  }

  /** The level set for a subject, or for all (null); null when none was set. */
  compatibility(subject: string | null): CompatibilityLevel | null {
    this.#refresh();
    return this.#level(subject ?? ALL_SUBJECTS);
  }

  setCompatibility(subject: string | null, level: CompatibilityLevel): void {
    this.#checkOpen();
    if (subject !== null) checkSubject(subject);
    transact(this.#store, () => this.#store.compatibility.putSync(subject ?? ALL_SUBJECTS, level));
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await closeStore(this.#store);
  }

  #checkOpen(): void {
    if (!this.#closed) return;
    throw new TidemarkError('TM_LOG_CLOSED', 'This registry is closed.', { where: this.#store.directory });
  }

  /** Makes the next lookups see what was committed up to now, by any process. */
  #refresh(): void {
    this.#checkOpen();
    this.#store.root.resetReadTxn();
  }

  #liveVersions(subject: string): SubjectVersion[] {
    const rows = this.#store.subjects.getRange({ start: [subject, 0], end: [subject, Number.POSITIVE_INFINITY] });
    const live: SubjectVersion[] = [];
    for (const { key, value } of rows) {
      if (value.deleted) continue;
      live.push({ subject, version: key[1], id: value.id, schema: this.#store.schemas.get(value.id) ?? '' });
    }
    return live;
  }

  /** The newest version, hidden ones included: their numbers are not given again. 0 when there was none. */
  #lastVersion(subject: string): number {
    const newest = { start: [subject, Number.POSITIVE_INFINITY], end: [subject, 0], reverse: true, limit: 1 };
    for (const key of this.#store.subjects.getKeys(newest)) return key[1];
    return 0;
  }

  #idOf(text: string): number | undefined {
    return this.#store.schemaIds.get(digest(text));
  }

  #addSchema(text: string): number {
    let id = 1;
    for (const last of this.#store.schemas.getKeys({ reverse: true, limit: 1 })) id = last + 1;
    this.#store.schemas.putSync(id, text);
    this.#store.schemaIds.putSync(digest(text), id);
    return id;
  }

  #incompatibilities(subject: string, text: string, versions: readonly SubjectVersion[]): string[] {
    const level = this.#level(subject) ?? this.#level(ALL_SUBJECTS) ?? DEFAULT_LEVEL;
    return incompatibilities(
      text,
      versions.map(({ schema }) => schema),
      level,
    );
  }

  #level(subject: string): CompatibilityLevel | null {
    const stored = this.#store.compatibility.get(subject);
    return stored !== undefined && isCompatibilityLevel(stored) ? stored : null;
  }
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function checkSubject(subject: string): void {
  const bytes = Buffer.byteLength(subject);
  if (bytes > 0 && bytes <= MAX_SUBJECT_BYTES && !subject.includes('\0')) return;
  throw new TidemarkError(
    'TM_SCHEMA_INVALID',
    `A subject's name has 1 to ${MAX_SUBJECT_BYTES} bytes, none of them 0; this has ${bytes}.`,
  );
}
