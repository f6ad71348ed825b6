import { toBase64Url } from '../../base/base64url.ts';
import type { Guid } from '../../base/guid.ts';
import { Turns } from '../../base/turns.ts';
import type { CatalogStore, CatalogWrite, SealedRecord, StoredCatalogRecord } from './catalog-store.ts';
import type { CatalogSeal, TagText } from './catalog-seal.ts';
import { addElement, CatalogDamagedError, tagText } from './catalog-seal.ts';
import { CommitRefusedError } from './data-error.ts';
import type { Rewrap } from './data-keys.ts';
import type { CatalogDraft } from './catalog-draft.ts';
import type { CatalogImage } from './image.ts';
import { extentsPerPage, makePage, openPage } from './extent-page.ts';
import { ofKind, ownerOf } from './image.ts';
import type { SealedExtent } from './sealed-extent.ts';
import type { CatalogRecord } from './records.ts';
import { decodeRecord, encodeRecord } from './record-coding.ts';
import { headId, withoutValues } from './records.ts';

/** What is known of a stored record besides its content. */
export interface Entry {
  readonly version: number;
  readonly revision: number;
  /** All that the sum needs of the bytes. */
  readonly tag: TagText;
}

/** The head as this process has read or written it. */
export interface KnownHead {
  /** 0: nobody here has seen it. */
  readonly version: number;
  readonly revision: number;
  readonly tag?: TagText;
}

/** The writes of a commit, with what the one of the head expects. Which version the state gave the head of a change of custody is looked up,
 * and then it must be that head still: else the first commit after a change would be made on what somebody else has written meanwhile.
 * @throws CommitRefusedError when somebody has */
export async function withHead(
  writes: readonly CatalogWrite[],
  head: KnownHead | undefined,
  store: Pick<CatalogStore, 'get'>,
): Promise<readonly CatalogWrite[]> {
  const expect = await versionOfHead(head, store);
  return writes.map((write) => (write.id === headId ? { ...write, expect } : write));
}

async function versionOfHead(head: KnownHead | undefined, store: Pick<CatalogStore, 'get'>): Promise<number | null> {
  if (head === undefined || head.version !== 0) return head?.version ?? null;
  const stored = await store.get(headId);
  if (stored === undefined || !isEntry(head, stored.sealed)) throw new CommitRefusedError('conflict');
  return stored.version;
}

/** A catalog as it will be once a change of custody is committed. */
export interface Rewrapped {
  readonly entries: Map<string, Entry>;
  /** Those that name other keys than before. */
  readonly records: Map<string, CatalogRecord>;
  sum: bigint;
}

export const entryOf = ({ revision, bytes }: SealedRecord, version: number): Entry => ({
  version,
  revision,
  tag: tagText(bytes),
});

/** Whether that is the record which is known. */
export const isEntry = ({ revision, tag }: Pick<KnownHead, 'revision' | 'tag'>, stored: SealedRecord): boolean =>
  revision === stored.revision && tag === tagText(stored.bytes);

/** @throws CatalogDamagedError */
export function recordAt(id: string, plaintext: Buffer): CatalogRecord {
  const record = decodeRecord(plaintext);
  if (record.kind === 'head') throw new CatalogDamagedError(`the record ${id.slice(0, 2)} is a head`);
  return record;
}

/** Seals records with `seal`, the keys in them wrapped anew, and notes them in `after`. Log records stay as they are: they are sealed
 * under the key of their segment; only their share in the sum is another one. Nobody has seen the versions of what is written beside.
 * A page of extents, or as many records, in a turn of the event loop: queries are answered meanwhile.
 * @param page as it is stored, and known; nobody changes the image meanwhile
 * @returns what is to be written */
