import type { ExtentOrPage, ExtentPageRecord, ExtentRecord, PageFacts } from '../catalog/records.ts';

/** Which extents are meant. */
export interface ChosenExtents {
  readonly isMeant: (extent: ExtentRecord) => boolean;
  /** What the facts of a page say of its extents: all of them are meant, or none. Undefined: that is to be asked of each. */
  readonly ofPage: (facts: PageFacts) => 'all' | 'none' | undefined;
}

/** @returns pages, where all of their extents are meant @param opened opens a page that does not say */
export function chosenExtents(
  extents: readonly ExtentOrPage[],
  { isMeant, ofPage }: ChosenExtents,
  opened: (page: ExtentPageRecord) => readonly ExtentRecord[],
): ExtentOrPage[] {
  return extents.flatMap((one): ExtentOrPage | readonly ExtentOrPage[] => {
    if (one.kind !== 'extentPage') return isMeant(one) ? one : [];
    const all = ofPage(one.facts);
    return all === undefined ? opened(one).filter(isMeant) : all === 'all' ? one : [];
  });
}
