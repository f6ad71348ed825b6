import type { CatalogImage } from '../catalog/image.ts';
import type { ExtentPageRecord, ExtentRecord, PageFacts, TableRecord } from '../catalog/records.ts';
import type { MergePolicies } from './merge-policy.ts';
import { mayMergeNoMore } from './merge-policy.ts';
import type { Periods } from './periods.ts';

/** So many pages are looked into at a time: each takes milliseconds to open. */
const pagesMax = 32;

/** What decides about merges of a table. */
interface MergeRules {
  readonly policies: MergePolicies;
  readonly periods: Periods;
  readonly now: number;
}

/** Extents that came into pages were none to merge then. When the policies have become others some may be: they are looked for where
 * what is known of a page says so, and a page in which there was nothing to merge is not looked into again under the same policies. */
export class MergeablePages {
  readonly #lookedInto = new WeakMap<ExtentPageRecord, string>();

  /** @param choose of the extents of a page those that are to be merged; none: too few
   * @returns what it chose first; none: nothing, or nothing in the pages that were looked into now */
  chosen(
    image: Pick<CatalogImage, 'pages' | 'pagesOf'>,
    { tableId }: TableRecord,
    rules: MergeRules,
    choose: (extents: readonly ExtentRecord[]) => readonly ExtentRecord[],
  ): readonly ExtentRecord[] {
    const key = JSON.stringify([rules.policies, rules.periods]);
    const pages = image
      .pagesOf(tableId)
      .filter((page) => mayHaveMergeable(page.facts, rules) && this.#lookedInto.get(page) !== key)
      .slice(0, pagesMax);
    for (const page of pages) {
      const found = choose(image.pages.opened(page));
      if (found.length > 0) return found;
      this.#lookedInto.set(page, key);
    }
    return [];
  }
}

/** Whether one of its extents may be small enough, and new enough. */
function mayHaveMergeable(facts: PageFacts, { policies, periods, now }: MergeRules): boolean {
  const { leastRowCount: rowCount, originalBytes, minCreatedOn, maxCreatedOn } = facts;
  return !mayMergeNoMore({ rowCount, originalBytes, minCreatedOn, maxCreatedOn, tags: [] }, policies, periods, now);
}
