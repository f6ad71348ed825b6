import { hasOneOf } from '../catalog/image.ts';
import { mayHaveTag } from '../catalog/page-facts.ts';
import type { ExtentOrPage, ExtentPageRecord, ExtentRecord, PageFacts } from '../catalog/records.ts';
import { bytesAtRest } from '../catalog/sealed-extent.ts';

/** Which extents are meant. */
export interface ChosenExtents {
  readonly isMeant: (extent: ExtentRecord) => boolean;
  /** What the facts of a page say of its extents: all of them are meant, or none. Undefined: that is to be asked of each. */
  readonly ofPage: (facts: PageFacts) => 'all' | 'none' | undefined;
}

export const everyExtent: ChosenExtents = { isMeant: () => true, ofPage: () => 'all' };

/** Those that have one of the tags. @param tags absent: all */
export const withOneOf = (tags: readonly string[] | undefined): ChosenExtents =>
  tags === undefined
    ? everyExtent
    : {
        isMeant: (extent) => hasOneOf(extent, tags),
        ofPage: (facts) => (tags.some((tag) => mayHaveTag(facts, tag)) ? undefined : 'none'),
      };

/** What opens a page. */
type Opened = (page: ExtentPageRecord) => readonly ExtentRecord[];

/** @returns pages, where all of their extents are meant @param opened opens a page that does not say */
export function chosenExtents(
  extents: readonly ExtentOrPage[],
  { isMeant, ofPage }: ChosenExtents,
  opened: Opened,
): ExtentOrPage[] {
  return extents.flatMap((one): ExtentOrPage | readonly ExtentOrPage[] => {
    if (one.kind !== 'extentPage') return isMeant(one) ? one : [];
    const all = ofPage(one.facts);
    return all === undefined ? opened(one).filter(isMeant) : all === 'all' ? one : [];
  });
}

/** The same, each by itself: a page is opened when its turn has come. */
export function* eachExtent(
  extents: Iterable<ExtentOrPage>,
  { isMeant, ofPage }: ChosenExtents,
  opened: Opened,
): Generator<ExtentRecord, undefined> {
  for (const one of extents) {
    if (one.kind !== 'extentPage') {
      if (isMeant(one)) yield one;
      continue;
    }
    const all = ofPage(one.facts);
    if (all === 'all') yield* opened(one);
    else if (all === undefined) yield* opened(one).filter(isMeant);
  }
}

/** What of extents is added up. */
type ExtentSums = Pick<
  PageFacts,
  'count' | 'rowCount' | 'originalBytes' | 'bytesAtRest' | 'termBytes' | 'minCreatedOn' | 'maxCreatedOn'
>;

const sumsOfOne = (one: ExtentOrPage): ExtentSums => {
  if (one.kind === 'extentPage') return one.facts;
  const { rowCount, originalBytes, minCreatedOn, maxCreatedOn, sealed, terms } = one;
  return {
    ...{ count: 1, rowCount, originalBytes, minCreatedOn, maxCreatedOn },
    ...{ bytesAtRest: bytesAtRest(sealed), termBytes: terms === undefined ? 0 : bytesAtRest(terms.sealed) },
  };
};

/** Of none: no time. */
export function sumsOf(extents: readonly ExtentOrPage[]): ExtentSums {
  const sums = {
    ...{ count: 0, rowCount: 0, originalBytes: 0, bytesAtRest: 0, termBytes: 0 },
    ...{ minCreatedOn: Infinity, maxCreatedOn: -Infinity },
  };
  for (const one of extents) {
    const own = sumsOfOne(one);
    sums.count += own.count;
    sums.rowCount += own.rowCount;
    sums.originalBytes += own.originalBytes;
    sums.bytesAtRest += own.bytesAtRest;
    sums.termBytes += own.termBytes;
    sums.minCreatedOn = Math.min(sums.minCreatedOn, own.minCreatedOn);
    sums.maxCreatedOn = Math.max(sums.maxCreatedOn, own.maxCreatedOn);
  }
  return sums;
}
