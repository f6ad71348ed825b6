import { parseGuid } from '../../base/guid.ts';
import type { CatalogImage } from '../catalog/image.ts';
import { guidBytes } from '../catalog/packed-form.ts';
import { PageIndex } from '../catalog/page-index.ts';
import type { ExtentOrPage, ExtentPageRecord, ExtentRecord, TableRecord } from '../catalog/records.ts';
import { recordId } from '../catalog/records.ts';
import type { ChosenExtents } from './chosen-extents.ts';
import { chosenExtents, eachExtent, everyExtent } from './chosen-extents.ts';

/** Extents of a table as they were at one moment, for who changes some of them. Pages stay packed as they were, whatever becomes of them in the catalog
 * meanwhile, and are opened one by one, only where something in them is asked for. */
export class HeldExtents {
  readonly all: readonly ExtentOrPage[];
  readonly #image: Pick<CatalogImage, 'pages' | 'get' | 'stored'>;
  #alone: ReadonlyMap<string, ExtentRecord> | undefined;
  #paged: PageIndex | undefined;

  /** @param kept those that count: the others are as if they were not there */
  constructor(
    image: Pick<CatalogImage, 'extentsAndPagesOf' | 'pages' | 'get' | 'stored'>,
    { tableId }: TableRecord,
    kept: ChosenExtents,
  ) {
    this.#image = image;
    this.all = chosenExtents(image.extentsAndPagesOf(tableId), kept, this.opened);
  }

  readonly opened = (page: ExtentPageRecord): readonly ExtentRecord[] => this.#image.pages.opened(page);

  each(chosen: ChosenExtents): Iterable<ExtentRecord> {
    return eachExtent(this.all, chosen, this.opened);
  }

  /** @param extentId as text; undefined for what is no GUID */
  find(extentId: string): ExtentRecord | undefined {
    this.#alone ??= new Map(this.all.flatMap((one) => (one.kind === 'extent' ? [[one.extentId, one] as const] : [])));
    const alone = this.#alone.get(extentId);
    if (alone !== undefined) return alone;
    if (this.#paged === undefined) {
      this.#paged = new PageIndex();
      for (const one of this.all) if (one.kind === 'extentPage') this.#paged.set(one);
    }
    const id = parseGuid(extentId);
    const found = id && this.#paged.find(guidBytes(id));
    return found && this.#image.pages.extent(found);
  }

  /** Whether one of them is in the catalog no more. A page that is as it was is not opened for it. */
  hasLost(): boolean {
    const isThere = (page: ExtentPageRecord): boolean => this.#image.stored(recordId(page)) === page;
    const changed = this.all.filter((one) => one.kind === 'extent' || !isThere(one));
    for (const extent of eachExtent(changed, everyExtent, this.opened))
      if (this.#image.get(recordId(extent)) === undefined) return true;
    return false;
  }
}
