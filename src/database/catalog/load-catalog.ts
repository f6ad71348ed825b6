import type { Entry, KnownHead } from './catalog-entries.ts';
import { entryOf, recordAt } from './catalog-entries.ts';
import type { CatalogSeal } from './catalog-seal.ts';
import { addElement, CatalogDamagedError } from './catalog-seal.ts';
import type { CatalogStore, SealedRecord, StoredCatalogRecord } from './catalog-store.ts';
import type { CatalogImage } from './image.ts';
import type { CatalogRecord, HeadRecord } from './records.ts';
import { decodeRecord } from './record-coding.ts';
import { headId, logPrefix } from './records.ts';
import { SharedParts } from './shared-parts.ts';

/** What is stored of a catalog besides what its image has. */
export interface LoadedCatalog {
  readonly entries: Map<string, Entry>;
  readonly sum: bigint;
  readonly head: KnownHead;
  readonly ingestedTo: number | undefined;
  /** Records of the log, still sealed, in the order of their ids. */
  readonly log: ReadonlyMap<string, SealedRecord>;
}

/** Opens all that is stored, into an image that is empty.
 * @throws CatalogDamagedError */
export async function loadCatalog(store: CatalogStore, seal: CatalogSeal, image: CatalogImage): Promise<LoadedCatalog> {
  const entries = new Map<string, Entry>();
  const log = new Map<string, SealedRecord>();
  const extents: (readonly [string, CatalogRecord])[] = [];
  const shared = new SharedParts();
  let sum = 0n;
  let head: { readonly known: KnownHead; readonly stored: HeadRecord } | undefined;
  for await (const { id: text, version, sealed } of recordsOf(store)) {
    if (text === headId) {
      const stored = decodeRecord(seal.open(text, sealed));
      if (stored.kind === 'head') head = { known: entryOf(sealed, version), stored };
      continue;
    }
    const id = shared.text(text);
    const entry = entryOf(sealed, version);
    entries.set(id, entry);
    sum = addElement(sum, seal.element(id, entry));
    if (id.startsWith(logPrefix)) {
      log.set(id, sealed);
      continue;
    }
    const record = shared.record(id, recordAt(id, seal.open(id, sealed)));
    if (record.kind === 'extent' || record.kind === 'extentPage') extents.push([id, record]);
    else image.apply(id, record);
  }
  // A cluster has a head as long as it has a key.
  if (head === undefined) throw new CatalogDamagedError('it is not there');
  if (BigInt(`0x${head.stored.sum}`) !== sum)
    throw new CatalogDamagedError('records are missing, or old ones were put back');
  // After their tables: else each would be taken for one that is not seen any more, and looked at again.
  for (const [id, extent] of extents) image.apply(id, extent);
  return { entries, sum, head: head.known, ingestedTo: head.stored.ingestedTo, log };
}

/** One by one. While a page is opened the next one is on its way: it is read in another process. */
async function* recordsOf(store: CatalogStore): AsyncGenerator<StoredCatalogRecord> {
  for (let page = await store.load(undefined); page.length > 0;) {
    const next = store.load(page.at(-1)?.id);
    next.catch(() => undefined); // it is thrown where it is waited for, unless something of this page has been already
    yield* page;
    page = await next;
  }
}
