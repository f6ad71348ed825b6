import type { Entry } from './catalog-entries.ts';
import { entryOf, recordAt } from './catalog-entries.ts';
import type { CatalogSeal } from './catalog-seal.ts';
import { addElement, CatalogDamagedError, takeElement } from './catalog-seal.ts';
import type { SealedRecord } from './catalog-store.ts';
import type { CatalogRecord } from './records.ts';
import { decodeRecord } from './record-coding.ts';
import { headId, logPrefix } from './records.ts';

/** A record that another process has written, or removed. */
export interface FollowedRecord {
  readonly id: string;
  readonly version: number;
  readonly sealed: SealedRecord | null;
}

/** What is known of the catalog before. */
interface KnownCatalog {
  readonly entries: ReadonlyMap<string, Entry>;
  readonly sum: bigint;
  readonly head: { readonly version: number; readonly revision: number } | undefined;
}

/** What whole commits of another process make of it. */
export interface FollowedCommits {
  /** Null: it is gone. */
  readonly entries: ReadonlyMap<string, Entry | null>;
  readonly records: ReadonlyMap<string, CatalogRecord | null>;
  /** Records of the log, still sealed. */
  readonly log: ReadonlyMap<string, SealedRecord>;
  readonly head: { readonly version: number; readonly revision: number };
  readonly sum: bigint;
  readonly ingestedTo: number | undefined;
}

/** Opens what was committed since, and holds it against the sum in the head: a commit that is left out, or only a part of one, is found. Changes nothing.
 * @param changed whole commits, in their order
 * @throws CatalogDamagedError */
export function openFollowed(
  seal: CatalogSeal,
  known: KnownCatalog,
  changed: readonly FollowedRecord[],
): FollowedCommits {
  const last = new Map(changed.map((record) => [record.id, record]));
  const head = last.get(headId);
  last.delete(headId);
  if (head?.sealed == null) throw new CatalogDamagedError('a commit has no head');
  const { revision } = head.sealed;
  if (known.head !== undefined && revision <= known.head.revision)
    throw new CatalogDamagedError('its head is an older one');
  const opened = decodeRecord(seal.open(headId, head.sealed));
  if (opened.kind !== 'head') throw new CatalogDamagedError('its head is another record');
  const entries = new Map<string, Entry | null>();
  const records = new Map<string, CatalogRecord | null>();
  const log = new Map<string, SealedRecord>();
  let { sum } = known;
  for (const [id, { version, sealed }] of last) {
    const before = known.entries.get(id);
    if (before !== undefined) sum = takeElement(sum, seal.element(id, before));
    const entry = sealed && entryOf(sealed, version);
    if (entry !== null) sum = addElement(sum, seal.element(id, entry));
    entries.set(id, entry);
    if (!id.startsWith(logPrefix)) records.set(id, sealed && recordAt(id, seal.open(id, sealed)));
    else if (sealed !== null) log.set(id, sealed);
  }
  if (BigInt(`0x${opened.sum}`) !== sum) throw new CatalogDamagedError('a commit of another process is missing');
  return { entries, records, log, head: { version: head.version, revision }, sum, ingestedTo: opened.ingestedTo };
}