export async function rewrapPage(
  page: readonly StoredCatalogRecord[],
  image: Pick<CatalogImage, 'stored' | 'get'>,
  { seal, rewrap }: { readonly seal: CatalogSeal; readonly rewrap: Rewrap },
  after: Rewrapped,
): Promise<readonly { readonly id: string; readonly put: SealedRecord }[]> {
  const nonces = seal.nonces(page.length).values();
  const turns = new Turns(extentsPerPage);
  const puts: { readonly id: string; readonly put: SealedRecord }[] = [];
  for (const { id, sealed } of page) {
    const before = image.stored(id);
    const record = before && rewrappedRecord(before, rewrap, image);
    if (record !== undefined && record !== before) after.records.set(id, record);
    const put = record ? seal.seal(id, sealed.revision + 1, encodeRecord(record), nonces.next().value) : sealed;
    const entry = entryOf(put, 0);
    after.entries.set(id, entry);
    after.sum = addElement(after.sum, seal.element(id, entry));
    puts.push({ id, put });
    await turns.after(record?.kind === 'extentPage' ? extentsPerPage : 1);
  }
  return puts;
}

function rewrappedRecord(record: CatalogRecord, rewrap: Rewrap, image: Pick<CatalogImage, 'get'>): CatalogRecord {
  const bytes = (text: string): Buffer => Buffer.from(text, 'base64url');
  const { databaseId, hasOwnKey = false } = rewrap.database ?? {};
  const databaseOf = (tableId: Guid): Guid | undefined =>
    databaseId === undefined ? undefined : ownerOf(image, tableId)?.databaseId;
  if (record.kind === 'extentPage')
    return makePage(
      record.pageId,
      openPage(record).flatMap((extent) => ofKind(rewrappedRecord(extent, rewrap, image), 'extent')),
    );
  if (record.kind === 'extent') {
    const owner = record.sealed.sealedFor ?? databaseOf(record.tableId);
    const isOfDatabase = owner !== undefined && owner === databaseId;
    const rewrapped = (before: SealedExtent): SealedExtent => {
      const wrappedDek = toBase64Url(rewrap.dek(bytes(before.wrappedDek), isOfDatabase));
      const sealed: SealedExtent & { sealedFor?: Guid } = { ...before, wrappedDek };
      if (isOfDatabase && hasOwnKey) sealed.sealedFor = owner;
      else if (isOfDatabase) delete sealed.sealedFor;
      return sealed;
    };
    return {
      ...record,
      ...(isOfDatabase && hasOwnKey ? withoutValues : {}),
      sealed: rewrapped(record.sealed),
      ...(record.terms && { terms: { ...record.terms, sealed: rewrapped(record.terms.sealed) } }),
    };
  }
  if (record.kind === 'stagedBlob' || record.kind === 'stagedBlock') {
    const pieces = record.pieces.map(({ sealedFor, ...sealed }) => {
      const isOfDatabase = sealedFor !== undefined && sealedFor === databaseId;
      const wrappedDek = toBase64Url(rewrap.dek(bytes(sealed.wrappedDek), isOfDatabase));
      // Which database blobs are for is known of those alone that are sealed for it.
      return {
        ...sealed,
        wrappedDek,
        ...(sealedFor === undefined || (isOfDatabase && !hasOwnKey) ? {} : { sealedFor }),
      };
    });
    return { ...record, pieces };
  }
  if (record.kind !== 'segment') return record;
  const owner = databaseOf(record.tableId);
  const wrapped = rewrap.segmentKey(bytes(record.wrappedKey), owner !== undefined && owner === databaseId);
  return { ...record, wrappedKey: toBase64Url(wrapped) };
}

/** What is stored, in the order of its ids. */
export async function* pagesOf(
  load: (after: string | undefined) => Promise<readonly StoredCatalogRecord[]>,
): AsyncGenerator<readonly StoredCatalogRecord[]> {
  for (let after: string | undefined; ;) {
    const page = await load(after);
    after = page.at(-1)?.id;
    if (after === undefined) return;
    yield page;
  }
}

/** What is added when something goes: it brings it back, or tells of it. */
const tellOfGone: ReadonlySet<string> = new Set(['droppedTable', 'journal']);

/** Whether a change makes room. @param entries what there is before */
export function takesAway(
  { changes, logDeletes }: Pick<CatalogDraft, 'changes' | 'logDeletes'>,
  entries: ReadonlyMap<string, Entry>,
): boolean {
  const records = [...changes];
  const isLess = ([id, record]: (typeof records)[number]): boolean =>
    record === null || entries.has(id) || tellOfGone.has(record.kind);
  return (logDeletes.size > 0 || records.some(([, record]) => record === null)) && records.every(isLess);
}
